// How a principal reads in a list.
import type { AuditRecord } from "@pratique/contracts";

export function principalName(principal: AuditRecord["principal"]): string {
  const name =
    principal.type === "Workload"
      ? principal.id.replace(/^spiffe:\/\/[^/]+\//, "").replace(/^run\/([0-9a-f]{8})[^/]*/, "run/$1…")
      : (principal.name ?? principal.id);
  return principal.actingFor === undefined ? name : `${name} for ${principal.name ?? principal.actingFor}`;
}
