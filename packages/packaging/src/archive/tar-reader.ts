// Reads tar archives from strangers: bounded, and nothing but files and directories with safe names.
import { packagingErrors } from "../errors.ts";
import { ByteReader } from "./byte-reader.ts";
import { EntryNames } from "./entry-names.ts";
import { pathProblem } from "./entry-path.ts";
import { BLOCK, parseHeader, parsePax, type TarHeader } from "./tar-header.ts";

export interface ArchiveLimits {
  readonly maxEntries: number;
  /** Of all files together. */
  readonly maxBytes: number;
}

export interface ArchiveEntry {
  readonly path: string;
  readonly type: "file" | "directory" | "symlink";
  readonly mode: number;
  readonly size: number;
  /** Where a symbolic link points; empty for other types. */
  readonly target: string;
  /** The file's bytes; skipped when they are not read before the next entry is asked for. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Of one extended header; names are far shorter. */
const LIMIT_EXTENSION = 64 * 1024;
const CHUNK = 64 * 1024;

const OVERRIDES: ReadonlySet<string> = new Set(["path", "linkpath", "size", "hdrcharset"]);

const OTHER_TYPES: ReadonlyMap<string, string> = new Map([
  ["1", "hard link"],
  ["2", "symbolic link"],
  ["3", "character device"],
  ["4", "block device"],
  ["6", "pipe"],
  ["S", "sparse file"],
]);

const damaged = (reason: string) => packagingErrors("archive.damaged", { reason });
const unsafe = (entry: string, reason: string) =>
  packagingErrors("archive.unsafe", { entry: entry.slice(0, 200), reason });

/**
 * The entries of a tar archive, in order; reads the stream to its end.
 * @param options.symlinks also hands out symbolic links: for archives whose entries never become files by their names
 * @throws `archive.unsafe`, `archive.too-large`, `archive.damaged`
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  limits: ArchiveLimits,
  options: { readonly symlinks?: boolean } = {},
): AsyncGenerator<ArchiveEntry> {
  const reader = new ByteReader(source);
  const isKnown = options.symlinks ?? false;
  const seen = new Set<string>();
  const names = new EntryNames();
  let entries = 0;
  let bytes = 0;
  try {
    for (;;) {
      const header = await nextHeader(reader, limits);
      if (header === undefined) break;
      // Each counts, also a directory that is named again and again.
      entries += 1;
      if (entries > limits.maxEntries) throw tooLarge(`more than ${limits.maxEntries} entries`);
      const path = header.path.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");
      const type = typeOf(header, isKnown);
      const size = type === "file" ? header.size : 0;
      // Some readers skip that many bytes and some do not, and so see different archives.
      if (size !== header.size && !isKnown) throw unsafe(header.path, `it is a ${type} with a size`);
      if (type === "directory" && (path === "" || path === ".")) continue;
      const problem = pathProblem(path);
      if (problem !== undefined) throw unsafe(header.path, problem);
      // Archives of known origin have names that differ in case only, and stay on systems that tell them apart.
      const twice = isKnown ? seen.has(path) && type !== "directory" && "it is there twice" : names.add(path, type);
      if (typeof twice === "string") throw unsafe(header.path, twice);
      if (isKnown) seen.add(path);
      bytes += size;
      if (bytes > limits.maxBytes) throw tooLarge(`more than ${limits.maxBytes} bytes`);
      const body = new EntryBody(reader, size);
      yield { path, type, mode: header.mode & 0o777, size, target: type === "symlink" ? header.target : "", body };
      await body.skip();
      await reader.exactly((BLOCK - (size % BLOCK)) % BLOCK);
    }
    await drain(reader, limits);
  } finally {
    await reader.end();
  }
}

function tooLarge(what: string): Error {
  return packagingErrors("archive.too-large", { what });
}

function typeOf({ typeflag, path }: TarHeader, symlinks: boolean): ArchiveEntry["type"] {
  if (typeflag === "0" || typeflag === "\0" || typeflag === "7") return "file";
  if (typeflag === "5") return "directory";
  if (typeflag === "2" && symlinks) return "symlink";
  throw unsafe(path, `it is a ${OTHER_TYPES.get(typeflag) ?? "thing of unknown type"}`);
}

/** The next entry's header with its extensions applied; `undefined` at the end mark. */
async function nextHeader(reader: ByteReader, limits: ArchiveLimits): Promise<TarHeader | undefined> {
  let path: string | undefined;
  let target: string | undefined;
  let size: number | undefined;
  for (let extensions = 0; extensions <= 8; extensions += 1) {
    const block = await reader.exactly(BLOCK);
    if (block.length < BLOCK) throw damaged("it ends in the middle");
    const parsed = parseHeader(block);
    if (parsed === "end") return undefined;
    if ("problem" in parsed) throw damaged(parsed.problem);
    const { header } = parsed;
    if (!["x", "g", "L", "K"].includes(header.typeflag)) {
      const applied = {
        ...header,
        path: path ?? header.path,
        target: target ?? header.target,
        size: size ?? header.size,
      };
      if (applied.size > limits.maxBytes) throw tooLarge(`more than ${limits.maxBytes} bytes`);
      return applied;
    }
    if (header.size > LIMIT_EXTENSION) throw tooLarge("an extended header of more than 64 KiB");
    const body = await reader.exactly(header.size);
    if (body.length < header.size) throw damaged("it ends in the middle");
    await reader.exactly((BLOCK - (header.size % BLOCK)) % BLOCK);
    // With both, GNU tar and others disagree on which one counts.
    if ((header.typeflag === "L" || header.typeflag === "x") && path !== undefined) {
      throw unsafe(header.path, "it has two long names");
    }
    if (header.typeflag === "L") path = body.toString("utf8").replace(/\0+$/, "");
    else if (header.typeflag === "K") target = body.toString("utf8").replace(/\0+$/, "");
    else {
      const pax = parsePax(body);
      if (pax === undefined) throw damaged("an extended header is damaged");
      if (header.typeflag === "g") {
        // It would hold for all that follow; what git and others put in is a comment.
        const key = [...pax.keys()].find((one) => OVERRIDES.has(one) || one.startsWith("GNU."));
        if (key !== undefined) throw unsafe(header.path, `a global header sets ${key}`);
        continue;
      }
      if ([...pax.keys()].some((key) => key.startsWith("GNU.sparse"))) throw unsafe(header.path, "it is a sparse file");
      path = pax.get("path") ?? path;
      target = pax.get("linkpath") ?? target;
      const text = pax.get("size");
      if (text !== undefined) {
        size = Number(text);
        if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(size)) throw damaged("an extended header is damaged");
      }
    }
  }
  throw damaged("an entry has too many extended headers");
}

/** What follows the end mark is padding: read, so that whoever checks the stream sees its end, and bounded. */
async function drain(reader: ByteReader, limits: ArchiveLimits): Promise<void> {
  let rest = 0;
  for (;;) {
    const chunk = await reader.some(CHUNK);
    if (chunk === undefined) return;
    rest += chunk.length;
    if (rest > limits.maxBytes) throw tooLarge("too much after its end");
  }
}

/** A file's bytes on the shared reader. */
class EntryBody implements AsyncIterable<Uint8Array> {
  readonly #reader: ByteReader;
  #left: number;

  constructor(reader: ByteReader, size: number) {
    this.#reader = reader;
    this.#left = size;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (this.#left > 0) {
      const chunk = await this.#reader.some(Math.min(this.#left, CHUNK));
      if (chunk === undefined) throw damaged("it ends in the middle");
      this.#left -= chunk.length;
      yield chunk;
    }
  }

  async skip(): Promise<void> {
    const iterator = this[Symbol.asyncIterator]();
    while ((await iterator.next()).done !== true);
  }
}
