// What collection and scrub of the registry's storage are asked, and report.
import { z } from "zod";
import { Duration } from "./housekeeping-config.schema.ts";

export const CollectRequest = z.strictObject({
  isDryRun: z.boolean().default(false),
  /** Such as `1h`; by default `registry.collect.grace`. */
  grace: Duration.optional(),
});
export type CollectRequest = z.input<typeof CollectRequest>;

export const CollectResult = z.strictObject({
  isDryRun: z.boolean(),
  repositories: z.int(),
  blobs: z.int(),
  removed: z.strictObject({ blobs: z.int(), uploads: z.int(), partialFiles: z.int() }),
  /** Room that is free now, or would be: content that another repository has counts nothing. */
  freedBytes: z.int(),
  kept: z.strictObject({ referenced: z.int(), leased: z.int(), undecided: z.int() }),
  collected: z.array(z.strictObject({ repository: z.string(), blobs: z.int(), bytes: z.int() })),
  skipped: z.array(z.strictObject({ repository: z.string(), reason: z.string() })),
});
export type CollectResult = z.infer<typeof CollectResult>;

export const ScrubRequest = z.strictObject({
  /** Moves content that is not its digest's aside. */
  quarantine: z.boolean().default(false),
  /** By default `registry.scrub.bytesPerSecond`. */
  bytesPerSecond: z.int().positive().optional(),
});
export type ScrubRequest = z.input<typeof ScrubRequest>;

export const ScrubResult = z.strictObject({
  repositories: z.int(),
  blobs: z.int(),
  files: z.int(),
  bytes: z.int(),
  found: z.int(),
  findings: z.array(
    z.strictObject({
      type: z.enum([
        "wrong-digest",
        "wrong-size",
        "blob-missing",
        "manifest-missing",
        "manifest-invalid",
        "layout-damaged",
        "not-a-file",
        "not-shared",
      ]),
      /** Empty for content that no repository names. */
      repository: z.string(),
      digest: z.string().optional(),
      /** The manifest that needs it. */
      manifest: z.string().optional(),
      detail: z.string(),
      isQuarantined: z.boolean(),
    }),
  ),
});
export type ScrubResult = z.infer<typeof ScrubResult>;
