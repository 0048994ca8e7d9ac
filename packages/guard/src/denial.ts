// What a denial looks like at the edges.
import type { Decision } from "@pratique/contracts";
import type { Outcome } from "./act.ts";
import { guardErrors } from "./errors.ts";

/**
 * The text that a denied tool call returns to an agent: `denied: policy no-writes forbids write_note`, or
 * `denied: no policy allows write_note`. Exactly this: small models are trained on it.
 */
export function denialText(decision: Decision, resourceName: string): string {
  const forbid = decision.policies.find(({ effect }) => effect === "forbid");
  return forbid === undefined
    ? `denied: no policy allows ${resourceName}`
    : `denied: policy ${forbid.id} forbids ${resourceName}`;
}

/** The value of an act that was allowed. @throws `policy.denied` with reason, remedy, policies and record */
export function allowedOrThrow<T>(outcome: Outcome<T>): T {
  if (outcome.allowed) return outcome.value;
  const { decision, record } = outcome;
  const { reason, remedy = "pratique why tells which policy decided", policyDigest } = decision;
  throw guardErrors(
    "policy.denied",
    { reason },
    {
      hint: remedy,
      details: { record: record.id, policies: decision.policies.map(({ id }) => id), policyDigest },
    },
  );
}
