// Provenance as `pratique verify --provenance` shows it.
import type { ProvenanceResult } from "@pratique/contracts";
import { columns, type Terminal } from "./terminal.ts";

const MAX_PARAMETERS = 12;

export function printProvenance(terminal: Terminal, answer: ProvenanceResult): void {
  terminal.out(`${answer.reference}  ${answer.digest}`);
  if (answer.statements.length === 0) {
    terminal.out(`${terminal.paint("bad", "✗")} no provenance that a trusted key or identity signed`);
  }
  for (const one of answer.statements) {
    const mark = one.accepted ? terminal.paint("good", "✓") : terminal.paint("bad", "✗");
    const known = one.builderName === undefined ? "" : ` (${one.builderName})`;
    terminal.out(`${mark} SLSA build level ${one.slsaLevel}, signed by ${one.signer.name}`);
    const commit = one.sourceDigest["gitCommit"] ?? one.sourceDigest["sha1"];
    const { total, pinned } = one.dependencies;
    terminal.out(
      columns([
        ["  ", "level", one.reason],
        ["  ", "builder", `${one.builder}${known}`],
        ["  ", "build type", one.buildType],
        [
          "  ",
          "source",
          one.source === undefined ? "not told" : `${one.source}${commit === undefined ? "" : ` ${commit}`}`,
        ],
        ["  ", "inputs", `${total}, ${pinned} of them by digest`],
        ...Object.entries(one.parameters)
          .slice(0, MAX_PARAMETERS)
          .map(([name, value]) => ["  ", name, JSON.stringify(value).slice(0, 200)]),
      ]),
    );
    for (const reason of one.unmet) terminal.out(`  ${terminal.paint("bad", "✗")} ${reason}`);
  }
}
