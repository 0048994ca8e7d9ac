// Acts that wait for a person's yes, and his answer.
import { z } from "zod";
import { Action, ResourceType } from "./decision.schema.ts";

/** Longest time for which an answer can be asked to count again; policy sets the limit that holds. */
const REMEMBER_SECONDS = 30 * 86_400;

export const PendingApproval = z.strictObject({
  id: z.string(),
  /** RFC 3339, UTC: since when, and until when it can be answered. */
  time: z.string(),
  expires: z.string(),
  principal: z.strictObject({
    type: z.enum(["User", "Workload"]),
    id: z.string(),
    /** The person's: the user's own, or that of whom the workload acts for. */
    name: z.string(),
    actingFor: z.string().optional(),
  }),
  run: z.string().optional(),
  action: Action,
  resource: z.strictObject({ type: ResourceType, id: z.string() }),
  /** Policies that forbid it as long as nobody approves. */
  policies: z.array(z.string()),
  reason: z.string(),
  /** What is approved: these arguments and no others. */
  argumentsDigest: z.string(),
  /** The arguments without secrets, where who wants to act said what they are. */
  arguments: z.record(z.string(), z.json()).optional(),
  /** The caller waits for the answer. If not, the answer counts for the same call when it comes again. */
  isWaiting: z.boolean(),
});
export type PendingApproval = z.infer<typeof PendingApproval>;

export const PendingApprovals = z.strictObject({ approvals: z.array(PendingApproval) });
export type PendingApprovals = z.infer<typeof PendingApprovals>;

export const ApprovalAnswer = z.strictObject({
  answer: z.enum(["approve", "deny"]),
  /** Equal calls (same principal, tool and arguments) need no other answer for so long; 0: this one only. */
  rememberSeconds: z.int().min(0).max(REMEMBER_SECONDS).default(0),
});
export type ApprovalAnswer = z.infer<typeof ApprovalAnswer>;

export const ApprovalResult = z.strictObject({
  id: z.string(),
  answer: z.enum(["approve", "deny"]),
  by: z.string(),
  /** Id of the record of the answer. */
  record: z.string(),
  /** The caller waited for it and goes on now. */
  isWaiting: z.boolean(),
  /** Until when it counts: for one more call, or for equal ones when it is remembered. */
  until: z.string().optional(),
});
export type ApprovalResult = z.infer<typeof ApprovalResult>;
