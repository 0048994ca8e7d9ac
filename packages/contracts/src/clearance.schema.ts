// What the control API says of clearances and waivers.
import { z } from "zod";
import { PolicyReason } from "./decision.schema.ts";
import { Kind } from "./kind.schema.ts";
import { Waiver, WaiverScope } from "./waiver.schema.ts";

/** Where one artifact stands. */
export const ClearanceEntry = z.strictObject({
  reference: z.string(),
  repository: z.string(),
  digest: z.string(),
  kind: Kind,
  state: z.enum(["cleared", "lost"]),
  /** RFC 3339: since when. */
  time: z.string(),
  policyDigest: z.string(),
  databaseVersion: z.string().optional(),
  /** Of a loss: what changed. */
  because: z.enum(["policy", "database", "evidence"]).optional(),
  /** Of a loss: the policies that refuse it now. */
  policies: z.array(PolicyReason),
  /** Id of the record, for `pratique why`. */
  record: z.string().optional(),
});
export type ClearanceEntry = z.infer<typeof ClearanceEntry>;

export const ClearanceList = z.strictObject({
  counts: z.strictObject({ cleared: z.int(), lost: z.int() }),
  clearances: z.array(ClearanceEntry),
  /** Artifacts are being decided anew at this moment. */
  isDeciding: z.boolean(),
});
export type ClearanceList = z.infer<typeof ClearanceList>;

export const ClearAllResult = z.strictObject({
  /** Those that were cleared before and stand now, with those that were decided anew among them. */
  cleared: z.int(),
  renewed: z.array(ClearanceEntry),
  lost: z.array(ClearanceEntry),
});
export type ClearAllResult = z.infer<typeof ClearAllResult>;

export const WaiverRequest = z.strictObject({
  /** An artifact of the embedded registry by reference: the waiver is for its digest, and hangs on it. */
  reference: z.string().min(1).optional(),
  repository: WaiverScope.shape.repository,
  policy: WaiverScope.shape.policy,
  vulnerability: WaiverScope.shape.vulnerability,
  package: WaiverScope.shape.package,
  reason: z.string().min(1).max(1000),
  expires: z.iso.datetime(),
});
export type WaiverRequest = z.infer<typeof WaiverRequest>;

export const WaiverEntry = z.strictObject({
  waiver: Waiver,
  state: z.enum(["in-force", "expired", "removed"]),
  record: z.string().optional(),
  removedAt: z.string().optional(),
  removedBy: z.string().optional(),
});
export type WaiverEntry = z.infer<typeof WaiverEntry>;
