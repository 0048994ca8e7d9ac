// Moving artifacts with their progress: what is asked for, and one line after another of how far it came.
import { z } from "zod";
import { PackServerRequest } from "./server-pack.schema.ts";
import { PackRequest, PackResult, Problem, TransferRequest, TransferResult } from "./control.schema.ts";

/** From a directory of the daemon's machine straight into another registry. */
export const PushDirectoryRequest = z.strictObject({
  ...PackRequest.pick({ directory: true, kind: true, model: true }).shape,
  ...TransferRequest.pick({ credentials: true, insecure: true }).shape,
  target: z.string().min(1),
});
export type PushDirectoryRequest = z.infer<typeof PushDirectoryRequest>;

export const TransferOrder = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("push"), request: TransferRequest }),
  z.strictObject({ type: z.literal("pull"), request: TransferRequest }),
  z.strictObject({ type: z.literal("pack"), request: PackRequest }),
  z.strictObject({ type: z.literal("pack-server"), request: PackServerRequest }),
  z.strictObject({ type: z.literal("push-directory"), request: PushDirectoryRequest }),
]);
export type TransferOrder = z.infer<typeof TransferOrder>;

/** A blob on its way. */
export const BlobProgress = z.strictObject({
  digest: z.string(),
  doneBytes: z.int(),
  sizeBytes: z.int(),
});
export type BlobProgress = z.infer<typeof BlobProgress>;

export const TransferEvent = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("progress"),
    /** Of all blobs that are known to be moved so far. */
    doneBytes: z.int(),
    /** Absent while it is not known. */
    sizeBytes: z.int().optional(),
    /** Those under way, at most a handful. */
    blobs: z.array(BlobProgress),
  }),
  /** What it does now, for people. */
  z.strictObject({ type: z.literal("step"), text: z.string() }),
  z.strictObject({ type: z.literal("moved"), result: TransferResult }),
  z.strictObject({ type: z.literal("packed"), result: PackResult }),
  z.strictObject({ type: z.literal("failed"), problem: Problem }),
]);
export type TransferEvent = z.infer<typeof TransferEvent>;
