// Why a request is decided as it is, in words for a person.
import { cedarRequest, UnfitRequest, type CedarRequest, type PolicyRequest } from "./cedar-request.ts";
import { failingClause } from "./clauses.ts";
import type { PolicySet, PolicySummary } from "./policy-set.ts";
import { covers } from "./scope.ts";
import { nameOf, printable } from "./sentences.ts";

const MAX_NEAREST = 5;

function cedarOf(request: PolicyRequest): CedarRequest | undefined {
  try {
    return cedarRequest(request);
  } catch (error) {
    if (error instanceof UnfitRequest) return undefined;
    throw error;
  }
}

/** Parts of a permit's head that have to do with a request: three when all do. */
function nearness(policy: PolicySummary, request: PolicyRequest): number {
  return [
    covers(policy.actions, request.action),
    covers(policy.resourceTypes, request.resource.type),
    covers(policy.principalTypes, request.principal.type),
  ].filter(Boolean).length;
}

function nearestPermits(set: PolicySet, request: PolicyRequest): readonly PolicySummary[] {
  return set.policies
    .filter(({ effect }) => effect === "permit")
    .map((policy) => ({ policy, near: nearness(policy, request) }))
    .filter(({ near }) => near > 1)
    .sort((a, b) => b.near - a.near)
    .slice(0, MAX_NEAREST)
    .map(({ policy }) => policy);
}

/**
 * Explains a decision, a line a fact: the verdict, the policies that made it with their places, what would help, and
 * for a default deny the permits that came nearest with the part of each that did not hold.
 */
export function explainDecision(set: PolicySet, request: PolicyRequest): string {
  const decision = set.decide(request);
  const { principal, action, resource } = request;
  const who = `${principal.type} ${printable(principal.id)}`;
  const lines = [
    `${decision.allow ? "allow" : "deny "}  ${action} of ${nameOf(resource)} (${resource.type}) by ${who}`,
    `why    ${decision.reason}`,
  ];
  const byId = new Map(set.policies.map((policy) => [policy.id, policy]));
  for (const { id, effect, reason } of decision.policies) {
    const policy = byId.get(id);
    const place = policy === undefined ? "" : `  ${policy.file}:${policy.line}`;
    lines.push(`       ${effect} ${id}${place}${reason === undefined ? "" : `  ${reason}`}`);
  }
  const isDefaultDeny = !decision.allow && decision.policies.length === 0;
  const cedar = isDefaultDeny && decision.remedy !== undefined ? cedarOf(request) : undefined;
  if (cedar !== undefined) {
    for (const permit of nearestPermits(set, request)) {
      const clause = failingClause(permit.text, cedar);
      lines.push(`near   permit ${permit.id}  ${permit.file}:${permit.line}  does not hold: ${clause ?? "unknown"}`);
    }
  } else if (decision.remedy !== undefined) {
    lines.push(`try    ${decision.remedy}`);
  }
  if (decision.needsApproval) lines.push("       a human's approval of this act would allow it");
  lines.push(`under  ${decision.policyDigest}`);
  return lines.join("\n");
}
