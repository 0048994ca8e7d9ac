// One import into the database: whole, or nothing of it.
import { setImmediate as nextTurn } from "node:timers/promises";
import type { FeedFormat, SourceImport } from "@pratique/contracts";
import type { Clock } from "@pratique/core";
import type { AdvisoryWriter } from "@pratique/store";
import { encodeAdvisory, REPEATED } from "../database/advisory.ts";
import type { AdvisoryDatabase } from "../database/advisory-database.ts";
import { decodeSource, type SourceState } from "../database/source-state.ts";
import { vulnerabilityErrors } from "../errors.ts";
import { advisoriesOf, type AdvisoryFormat } from "./advisories-of.ts";
import { secdbName } from "./alpine-secdb.ts";
import { detectFormat } from "./detect-format.ts";
import { openDocuments, type DocumentSet } from "./documents.ts";
import { readEpss, readKev } from "./exploitation.ts";
import { IMPORT_LIMITS, plainLine, type ImportLimits } from "./limits.ts";
import { isDataError, readJson, reasonOf } from "./read-json.ts";

export interface ImportOptions {
  readonly clock: Clock;
  readonly limits?: ImportLimits;
  readonly signal?: AbortSignal | undefined;
  /** Found out by default. */
  readonly format?: FeedFormat | undefined;
  /** The source under which it is kept; by default one of the format. */
  readonly source?: string | undefined;
  /** The source becomes exactly this. Formats that are one document always replace. */
  readonly replace?: boolean | undefined;
  /** Takes data that is older than what the source has. */
  readonly older?: boolean | undefined;
  /** Some advisories, not all: no ecosystem counts as checked because of them. A single record always is. */
  readonly partial?: boolean | undefined;
  /** Set by an update of a configured source. */
  readonly follows?: { readonly etag?: string | undefined; readonly asOf?: string | undefined } | undefined;
}

/**
 * Imports what lies at a path: a dump, a directory or a single document, of any format.
 * @throws `vulnerabilities.unknown-format`, `vulnerabilities.bad-data`, `vulnerabilities.too-large`,
 *   `vulnerabilities.older-data`, `vulnerabilities.empty`
 */
export async function importPath(
  database: AdvisoryDatabase,
  path: string,
  options: ImportOptions,
): Promise<SourceImport> {
  const set = await openDocuments(path, options.limits ?? IMPORT_LIMITS);
  const first = () => firstText(set, path);
  const format = options.format ?? detectFormat(await first());
  if (format === undefined) throw vulnerabilityErrors("vulnerabilities.unknown-format", { path });
  const source = options.source ?? (await defaultSource(format, first));
  return database.write(async (writer) => {
    const context = { writer, path, source, options, previous: previousOf(writer, source) };
    if (format === "kev") return importExploited(context, await first());
    if (format === "epss") return importProbabilities(context, await first());
    return importAdvisories(context, set, format);
  });
}

async function firstText(set: DocumentSet, path: string): Promise<string> {
  for await (const [first] of set.batches()) if (first !== undefined) return first.text;
  throw vulnerabilityErrors("vulnerabilities.empty", { path });
}

async function defaultSource(format: FeedFormat, first: () => Promise<string>): Promise<string> {
  switch (format) {
    case "debian-tracker":
      return "debian";
    case "alpine-secdb":
      return ["alpine", nameIn(await first())].filter((part) => part !== "").join("-");
    case "csaf":
      return "redhat";
    default:
      return format;
  }
}

/** What is wrong with it is told by the import. */
function nameIn(text: string): string {
  try {
    return secdbName(readJson(text));
  } catch (error) {
    if (isDataError(error)) return "";
    throw error;
  }
}

interface ImportContext {
  readonly writer: AdvisoryWriter;
  readonly path: string;
  readonly source: string;
  readonly options: ImportOptions;
  readonly previous: SourceState | undefined;
}

function previousOf(writer: AdvisoryWriter, source: string): SourceState | undefined {
  const body = writer.sourceOf(source);
  return body === undefined ? undefined : decodeSource(body);
}

