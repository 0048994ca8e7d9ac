// The advisory database as the control API shows it.
import { z } from "zod";

/** `osv` is a dump, a directory or a record of the OSV schema; the others are as their publishers write them. */
export const FeedFormat = z.enum(["osv", "debian-tracker", "alpine-secdb", "csaf", "kev", "epss"]);
export type FeedFormat = z.infer<typeof FeedFormat>;

/** `not-checked`: nothing is there. `unavailable`: it cannot be fetched, and what is there is missing or stale. */
export const Freshness = z.enum(["current", "stale", "unavailable", "not-checked"]);
export type Freshness = z.infer<typeof Freshness>;

export const SourceStatus = z.strictObject({
  name: z.string(),
  format: FeedFormat.optional(),
  freshness: Freshness,
  /** Ecosystems, release included, for whose packages it speaks. */
  ecosystems: z.array(z.string()),
  entries: z.int(),
  /** When it was last asked, or imported, with success. */
  checkedAt: z.string().optional(),
  /** The latest change that it has. */
  dataTime: z.string().optional(),
  /** Since `checkedAt` of a source that is followed, else since `dataTime`. */
  ageSeconds: z.int().optional(),
  failure: z.strictObject({ at: z.string(), reason: z.string() }).optional(),
});
export type SourceStatus = z.infer<typeof SourceStatus>;

export const DatabaseStatus = z.strictObject({
  /** Changes with the content; `none` when there is none. */
  version: z.string(),
  changedAt: z.string().optional(),
  /** The worst of its sources. */
  freshness: Freshness,
  sources: z.array(SourceStatus),
});
export type DatabaseStatus = z.infer<typeof DatabaseStatus>;

export const DatabaseUpdateRequest = z.strictObject({
  /** One source; all when absent. */
  source: z.string().optional(),
});
export type DatabaseUpdateRequest = z.input<typeof DatabaseUpdateRequest>;

export const DatabaseImportRequest = z.strictObject({
  /** A file or a directory on the daemon's machine. */
  path: z.string().min(1).max(4096),
  /** Found out by default. */
  format: FeedFormat.optional(),
  /** Under which the advisories are kept. */
  source: z.string().max(100).optional(),
  /** The source becomes exactly this; otherwise it is added to. */
  replace: z.boolean().default(false),
  /** Some advisories, not all: no ecosystem counts as checked because of them. */
  partial: z.boolean().default(false),
  /** Takes data older than what the source has. */
  older: z.boolean().default(false),
});
export type DatabaseImportRequest = z.input<typeof DatabaseImportRequest>;

export const SourceImport = z.strictObject({
  source: z.string(),
  format: FeedFormat,
  /** `unchanged`: the source says that nothing is new. */
  outcome: z.enum(["imported", "unchanged", "failed"]),
  read: z.int(),
  changed: z.int(),
  removed: z.int(),
  /** Records that are not sound, with a reason each; at most 20 are named. */
  skipped: z.int(),
  problems: z.array(z.string()),
  reason: z.string().optional(),
});
export type SourceImport = z.infer<typeof SourceImport>;

export const DatabaseChangeResult = z.strictObject({
  version: z.string(),
  imports: z.array(SourceImport),
});
export type DatabaseChangeResult = z.infer<typeof DatabaseChangeResult>;
