// One decision over an act. Whatever goes wrong on the way is a denial that says so.
import type { Decision, Principal } from "@pratique/contracts";
import { describeError, type JsonObject, type Log } from "@pratique/core";
import type { Entity, PolicyRequest, PolicySet } from "@pratique/policy";
import type { Act, GuardResource } from "./act.ts";
import { principalEntity } from "./principal-entity.ts";

/** Stands where a policy digest would, when no policy could be asked. */
const NO_POLICY = "none";

function denial(reason: string, remedy: string, policyDigest: string): Decision {
  return { allow: false, policies: [], reason, remedy, policyDigest, needsApproval: false };
}

function resourceEntity({ type, id, attributes, parents }: GuardResource): Entity {
  return {
    type,
    id,
    ...(attributes === undefined ? {} : { attributes }),
    ...(parents === undefined ? {} : { parents: parents.map(resourceEntity) }),
  };
}

/** The context as policy sees it: `approved` only when a human approved, whatever the caller says. */
function contextOf(act: Act, approvedDigest: string | undefined): JsonObject {
  const { approved: _, ...context } = act.context ?? {};
  return approvedDigest === undefined ? context : { ...context, approved: true, argumentsDigest: approvedDigest };
}

/** The answer to an act over facts that have changed since. */
export function outdated({ action, resource }: Act, policyDigest: string): Decision {
  const reason = `what is known of ${resource.type} ${resource.id} changed while ${action} was decided`;
  return denial(reason, "try again", policyDigest);
}

/** What policy is asked about an act. */
export function policyRequestOf(act: Act, principal: Principal, approvedDigest?: string): PolicyRequest {
  return {
    principal: principalEntity(principal),
    action: act.action,
    resource: resourceEntity(act.resource),
    context: contextOf(act, approvedDigest),
  };
}

function digestInForce(policy: () => PolicySet): string {
  return policyInForce(policy)?.digest ?? NO_POLICY;
}

/** The policy set of this moment; undefined when there is none. */
export function policyInForce(policy: () => PolicySet): PolicySet | undefined {
  try {
    return policy();
  } catch {
    return undefined;
  }
}

/** The set in force at this moment, for many decisions that belong together. A failure to get it comes with each. */
export function policyNow(policy: () => PolicySet): () => PolicySet {
  try {
    const set = policy();
    return () => set;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** Decides with the policy in force. Never throws. */
export function decideAct(policy: () => PolicySet, log: Log, act: Act, approvedDigest?: string): Decision {
  const { principal, action, resource } = act;
  if (principal === undefined) {
    const reason = `nobody is signed in, so ${action} is denied`;
    return denial(reason, "send a token: pratique token prints the owner's", digestInForce(policy));
  }
  if (resource.isCurrent?.() === false) return outdated(act, digestInForce(policy));
  try {
    return policy().decide(policyRequestOf(act, principal, approvedDigest));
  } catch (error) {
    log.error("policy cannot be asked, so the act is denied", { action, ...describeError(error) });
    return denial("policy cannot be asked, so nothing is allowed", "pratique policy check", digestInForce(policy));
  }
}
