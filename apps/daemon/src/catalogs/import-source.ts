// Where catalogs of others are read from: files and folders of this machine, and addresses. Everything is bounded.
import { lstat, open, readdir } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import {
  catalogErrors,
  DOCUMENT_LIMITS,
  importDocker,
  importServerJson,
  importToolhive,
  readDocument,
  type ImportedList,
} from "@pratique/catalog";
import { isPratiqueError, readBounded, type Json, type JsonObject } from "@pratique/core";
import { fetchBounded } from "@pratique/packaging";

const LIMIT_FILES = 20_000;
const LIMIT_DOCUMENT = DOCUMENT_LIMITS.bytes;
/** A description of one server. */
const LIMIT_SMALL = 4 * 1024 * 1024;

export type Fetcher = typeof fetch;

export interface ReadList extends ImportedList {
  /** What was left out, and why. */
  readonly notes?: readonly string[];
}

export function isAddress(source: string): boolean {
  return /^https?:\/\//i.test(source);
}

/** @throws `catalog.source-unreadable`, `catalog.unreadable`, `input.too-large` */
export async function readSource(source: string, fetcher: Fetcher, limitBytes = LIMIT_DOCUMENT): Promise<Json> {
  if (isAddress(source)) return readDocument(await fetchBounded(source, limitBytes, fetcher), source);
  return readDocument(await readFileBounded(source, limitBytes), source);
}

async function readFileBounded(path: string, limitBytes: number): Promise<Buffer> {
  const unreadable = (reason: string, cause?: unknown): Error =>
    catalogErrors("catalog.source-unreadable", { source: path, reason }, cause === undefined ? {} : { cause });
  if (!isAbsolute(path)) throw unreadable("the path must be absolute");
  const found = await lstat(path).catch((cause: unknown) => {
    throw unreadable("it is not there", cause);
  });
  // A pipe or a device never ends.
  if (!found.isFile()) throw unreadable("it is no plain file");
  const file = await open(path, "r");
  try {
    return await readBounded(file.createReadStream({ autoClose: false }), limitBytes, path);
  } finally {
    await file.close();
  }
}

/** A catalog, a server.yaml (with its tools.json), or a checkout of docker/mcp-registry. */
export async function importDockerSource(source: string, fetcher: Fetcher): Promise<ReadList> {
  if (isAddress(source)) return importDocker(await readSource(source, fetcher), source);
  if (!(await isDirectory(source))) {
    const tools = source.endsWith("server.yaml")
      ? await optional(join(source, "..", "tools.json"), fetcher)
      : undefined;
    return importDocker(await readSource(source, fetcher), source, tools);
  }
  const folders = (await isDirectory(join(source, "servers"))) ? await foldersOf(join(source, "servers")) : [source];
  return await gather(folders, async (folder) => {
    const server = await optional(join(folder, "server.yaml"), fetcher);
    if (server === undefined) return undefined;
    return importDocker(server, join(folder, "server.yaml"), await optional(join(folder, "tools.json"), fetcher));
  });
}

/** A registry.json of either form, a spec.yaml, or a checkout of stacklok/toolhive-registry. */
export async function importToolhiveSource(source: string, fetcher: Fetcher): Promise<ReadList> {
  if (isAddress(source) || !(await isDirectory(source)))
    return importToolhive(await readSource(source, fetcher), source);
  const folders = await foldersOf((await isDirectory(join(source, "registry"))) ? join(source, "registry") : source);
  return await gather(folders, async (folder) => {
    const spec = await optional(join(folder, "spec.yaml"), fetcher);
    return spec === undefined ? undefined : importToolhive(spec, join(folder, "spec.yaml"));
  });
}

export async function importServerJsonSource(source: string, fetcher: Fetcher): Promise<ImportedList> {
  return importServerJson(await readSource(source, fetcher), source);
}

export interface RegistryQuestion {
  readonly search?: string | undefined;
  readonly updatedSince?: string | undefined;
}

const PAGE = 100;

/**
 * All pages of a registry's API, the newest version of each server.
 * @throws `catalog.source-unreadable` when it does not page as the API says
 */
export async function importRegistrySource(
  base: string,
  question: RegistryQuestion,
  fetcher: Fetcher,
): Promise<ImportedList> {
  const unreadable = (reason: string): Error => catalogErrors("catalog.source-unreadable", { source: base, reason });
  if (!isAddress(base) || !URL.canParse(base)) throw unreadable("it is no address");
  const entries: ImportedList["entries"][number][] = [];
  const seen = new Set<string>();
  for (let cursor: string | undefined; ;) {
    const url = new URL("v0.1/servers", base.endsWith("/") ? base : `${base}/`);
    url.searchParams.set("limit", String(PAGE));
    url.searchParams.set("version", "latest");
    if (question.search !== undefined) url.searchParams.set("search", question.search);
    if (question.updatedSince !== undefined) url.searchParams.set("updated_since", question.updatedSince);
    if (cursor !== undefined) url.searchParams.set("cursor", cursor);
    const page = await readSource(url.href, fetcher, LIMIT_SMALL * 4);
    const list = importServerJson(page, url.href, packedFromRegistry);
    entries.push(...list.entries);
    if (entries.length > LIMIT_FILES) throw unreadable(`it has more than ${LIMIT_FILES} servers; ask with --search`);
    cursor = nextCursor(page);
    if (cursor === undefined) return { entries, other: {} };
    if (seen.has(cursor)) throw unreadable("it gives the same page twice");
    seen.add(cursor);
  }
}

/** `pratique pack registry:NAME@VERSION` finds the package that fits, and checks that it says whose it is. */
function packedFromRegistry({ name, version }: JsonObject): string | undefined {
  return typeof name === "string" && typeof version === "string" ? `registry:${name}@${version}` : undefined;
}

function nextCursor(page: Json): string | undefined {
  if (typeof page !== "object" || page === null || !("metadata" in page)) return undefined;
  const { metadata } = page;
  if (typeof metadata !== "object" || metadata === null || !("nextCursor" in metadata)) return undefined;
  const { nextCursor: next } = metadata;
  return typeof next === "string" && next !== "" ? next : undefined;
}

/** One broken description takes none of the others with it. */
async function gather(
  folders: readonly string[],
  read: (folder: string) => Promise<ImportedList | undefined>,
): Promise<ReadList> {
  const lists: ImportedList[] = [];
  const notes: string[] = [];
  for (const folder of folders) {
    try {
      const list = await read(folder);
      if (list !== undefined) lists.push(list);
    } catch (error) {
      if (!isPratiqueError(error) || lists.length + notes.length === 0) throw error;
      notes.push(`left out: ${error.message}`);
    }
  }
  return { entries: lists.flatMap(({ entries }) => entries), other: {}, notes };
}

async function foldersOf(directory: string): Promise<string[]> {
  const names = (await readdir(directory, { withFileTypes: true })).filter((one) => one.isDirectory());
  if (names.length > LIMIT_FILES) {
    throw catalogErrors("catalog.source-unreadable", { source: directory, reason: "it has too many folders" });
  }
  return names.map(({ name }) => join(directory, name)).toSorted();
}

async function isDirectory(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() === true;
}

async function optional(path: string, fetcher: Fetcher): Promise<Json | undefined> {
  if ((await lstat(path).catch(() => undefined)) === undefined) return undefined;
  return await readSource(path, fetcher, LIMIT_SMALL);
}
