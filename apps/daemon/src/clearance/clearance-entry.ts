// Rows of the clearance table as the control API and people see them.
import { Kind, PolicyReason, type ClearanceEntry } from "@pratique/contracts";
import { parseJson } from "@pratique/core";
import { OWNER, type ChangedGround, type SigningKey, type Trust } from "@pratique/evidence";
import type { ClearanceRow } from "@pratique/store";

export const CHANGED: Readonly<Record<ChangedGround, string>> = {
  policy: "the policy",
  database: "the vulnerability database",
  evidence: "its evidence, or a waiver,",
};

const Because = ["policy", "database", "evidence"] as const;
const Reasons = PolicyReason.array();

export function keyOf({ repository, digest }: Pick<ClearanceRow, "repository" | "digest">): string {
  return `${repository}@${digest}`;
}

export function policiesOf({ reasons }: Pick<ClearanceRow, "reasons">): PolicyReason[] {
  return reasons === null ? [] : (Reasons.safeParse(parseJson(reasons, "the reasons of a loss")).data ?? []);
}

export function lossSentence(row: ClearanceRow): string {
  const because = becauseOf(row);
  const changed = because === undefined ? "" : `: ${CHANGED[because]} changed`;
  const policies = policiesOf(row);
  if (policies.length === 0) return `its clearance does not stand${changed}, and nobody cleared it again`;
  return `it lost its clearance${changed}, and ${policies.map(({ id }) => id).join(", ")} refuses it now`;
}

export function entryOf(row: ClearanceRow): ClearanceEntry {
  const because = becauseOf(row);
  const kind = Kind.safeParse(row.kind);
  return {
    reference: row.reference,
    repository: row.repository,
    digest: row.digest,
    kind: kind.success ? kind.data : "image",
    state: row.state,
    time: row.time,
    policyDigest: row.policyDigest,
    ...(row.databaseVersion === null ? {} : { databaseVersion: row.databaseVersion }),
    ...(because === undefined ? {} : { because }),
    policies: policiesOf(row),
    ...(row.record === null ? {} : { record: row.record }),
  };
}

function becauseOf({ because }: ClearanceRow): ChangedGround | undefined {
  return Because.find((one) => one === because);
}

/** Whether what this key clears counts here. */
export function canClear({ publicKeyPem }: SigningKey, { keys }: Trust): boolean {
  const key = keys.find((trusted) => trusted.publicKeyPem === publicKeyPem);
  return key !== undefined && (key.clears ?? key.name === OWNER);
}
