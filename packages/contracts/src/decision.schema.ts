// What policy said, and why.
import { z } from "zod";

/** The acts that policy knows (DESIGN §5). */
export const ACTIONS = [
  "artifact:pull",
  "artifact:push",
  "artifact:delete",
  "artifact:run",
  "artifact:clear",
  "artifact:sign",
  "artifact:waive",
  "tool:list",
  "tool:call",
  "tool:task",
  "resource:read",
  "prompt:get",
  "extension:call",
  "model:invoke",
  "sandbox:create",
  "sandbox:exec",
  "sandbox:connect",
  "sandbox:destroy",
  "egress:connect",
  "credential:use",
  "signing:certify",
  "signing:log",
  "signing:timestamp",
  "audit:read",
  "admin:read",
  "admin:write",
  "admin:approve",
] as const;
export const Action = z.enum(ACTIONS);
export type Action = z.infer<typeof Action>;

/** The types of thing that are acted upon. */
export const ResourceType = z.enum([
  "Artifact",
  "Repository",
  "Registry",
  "Tool",
  "Server",
  "Model",
  "Sandbox",
  "Host",
  "AuditLog",
  "System",
]);
export type ResourceType = z.infer<typeof ResourceType>;

/** A policy that took part in a decision. */
export const PolicyReason = z.strictObject({
  /** The policy's `@id`. */
  id: z.string(),
  effect: z.enum(["permit", "forbid"]),
  /** The policy's `@reason`, when it has one. */
  reason: z.string().optional(),
  /** What would help: the policy's `@remedy`, when it has one. */
  remedy: z.string().optional(),
});
export type PolicyReason = z.infer<typeof PolicyReason>;

export const Decision = z.strictObject({
  allow: z.boolean(),
  /** Policies that decided; empty on a deny means that none allowed it. */
  policies: z.array(PolicyReason),
  /** One sentence for a person (or an agent): why. */
  reason: z.string(),
  /** What would have to change; absent on allow. */
  remedy: z.string().optional(),
  /** Digest of the policy set in force. */
  policyDigest: z.string(),
  /** True when the same act with a human's approval would be allowed. */
  needsApproval: z.boolean().default(false),
});
export type Decision = z.infer<typeof Decision>;
