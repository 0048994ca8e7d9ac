// What the registry's housekeeping answers: history, retention, quotas, events.
import { z } from "zod";
import { RecordPrincipal } from "./record.schema.ts";

/** A tag that was made (no `from`), moved, or deleted (no `to`). */
export const TagMove = z.strictObject({
  sequence: z.int(),
  repository: z.string(),
  tag: z.string(),
  from: z.string().optional(),
  to: z.string().optional(),
  /** RFC 3339, UTC. */
  time: z.string(),
  /** Absent: found at start, nobody knows who did it. */
  principal: RecordPrincipal.optional(),
  action: z.string().optional(),
  /** Id of the record, for `pratique why`. */
  record: z.string().optional(),
  /** What it named before is still there, so that it can be had back. */
  isFromThere: z.boolean(),
});
export type TagMove = z.infer<typeof TagMove>;

export const TagHistory = z.strictObject({
  reference: z.string(),
  digest: z.string().optional(),
  isImmutable: z.boolean(),
  moves: z.array(TagMove),
});
export type TagHistory = z.infer<typeof TagHistory>;

export const RollbackRequest = z.strictObject({
  reference: z.string(),
  /** A digest, or how many moves back (1 when absent). */
  to: z.union([z.string(), z.int().positive()]).optional(),
  /** Asks policy to let an immutable tag be moved. */
  overrideImmutable: z.boolean().default(false),
});
export type RollbackRequest = z.input<typeof RollbackRequest>;

export const RollbackResult = z.strictObject({
  reference: z.string(),
  from: z.string().optional(),
  to: z.string(),
});
export type RollbackResult = z.infer<typeof RollbackResult>;

export const RetentionEntry = z.strictObject({
  repository: z.string(),
  digest: z.string(),
  /** Absent for a manifest without one. */
  tag: z.string().optional(),
  /** The rule that keeps it, or why it goes. */
  reason: z.string(),
});
export type RetentionEntry = z.infer<typeof RetentionEntry>;

export const RetentionReport = z.strictObject({
  isDryRun: z.boolean(),
  removed: z.array(RetentionEntry),
  kept: z.array(RetentionEntry),
  /** What should have gone and could not. */
  failed: z.array(RetentionEntry),
});
export type RetentionReport = z.infer<typeof RetentionReport>;

const Amount = z.strictObject({ used: z.number(), limit: z.number().optional() });
export const QuotaUsage = z.strictObject({
  repository: z.string(),
  /** Pattern of the quota that counts. */
  quota: z.string().optional(),
  bytes: Amount,
  tags: Amount,
  manifests: Amount,
});
export type QuotaUsage = z.infer<typeof QuotaUsage>;

/** CloudEvents 1.0 in JSON. */
export const RegistryEvent = z.looseObject({
  specversion: z.literal("1.0"),
  id: z.string(),
  source: z.string(),
  type: z.string(),
  subject: z.string().optional(),
  time: z.string(),
  datacontenttype: z.literal("application/json"),
  data: z.record(z.string(), z.json()),
});
export type RegistryEvent = z.infer<typeof RegistryEvent>;

/** An event with its place in the stream. */
export const NumberedEvent = z.strictObject({ sequence: z.int(), event: RegistryEvent });
export type NumberedEvent = z.infer<typeof NumberedEvent>;

export const WebhookState = z.strictObject({
  name: z.string(),
  url: z.string(),
  waiting: z.int(),
  dead: z.int(),
  lastError: z.string().optional(),
});
export type WebhookState = z.infer<typeof WebhookState>;
