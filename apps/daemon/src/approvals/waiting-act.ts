// One act that waits for a person's answer.
import type { PendingApproval, Principal } from "@pratique/contracts";
import { canonicalJson, digestOf, isJsonObject, redactJson, redactText, type JsonObject } from "@pratique/core";
import type { Act, Approval, ApprovalRequest, GuardResource } from "@pratique/guard";

/** Arguments larger than this are shown by digest and size. */
const SHOWN_BYTES = 16 * 1024;
const TEXT_LIMIT = 500;

export type Settled =
  | { readonly type: "answered"; readonly approval: Approval }
  | { readonly type: "late" }
  | { readonly type: "left" };

export interface WaitingAct {
  readonly id: string;
  /** Tells equal calls: who wants to do what to what, with which arguments. */
  readonly key: string;
  readonly act: Act & { readonly principal: Principal };
  readonly shown: PendingApproval;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** Set while somebody's answer is on its way into the log. */
  isAnswering: boolean;
  /** Tells the caller, while he waits. */
  settle: ((settled: Settled) => void) | undefined;
}

/** The person behind a principal. */
export function personOf(principal: Principal): { readonly id: string; readonly name: string } {
  return principal.type === "User" ? principal : principal.actingFor;
}

export function keyOf({ principal, action, resource }: Act, argumentsDigest: string): string {
  const who = principal === undefined ? "" : `${principal.type} ${principal.id}`;
  return digestOf(canonicalJson([who, action, resource.type, resource.id, argumentsDigest]));
}

export function waitingAct(
  { act, decision, argumentsDigest, waiting }: ApprovalRequest,
  facts: { readonly id: string; readonly principal: Principal; readonly now: number; readonly expiresAt: number },
): WaitingAct {
  const { id, principal, now, expiresAt } = facts;
  const { name } = personOf(principal);
  const shownArguments = waiting?.shown === undefined ? undefined : bounded(waiting.shown());
  const run = principal.type === "Workload" ? (principal.run ?? act.run) : act.run;
  return {
    id,
    key: keyOf(act, argumentsDigest),
    act: { ...act, principal },
    expiresAt,
    isAnswering: false,
    settle: undefined,
    shown: {
      id,
      time: new Date(now).toISOString(),
      expires: new Date(expiresAt).toISOString(),
      principal: {
        type: principal.type,
        id: principal.id,
        name,
        ...(principal.type === "Workload" ? { actingFor: principal.actingFor.id } : {}),
      },
      ...(run === undefined ? {} : { run }),
      action: act.action,
      resource: { type: act.resource.type, id: redactText(act.resource.id).slice(0, TEXT_LIMIT) },
      policies: decision.policies.filter(({ effect }) => effect === "forbid").map(({ id: policy }) => policy),
      reason: decision.reason.slice(0, TEXT_LIMIT),
      argumentsDigest,
      ...(shownArguments === undefined ? {} : { arguments: shownArguments }),
      isWaiting: false,
    },
  };
}

/** What may be approved by whom is a decision about the same thing, whose facts may be older than this moment. */
export function resourceOf({ act }: WaitingAct): GuardResource {
  const { isCurrent: _, ...resource } = act.resource;
  return resource;
}

function bounded(args: JsonObject): NonNullable<PendingApproval["arguments"]> {
  const text = JSON.stringify(redactJson(args));
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > SHOWN_BYTES) return { tooLarge: { digest: digestOf(text), sizeBytes } };
  const plain: unknown = JSON.parse(text);
  return isJsonObject(plain) ? (plain as NonNullable<PendingApproval["arguments"]>) : {};
}
