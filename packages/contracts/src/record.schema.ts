// One entry of the audit log: who did what to what, what was decided and what happened.
import { z } from "zod";
import { Action, PolicyReason, ResourceType } from "./decision.schema.ts";

export const RecordPrincipal = z.strictObject({
  type: z.enum(["User", "Workload", "Anonymous"]),
  id: z.string(),
  /** The person's name, for reading: the user's own, or that of whom the workload acts for. */
  name: z.string().optional(),
  actingFor: z.string().optional(),
  artifact: z.string().optional(),
});

export const RecordResource = z.strictObject({
  type: ResourceType,
  id: z.string(),
  /** Digest of the artifact behind it: the image of a tool's server, the model's manifest. */
  digest: z.string().optional(),
});

const JsonObjectShape = z.record(z.string(), z.json());

/** What a caller appends; the log adds `id`, `sequence` and `time`. Everything in it is already redacted. */
export const RecordBody = z.strictObject({
  principal: RecordPrincipal,
  action: Action,
  resource: RecordResource,
  /** The run this act belongs to. */
  run: z.string().optional(),
  decision: z.enum(["allow", "deny"]),
  policies: z.array(PolicyReason.pick({ id: true, effect: true })),
  policyDigest: z.string(),
  /** Digest of what policy was asked: principal, resource and context with their facts, kept beside the log. */
  inputs: z.string().optional(),
  reason: z.string(),
  remedy: z.string().optional(),
  outcome: z.enum(["done", "failed", "denied"]),
  error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  durationMs: z.number().nonnegative(),
  /** Facts of the act: argument digests, sizes, token counts. Small; payloads go in by digest. */
  details: JsonObjectShape.optional(),
  redactions: z.array(z.strictObject({ kind: z.string(), digest: z.string() })).optional(),
});
export type RecordBody = z.infer<typeof RecordBody>;

/** A record as it stands in the log. Named AuditRecord in code, since `Record` is TypeScript's. */
export const AuditRecord = RecordBody.extend({
  version: z.literal(1),
  /** UUIDv7. */
  id: z.string(),
  /** Leaf index in the Merkle log, from 0. */
  sequence: z.int().nonnegative(),
  /** RFC 3339, UTC. */
  time: z.string(),
});
export type AuditRecord = z.infer<typeof AuditRecord>;
