// What came in, as a list.
import type { ImportResult } from "@pratique/contracts";
import type { Context } from "./command.ts";
import { shortDigest } from "./words.ts";

export function printImported({ terminal, json }: Pick<Context, "terminal" | "json">, answer: ImportResult): void {
  if (json) {
    terminal.out(JSON.stringify(answer, null, 2));
    return;
  }
  for (const { reference, digest, kind } of answer.artifacts) {
    terminal.out(`${terminal.paint("good", "✓")} ${kind} ${reference}  ${shortDigest(digest)}`);
  }
}
