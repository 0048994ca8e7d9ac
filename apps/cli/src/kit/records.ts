// How records read in a list.
import type { AuditRecord } from "@pratique/contracts";
import { principalName } from "./principals.ts";
import { columns, type Terminal } from "./terminal.ts";
import { shortDigest } from "./words.ts";

/** Without the embedded registry's own address, which is the same on every line, and without what the next column says. */
function shortResource(id: string): string {
  return id.replace(/^(?:localhost|127\.0\.0\.1):\d+\//, "").replace(/@sha256:[0-9a-f]{64}$/, "");
}

/** Records as aligned lines, oldest first; the first column is what `pratique why` takes. */
export function recordTable(terminal: Terminal, records: readonly AuditRecord[]): string {
  return columns(
    records.map((record) => [
      terminal.paint("dim", String(record.sequence).padStart(4)),
      record.decision === "allow" ? terminal.paint("good", "allow") : terminal.paint("bad", "deny"),
      record.action,
      shortResource(record.resource.id),
      record.resource.digest === undefined ? "-" : shortDigest(record.resource.digest),
      record.policies.map((policy) => policy.id).join(",") || "no policy",
      record.outcome,
      principalName(record.principal),
    ]),
  );
}