async function importAdvisories(
  context: ImportContext,
  set: DocumentSet,
  format: AdvisoryFormat,
): Promise<SourceImport> {
  const { writer, path, source, options, previous } = context;
  const isWhole = format === "debian-tracker" || format === "alpine-secdb";
  const replaces = isWhole || options.replace === true;
  const present = writer.newestOf(source);
  const ecosystems = new Set<string>();
  const problems: string[] = [];
  const ids = new Map<string, number>();
  let newest = "";
  let [read, changed, skipped] = [0, 0, 0];
  for await (const batch of advisoriesOf(set, format, path, options.signal)) {
    for (const advisory of batch.advisories) {
      read += 1;
      if (advisory.modified > newest) newest = advisory.modified;
      const row = encodeAdvisory(source, advisory);
      const times = count(ids, advisory.id);
      // Some publishers have a file of the same id for each product: all of them count.
      const own = times === 1 ? row : { ...row, id: `${row.id}${REPEATED}${times}` };
      if (writer.put(own, isWhole || options.older === true)) changed += 1;
      if (advisory.malicious !== true) for (const { ecosystem } of advisory.affected) ecosystems.add(ecosystem);
    }
    skipped += batch.problems.length;
    problems.push(...batch.problems.slice(0, PROBLEMS_TOLD - problems.length));
    // Others get their turn between batches.
    await nextTurn();
  }
  if (read === 0) {
    if (skipped === 0) throw vulnerabilityErrors("vulnerabilities.empty", { path });
    throw vulnerabilityErrors("vulnerabilities.bad-data", { path, format, reason: problems[0] ?? "" });
  }
  if (replaces && present !== undefined && newest < present && options.older !== true) {
    throw vulnerabilityErrors("vulnerabilities.older-data", { path, offered: newest, source, present });
  }
  const removed = replaces ? writer.removeUnseen(source) : 0;
  const isPartial = options.partial === true || (set.kind === "file" && !isWhole);
  const known = replaces ? [] : (previous?.ecosystems ?? []);
  save(context, format, {
    ecosystems: [...new Set([...known, ...(isPartial ? [] : ecosystems)])].toSorted(),
    entries: writer.countOf(source),
    dataTime: later(replaces ? undefined : previous?.dataTime, newest),
  });
  return { source, format, outcome: "imported", read, changed, removed, skipped, problems };
}

const PROBLEMS_TOLD = 20;

function count(ids: Map<string, number>, id: string): number {
  const times = (ids.get(id) ?? 0) + 1;
  ids.set(id, times);
  return times;
}

async function importExploited(context: ImportContext, text: string): Promise<SourceImport> {
  const { ids, dataTime } = readOrRefuse(context, "kev", () => readKev(text));
  if (ids.length === 0) throw vulnerabilityErrors("vulnerabilities.empty", { path: context.path });
  refuseOlder(context, dataTime);
  const before = context.writer.changes;
  context.writer.setExploited(context.source, ids);
  save(context, "kev", { ecosystems: [], entries: ids.length, dataTime });
  return whole(context.source, "kev", ids.length, context.writer.changes - before);
}

async function importProbabilities(context: ImportContext, text: string): Promise<SourceImport> {
  const { rows, dataTime } = readOrRefuse(context, "epss", () => readEpss(text));
  if (rows.length === 0) throw vulnerabilityErrors("vulnerabilities.empty", { path: context.path });
  refuseOlder(context, dataTime);
  const isNew = dataTime === undefined || dataTime !== context.previous?.dataTime;
  if (isNew) context.writer.setProbabilities(context.source, rows);
  save(context, "epss", { ecosystems: [], entries: rows.length, dataTime });
  return whole(context.source, "epss", rows.length, isNew ? rows.length : 0);
}

function readOrRefuse<T>({ path }: ImportContext, format: FeedFormat, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!isDataError(error)) throw error;
    throw vulnerabilityErrors("vulnerabilities.bad-data", { path, format, reason: reasonOf(error) }, { cause: error });
  }
}

/** A list of another day, with exploited vulnerabilities gone, may be an attack. */
function refuseOlder({ path, source, previous, options }: ImportContext, dataTime: string | undefined): void {
  const present = previous?.dataTime;
  if (options.older === true || present === undefined || dataTime === undefined || dataTime >= present) return;
  throw vulnerabilityErrors("vulnerabilities.older-data", { path, offered: dataTime, source, present });
}

function whole(source: string, format: FeedFormat, read: number, changed: number): SourceImport {
  return { source, format, outcome: "imported", read, changed, removed: 0, skipped: 0, problems: [] };
}

function save(
  { writer, source, options }: ImportContext,
  format: FeedFormat,
  facts: { ecosystems: string[]; entries: number; dataTime: string | undefined },
): void {
  const { dataTime, ...rest } = facts;
  const { follows } = options;
  const now = options.clock.now().toISOString();
  const state: SourceState = {
    format,
    ...rest,
    askedAt: now,
    checkedAt: follows?.asOf ?? now,
    ...(dataTime === undefined || dataTime === "" ? {} : { dataTime }),
    isFollowed: follows !== undefined,
    ...(follows?.etag === undefined ? {} : { etag: plainLine(follows.etag) }),
  };
  writer.saveSource(source, JSON.stringify(state));
}

function later(a: string | undefined, b: string): string {
  return a === undefined || b > a ? b : a;
}
