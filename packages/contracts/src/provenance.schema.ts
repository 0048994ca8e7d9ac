// Verifying provenance: what was asked, and what each statement says and counts for.
import { z } from "zod";
import { Signer } from "./evidence.schema.ts";

export const ProvenanceRequest = z.strictObject({
  reference: z.string().min(1),
  /** Pattern of the source repository that it must come from: `https://github.com/team/*`. */
  source: z.string().min(1).max(1000).optional(),
  /** Pattern of `builder.id`, or the name of a build platform of `trust.builders`. */
  builder: z.string().min(1).max(1000).optional(),
});
export type ProvenanceRequest = z.infer<typeof ProvenanceRequest>;

export const ProvenanceStatement = z.strictObject({
  /** It counts, and is what was asked for. */
  accepted: z.boolean(),
  builder: z.string(),
  builderName: z.string().optional(),
  buildType: z.string(),
  source: z.string().optional(),
  /** Of the source: by algorithm, `gitCommit` among them. */
  sourceDigest: z.record(z.string(), z.string()),
  parameters: z.record(z.string(), z.json()),
  invocation: z.string().optional(),
  /** Things that went in, and how many of them are named by digest. */
  dependencies: z.strictObject({ total: z.int(), pinned: z.int() }),
  /** The build level that counts. */
  slsaLevel: z.int(),
  /** Why it is this level and not another. */
  reason: z.string(),
  signer: Signer,
  /** Why it does not count, or is not what was asked for. */
  unmet: z.array(z.string()),
});
export type ProvenanceStatement = z.infer<typeof ProvenanceStatement>;

export const ProvenanceResult = z.strictObject({
  reference: z.string(),
  digest: z.string(),
  /** One of the statements is accepted. */
  verified: z.boolean(),
  slsaLevel: z.int(),
  /** What counts most first. */
  statements: z.array(ProvenanceStatement),
});
export type ProvenanceResult = z.infer<typeof ProvenanceResult>;
