// What the gateway holds back, and what a person says of that.
import { z } from "zod";
import { Fingerprint } from "./gateway-shield-config.schema.ts";
import { ServerName } from "./server-entry.schema.ts";

export const SecretAllowance = z.strictObject({
  fingerprint: Fingerprint,
  reason: z.string().max(1000),
  by: z.string(),
  at: z.string(),
});
export type SecretAllowance = z.infer<typeof SecretAllowance>;

export const SecretAllowances = z.strictObject({ allowances: z.array(SecretAllowance) });
export type SecretAllowances = z.infer<typeof SecretAllowances>;

export const SecretAllowRequest = z.strictObject({
  fingerprint: Fingerprint,
  reason: z.string().max(1000).default(""),
});
export type SecretAllowRequest = z.infer<typeof SecretAllowRequest>;

export const SecretForgetRequest = z.strictObject({ fingerprint: Fingerprint });
export type SecretForgetRequest = z.infer<typeof SecretForgetRequest>;

/** Something in a server's words that a person should read. */
export const TextFinding = z.strictObject({
  severity: z.enum(["low", "medium", "high"]),
  /** Stable, such as `hidden-characters`. */
  kind: z.string(),
  /** Where it stands: `description`, `inputSchema.properties.path.description`. */
  where: z.string(),
  detail: z.string(),
});
export type TextFinding = z.infer<typeof TextFinding>;

export const ToolReview = z.strictObject({
  name: z.string(),
  state: z.enum(["same", "new", "changed", "removed"]),
  isHeld: z.boolean(),
  /** Lines of a difference: `- …` what was approved, `+ …` what it is now. */
  lines: z.array(z.string()),
  findings: z.array(TextFinding),
});
export type ToolReview = z.infer<typeof ToolReview>;

export const ServerReview = z.strictObject({
  server: z.string(),
  /** unseen: it was never reached since the daemon started. */
  state: z.enum(["approved", "held", "warned", "unseen"]),
  /** What it is compared with: `first use`, a person's approval, or a catalog. */
  baseline: z.enum(["none", "first-use", "person", "catalog"]),
  by: z.string().optional(),
  at: z.string().optional(),
  /** Of what it says of itself now: an approval is for exactly that. */
  digest: z.string().optional(),
  /** Changes of the server itself: image, instructions. */
  lines: z.array(z.string()),
  findings: z.array(TextFinding),
  tools: z.array(ToolReview),
});
export type ServerReview = z.infer<typeof ServerReview>;

export const ServerReviews = z.strictObject({ servers: z.array(ServerReview) });
export type ServerReviews = z.infer<typeof ServerReviews>;

export const ServerApproval = z.strictObject({
  server: ServerName,
  /** Digest of the review that was read. */
  digest: z.string().max(200),
});
export type ServerApproval = z.infer<typeof ServerApproval>;

export const ServerApprovalResult = z.strictObject({ server: z.string(), tools: z.int(), record: z.string() });
export type ServerApprovalResult = z.infer<typeof ServerApprovalResult>;
