// How records read in a list.
import type { AuditRecord } from "@pratique/contracts";
import { columns, type Terminal } from "./terminal.ts";
import { shortDigest } from "./words.ts";

function who(record: AuditRecord): string {
  const { principal } = record;
  const name =
    principal.type === "Workload"
      ? principal.id.replace(/^spiffe:\/\/[^/]+\//, "").replace(/^run\/([0-9a-f]{8})[^/]*/, "run/$1…")
      : principal.id;
  return principal.actingFor === undefined ? name : `${name} for ${principal.actingFor}`;
}

/** Records as aligned lines, oldest first. */
export function recordTable(terminal: Terminal, records: readonly AuditRecord[]): string {
  return columns(
    records.map((record) => [
      terminal.paint("dim", String(record.sequence).padStart(4)),
      record.decision === "allow" ? terminal.paint("good", "allow") : terminal.paint("bad", "deny"),
      record.action,
      record.resource.id,
      record.resource.digest === undefined ? "-" : shortDigest(record.resource.digest),
      record.policies.map((policy) => policy.id).join(",") || "no policy",
      record.outcome,
      who(record),
      terminal.paint("dim", record.id),
    ]),
  );
}
