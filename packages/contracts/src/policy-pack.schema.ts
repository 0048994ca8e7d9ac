// Policy packs, as the control API names them.
import { z } from "zod";

export const PolicyPackSummary = z.strictObject({
  name: z.string(),
  /** One sentence: what it is for. */
  summary: z.string(),
  inForce: z.boolean(),
  /** A directory, or a reference with a digest. */
  origin: z.string(),
  /** Ids of its policies. */
  policies: z.array(z.string()),
});
export type PolicyPackSummary = z.infer<typeof PolicyPackSummary>;

export const PolicyPacks = z.strictObject({
  packs: z.array(PolicyPackSummary),
  /** Digest of the policy set in force. */
  policyDigest: z.string(),
});
export type PolicyPacks = z.infer<typeof PolicyPacks>;

export const PolicyPackRequest = z.strictObject({
  /** Its name, an absolute path of its directory, or a reference. */
  pack: z.string().min(1).max(1000),
});
export type PolicyPackRequest = z.infer<typeof PolicyPackRequest>;

export const PolicyPackResult = z.strictObject({
  pack: PolicyPackSummary,
  /** Whether another policy set is in force than before; then clearances under that one no longer count. */
  changed: z.boolean(),
  policyDigest: z.string(),
  /** What somebody should know. */
  notes: z.array(z.string()),
});
export type PolicyPackResult = z.infer<typeof PolicyPackResult>;
