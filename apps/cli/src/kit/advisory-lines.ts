// How the advisory database reads on screen.
import type { DatabaseChangeResult, DatabaseStatus, SourceStatus } from "@pratique/contracts";
import type { Context, ExitCode } from "./command.ts";
import { columns, type Terminal, type Tone } from "./terminal.ts";
import { counted } from "./words.ts";

const TONES: Readonly<Record<SourceStatus["freshness"], Tone>> = {
  current: "good",
  stale: "warn",
  unavailable: "bad",
  "not-checked": "dim",
};

export function printStatus(terminal: Terminal, status: DatabaseStatus): void {
  if (status.sources.length === 0) {
    terminal.note("no advisories: nothing is checked");
    terminal.note("try  pratique db import PATH, or vulnerabilities.sources in pratique.yaml");
    return;
  }
  terminal.out(
    columns(
      status.sources.map((source) => [
        source.name,
        terminal.paint(TONES[source.freshness], source.freshness),
        source.ageSeconds === undefined ? "-" : age(source.ageSeconds),
        source.format ?? "-",
        source.entries.toLocaleString("en"),
        ecosystems(source.ecosystems),
      ]),
    ),
  );
  for (const { name, failure } of status.sources) {
    if (failure !== undefined) terminal.note(`${name}: failed at ${failure.at}: ${failure.reason}`);
  }
  terminal.note(`version ${status.version}`);
}

function ecosystems(names: readonly string[]): string {
  const shown = names.slice(0, 4).join(", ");
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}

/** `5 minutes`, `3 hours`, `12 days`. */
export function age(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`;
}

/** What an update or import did. Exit 1 when a source failed. */
export function printChange({ terminal, json }: Context, result: DatabaseChangeResult): ExitCode {
  const hasFailed = result.imports.some(({ outcome }) => outcome === "failed");
  if (json) {
    terminal.out(JSON.stringify(result, null, 2));
    return hasFailed ? 1 : 0;
  }
  for (const one of result.imports) {
    if (one.outcome === "failed") {
      terminal.out(`${terminal.paint("bad", "✗")} ${one.source}  ${one.reason ?? ""}`);
      continue;
    }
    const what =
      one.outcome === "unchanged"
        ? "nothing new"
        : `${one.read.toLocaleString("en")} read, ${one.changed.toLocaleString("en")} changed, ${one.removed.toLocaleString("en")} removed`;
    terminal.out(`${terminal.paint("good", "✓")} ${one.source}  ${what}`);
    if (one.skipped > 0) terminal.note(`${counted(one.skipped, "record")} of ${one.source} could not be read:`);
    for (const problem of one.problems) terminal.note(`  ${problem}`);
  }
  terminal.note(`version ${result.version}`);
  return hasFailed ? 1 : 0;
}
