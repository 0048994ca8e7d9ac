// How the benchmarks measure: CPU time of whole processes, medians, and tables with ratios.
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";

/** User and system CPU milliseconds of a command and its children, its wall time, and how it ended. */
export function measureCommand(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): { cpuMs: number; wallMs: number; code: number | null } {
  const begun = performance.now();
  // `times` prints the shell's own times, then those of its children.
  const result = spawnSync("sh", ["-c", '"$@" >/dev/null 2>&1; code=$?; times; exit $code', "sh", command, ...args], {
    encoding: "utf8",
    env,
  });
  const wallMs = performance.now() - begun;
  const children = result.stdout.trim().split("\n").at(-1) ?? "";
  const cpuMs = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, part) => sum + Number(part[1]) * 60_000 + Number(part[2]) * 1000,
    0,
  );
  return { cpuMs, wallMs, code: result.status };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Runs several commands in turn, so that what disturbs one disturbs all. */
export function compareCommands(
  rounds: number,
  commands: Readonly<Record<string, readonly [string, ...string[]]>>,
): Record<string, { cpuMs: number; wallMs: number }> {
  const samples: Record<string, { cpuMs: number; wallMs: number }[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, [command, ...args]] of Object.entries(commands))
      (samples[name] ??= []).push(measureCommand(command, args));
  }
  return Object.fromEntries(
    Object.entries(samples).map(([name, list]) => [
      name,
      { cpuMs: median(list.map(({ cpuMs }) => cpuMs)), wallMs: median(list.map(({ wallMs }) => wallMs)) },
    ]),
  );
}

/** Prints a Markdown table, which is what docs/reference/benchmarks.md holds. */
export function printTable(
  title: string,
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): void {
  const lines = [
    `\n### ${title}\n`,
    `| ${head.join(" | ")} |`,
    `|${head.map(() => "---").join("|")}|`,
    ...rows.map(
      (row) =>
        `| ${row.map((cell) => (typeof cell === "number" ? (cell < 10 ? cell.toFixed(2) : Math.round(cell)) : cell)).join(" | ")} |`,
    ),
    `\n${cpus().length} × ${cpus()[0]?.model.trim() ?? "CPU"}, Node ${process.versions.node}`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
