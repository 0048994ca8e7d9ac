// Catalogs, as the control API names them: made, filled from others', reviewed, published, looked into.
import { z } from "zod";
import { CatalogName } from "./catalog.schema.ts";
import { ServerEntry, ServerName } from "./server-entry.schema.ts";

/** An absolute path of the daemon's machine. */
const Directory = z.string().min(1).max(4096);
const CatalogPlace = z.string().min(1).max(4096);

export const CatalogFormatName = z.enum(["docker", "server-json", "registry", "toolhive", "mcpb"]);
export type CatalogFormatName = z.infer<typeof CatalogFormatName>;

export const CatalogInitRequest = z.strictObject({
  directory: Directory,
  name: CatalogName,
  title: z.string().max(200).optional(),
});
export type CatalogInitRequest = z.infer<typeof CatalogInitRequest>;

/** What an edit of a catalog's file did. */
export const CatalogEditResult = z.strictObject({
  file: z.string(),
  name: z.string(),
  version: z.string(),
  entries: z.int(),
  added: z.array(z.string()),
  changed: z.array(z.string()),
  /** What somebody should know. */
  notes: z.array(z.string()),
});
export type CatalogEditResult = z.infer<typeof CatalogEditResult>;

export const CatalogImportRequest = z.strictObject({
  directory: Directory,
  format: CatalogFormatName,
  /** An absolute path, or an https address. */
  source: z.string().min(1).max(4096),
  /** registry: only servers whose name contains it. */
  search: z.string().max(200).optional(),
  /** registry: only what changed since; absent: since the last import from there, or everything. */
  updatedSince: z.string().max(40).optional(),
  /** mcpb: what the file must hash to. */
  fileSha256: z
    .string()
    .regex(/^[a-f0-9]{64}$/)
    .optional(),
  /** Only these servers, by the name that an entry gets. */
  only: z.array(z.string().max(200)).max(1000).optional(),
});
export type CatalogImportRequest = z.infer<typeof CatalogImportRequest>;

export const CatalogAddRequest = z.strictObject({
  directory: Directory,
  /** A reference of the own registry, or what `pratique pack` takes: `npm:NAME@VERSION`, a bundle, a server.json, … */
  source: z.string().min(1).max(4096),
  name: ServerName.optional(),
  /** What it may reach; an empty list is a statement too. Absent: what an entry of that name says already. */
  hosts: z.array(z.string().min(1).max(300)).max(200).optional(),
  /** Sign and clear what was packed, and ask it for its tools. */
  clear: z.boolean().default(true),
});
export type CatalogAddRequest = z.infer<typeof CatalogAddRequest>;

export const CatalogAddResult = CatalogEditResult.extend({
  entry: ServerEntry,
  cleared: z.boolean(),
  /** Tools that it listed itself, in a sandbox without network. */
  inspected: z.boolean(),
});
export type CatalogAddResult = z.infer<typeof CatalogAddResult>;

export const CatalogChange = z.strictObject({
  entry: z.string(),
  kind: z.string(),
  /** widens: it may do or get what it could not before, or nobody can tell. */
  effect: z.enum(["widens", "narrows", "neutral"]),
  what: z.string(),
});
export type CatalogChange = z.infer<typeof CatalogChange>;

export const CatalogSide = z.strictObject({
  /** A reference with its digest, or a file. Absent: nothing was published yet. */
  place: z.string(),
  name: z.string(),
  version: z.string(),
  /** Of the document in its canonical form. */
  digest: z.string(),
  entries: z.int(),
});
export type CatalogSide = z.infer<typeof CatalogSide>;

export const CatalogReviewRequest = z.strictObject({
  directory: Directory,
  /** What it is compared with; by default what `reference` names now, or nothing. */
  against: CatalogPlace.optional(),
  /** Where it will be published; by default `catalogs/NAME`. */
  reference: z.string().max(1000).optional(),
  /** Says yes to what it widens; publish then takes exactly this. */
  accept: z.boolean().default(false),
  /** As with publish: what would be left out is left out of the review, too. */
  skipIncomplete: z.boolean().default(false),
});
export type CatalogReviewRequest = z.infer<typeof CatalogReviewRequest>;

export const CatalogReviewResult = z.strictObject({
  from: CatalogSide.optional(),
  to: CatalogSide,
  changes: z.array(CatalogChange),
  widens: z.boolean(),
  accepted: z.boolean(),
  /** Entries that cannot be published as they are. */
  problems: z.array(z.strictObject({ entry: z.string(), problem: z.string() })),
});
export type CatalogReviewResult = z.infer<typeof CatalogReviewResult>;

export const CatalogDiffRequest = z.strictObject({ from: CatalogPlace, to: CatalogPlace });
export type CatalogDiffRequest = z.infer<typeof CatalogDiffRequest>;

export const CatalogPublishRequest = z.strictObject({
  directory: Directory,
  /** `repository[:tag]`; by default `catalogs/NAME:VERSION`. */
  reference: z.string().max(1000).optional(),
  /** Says yes to what it widens. */
  accept: z.boolean().default(false),
  /** Entries of which nobody says what they reach are published as reaching nothing. */
  noNetwork: z.boolean().default(false),
  /** Leaves out entries that cannot be published. */
  skipIncomplete: z.boolean().default(false),
});
export type CatalogPublishRequest = z.infer<typeof CatalogPublishRequest>;

export const CatalogPublishResult = z.strictObject({
  reference: z.string(),
  digest: z.string(),
  entries: z.int(),
  skipped: z.array(z.strictObject({ entry: z.string(), problem: z.string() })),
  signature: z.string(),
  cleared: z.boolean(),
  /** Why it is not cleared. */
  policies: z.array(z.string()),
  review: CatalogReviewResult,
});
export type CatalogPublishResult = z.infer<typeof CatalogPublishResult>;

export const CatalogSummary = z.strictObject({
  /** A reference with its digest, or a file. */
  place: z.string(),
  name: z.string(),
  title: z.string().optional(),
  version: z.string(),
  cleared: z.boolean(),
  /** Why it does not count. */
  problem: z.string().optional(),
});
export type CatalogSummary = z.infer<typeof CatalogSummary>;

export const CatalogEntrySummary = z.strictObject({
  name: z.string(),
  catalog: z.string(),
  title: z.string().optional(),
  description: z.string().optional(),
  version: z.string().optional(),
  runs: z.enum(["image", "remote", "nothing"]),
  hosts: z.array(z.string()),
  unstated: z.boolean(),
  tools: z.int(),
  writing: z.int(),
  secrets: z.array(z.string()),
  status: z.string(),
});
export type CatalogEntrySummary = z.infer<typeof CatalogEntrySummary>;

export const CatalogListing = z.strictObject({
  catalogs: z.array(CatalogSummary),
  entries: z.array(CatalogEntrySummary),
});
export type CatalogListing = z.infer<typeof CatalogListing>;

export const CatalogEntryDetails = z.strictObject({ catalog: z.string(), entry: ServerEntry });
export type CatalogEntryDetails = z.infer<typeof CatalogEntryDetails>;

export const CatalogExportRequest = z.strictObject({
  place: CatalogPlace,
  format: z.enum(["docker", "server-json", "toolhive", "yaml"]),
});
export type CatalogExportRequest = z.infer<typeof CatalogExportRequest>;

export const CatalogExportResult = z.strictObject({ text: z.string() });
export type CatalogExportResult = z.infer<typeof CatalogExportResult>;
