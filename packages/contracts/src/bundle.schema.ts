// Bundles, agent locks and imports: artifacts that leave and enter without a registry.
import { z } from "zod";

export const LockRequest = z.strictObject({ reference: z.string().min(1) });
export type LockRequest = z.infer<typeof LockRequest>;

export const LockResult = z.strictObject({
  /** Of the lock: the agent's repository, and its tag with `.lock` behind. */
  reference: z.string(),
  digest: z.string(),
  members: z.array(z.strictObject({ type: z.string(), named: z.string(), reference: z.string(), digest: z.string() })),
});
export type LockResult = z.infer<typeof LockResult>;

export const BundleSaveRequest = z.strictObject({
  references: z.array(z.string().min(1)).min(1).max(1000),
  /** Absolute path of the archive to write. */
  file: z.string().min(1),
  /** Replaces a file that is there. */
  force: z.boolean().default(false),
});
export type BundleSaveRequest = z.input<typeof BundleSaveRequest>;

export const BundleSaveResult = z.strictObject({
  file: z.string(),
  artifacts: z.array(z.strictObject({ reference: z.string(), digest: z.string() })),
  blobs: z.number(),
  sizeBytes: z.number(),
});
export type BundleSaveResult = z.infer<typeof BundleSaveResult>;

export const ImportRequest = z.strictObject({
  /** Absolute path of an archive, or of a directory with an OCI layout. */
  path: z.string().min(1),
  /** Which of its images, by the name that it has there; needed when there are several and `reference` is given. */
  image: z.string().optional(),
  /** The reference it gets here; by default the one that the archive names. */
  reference: z.string().optional(),
});
export type ImportRequest = z.infer<typeof ImportRequest>;

export const ImportResult = z.strictObject({
  artifacts: z.array(z.strictObject({ reference: z.string(), digest: z.string(), kind: z.string() })),
});
export type ImportResult = z.infer<typeof ImportResult>;
