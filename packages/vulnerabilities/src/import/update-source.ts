// Brings a configured source up to date: only what changed, where its publisher says what did.
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import type { FeedFormat, SourceImport } from "@pratique/contracts";
import { isPratiqueError, type Clock } from "@pratique/core";
import type { AdvisoryDatabase } from "../database/advisory-database.ts";
import type { SourceState } from "../database/source-state.ts";
import { vulnerabilityErrors } from "../errors.ts";
import { importPath, type ImportOptions } from "./import-path.ts";
import { importChanges } from "./import-changes.ts";
import { changesSince, LISTS } from "./changed-records.ts";
import type { Downloader } from "./http-download.ts";
import { IMPORT_LIMITS, plainLine } from "./limits.ts";
import { withMirror, type Mirror } from "./mirror.ts";

/** A source as it is configured. */
export interface FeedSource {
  readonly name: string;
  readonly format: FeedFormat;
  /** `https:`, `http:` or `file:`, or a path; of a mirror with several files it ends in `/`. */
  readonly url: string;
  readonly partial?: boolean | undefined;
}

export interface UpdateOptions {
  readonly clock: Clock;
  readonly downloader: Downloader;
  /** Where downloads lie meanwhile. */
  readonly directory: string;
  readonly signal?: AbortSignal | undefined;
}

/** Never throws for the source's sake: what went wrong is in the outcome, and remembered for the status. */
export async function updateSource(
  database: AdvisoryDatabase,
  source: FeedSource,
  options: UpdateOptions,
): Promise<SourceImport> {
  const { name, format, url } = source;
  try {
    const mirror = { source: name, url, ...options, limitBytes: IMPORT_LIMITS.downloadBytes };
    return await withMirror(mirror, (open) => updateFrom(database, source, open, options));
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!isPratiqueError(error)) throw error;
    const reason = plainLine(error.message);
    await rememberFailure(database, source, options.clock, reason);
    return {
      source: name,
      format,
      outcome: "failed",
      read: 0,
      changed: 0,
      removed: 0,
      skipped: 0,
      problems: [],
      reason,
    };
  }
}

async function updateFrom(
  database: AdvisoryDatabase,
  source: FeedSource,
  mirror: Mirror,
  { clock, signal, directory }: UpdateOptions,
): Promise<SourceImport> {
  const { name, format, partial } = source;
  const state = database.source(name);
  // Of another format, or a dump that somebody imported by hand: everything is taken anew.
  const previous = state?.format === format && state.isFollowed ? state : undefined;
  const base: ImportOptions = { clock, signal, format, source: name, replace: true, partial, follows: {} };
  if (!mirror.isDirectory) {
    const file = await mirror.file("", { etag: previous?.etag });
    if (file === "unchanged" && previous !== undefined) return unchanged(database, name, previous, { clock });
    if (file === undefined || file === "unchanged") throw missing(source, "it");
    return importPath(database, file.path, { ...base, follows: { etag: file.etag, asOf: await mirror.asOf("") } });
  }
  if (format === "osv" || format === "csaf") {
    const changes =
      previous?.dataTime === undefined ? undefined : await changesSince(mirror, format, previous.dataTime);
    if (changes !== undefined && previous !== undefined) {
      const asOf = await mirror.asOf(LISTS[format]);
      return changes.length === 0
        ? unchanged(database, name, previous, { clock, asOf })
        : importChanges(database, name, mirror, changes, previous, { clock, asOf, signal });
    }
  }
  if (format === "osv") {
    const dump = await mirror.file("all.zip");
    if (dump !== undefined && dump !== "unchanged") {
      return importPath(database, dump.path, { ...base, follows: { asOf: await mirror.asOf("all.zip") } });
    }
  }
  if (mirror.local !== undefined) {
    return importPath(database, mirror.local, { ...base, follows: { asOf: await mirror.asOf("") } });
  }
  if (format === "alpine-secdb") return importPath(database, await repositories(mirror, source, directory), base);
  throw missing(source, format === "osv" ? "all.zip" : "a file of that name");
}

/** Alpine's two repositories of a release, in one directory. */
async function repositories(mirror: Mirror, source: FeedSource, directory: string): Promise<string> {
  const files = await Promise.all(["main.json", "community.json", "security.json"].map((name) => mirror.file(name)));
  const found = files.filter((file) => file !== undefined && file !== "unchanged");
  const [first] = found;
  if (first === undefined) throw missing(source, "main.json");
  const together = `${first.path}-repositories`;
  if (!together.startsWith(directory)) throw new TypeError("a download lies outside its directory");
  await mkdir(together, { mode: 0o700 });
  for (const [at, { path }] of found.entries()) await rename(path, join(together, `${at}.json`));
  return together;
}

async function unchanged(
  database: AdvisoryDatabase,
  name: string,
  previous: SourceState,
  { clock, asOf }: { readonly clock: Clock; readonly asOf?: string | undefined },
): Promise<SourceImport> {
  const { failure: _failure, ...state } = previous;
  const now = clock.now().toISOString();
  const checked: SourceState = { ...state, askedAt: now, checkedAt: asOf ?? now };
  await database.write(async (writer) => writer.saveSource(name, JSON.stringify(checked)));
  return {
    source: name,
    format: state.format,
    outcome: "unchanged",
    read: 0,
    changed: 0,
    removed: 0,
    skipped: 0,
    problems: [],
  };
}

async function rememberFailure(
  database: AdvisoryDatabase,
  { name, format }: FeedSource,
  clock: Clock,
  reason: string,
): Promise<void> {
  const known = database.source(name) ?? { format, ecosystems: [], entries: 0, isFollowed: true };
  const at = clock.now().toISOString();
  const state: SourceState = { ...known, askedAt: at, failure: { at, reason } };
  await database.write(async (writer) => writer.saveSource(name, JSON.stringify(state)));
}

function missing({ name, url }: FeedSource, what: string): Error {
  return vulnerabilityErrors("vulnerabilities.unavailable", { source: name, url, reason: `${what} is not there` });
}
