// Reads zip archives from strangers: bounded, and nothing but files and directories with safe names.
import { open as openFile } from "node:fs/promises";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import { open, type Entry, type Options, type ZipFile } from "yauzl";
import { isPratiqueError } from "@pratique/core";
import { packagingErrors } from "../errors.ts";
import { EntryNames } from "./entry-names.ts";
import { pathProblem } from "./entry-path.ts";
import type { ArchiveEntry, ArchiveLimits } from "./tar-reader.ts";

/** Nothing honest compresses better; a bomb does. */
const RATIO_LIMIT = 1100;
/** Of extra fields and comments, beside 256 bytes an entry. */
const LIMIT_HEADERS = 1024 * 1024;
const LOCAL_HEADER_BYTES = 30;
const DIRECTORY_MARK = Buffer.from("PK\u0001\u0002", "latin1");
const LINK_MODE = 0o120_000;
const TYPE_MASK = 0o170_000;
const REGULAR_MODE = 0o100_000;
const DIRECTORY_MODE = 0o040_000;

const unsafe = (entry: string, reason: string) =>
  packagingErrors("archive.unsafe", { entry: entry.slice(0, 200), reason });
const tooLarge = (what: string) => packagingErrors("archive.too-large", { what });

/**
 * The entries of a zip archive, in the order of its directory; each body must be read before the next is asked for.
 * @throws `archive.unsafe`, `archive.too-large`, `archive.damaged`
 */
export async function* readZip(path: string, limits: ArchiveLimits): AsyncGenerator<ArchiveEntry> {
  const zip = await openZip(path);
  try {
    if (zip.entryCount > limits.maxEntries) throw tooLarge(`more than ${limits.maxEntries} entries`);
    yield* entriesOf(zip, limits, path);
  } finally {
    zip.close();
  }
}

async function openZip(path: string): Promise<ZipFile> {
  try {
    // Closed by us, also when nobody reads to the end.
    return await promisify<string, Options, ZipFile>(open)(path, {
      autoClose: false,
      lazyEntries: true,
      validateEntrySizes: true,
      strictFileNames: true,
    });
  } catch (cause) {
    throw damaged(cause);
  }
}

/** Everything that its directory says is checked before the first entry is handed out. */
async function* entriesOf(zip: ZipFile, limits: ArchiveLimits, archive: string): AsyncGenerator<ArchiveEntry> {
  const archiveBytes = zip.fileSize;
  const names = new EntryNames();
  const listed: { readonly entry: Entry; readonly known: ReturnType<typeof checked> }[] = [];
  let bytes = 0;
  let headerBytes = 0;
  for (let entry = await nextEntry(zip); entry !== undefined; entry = await nextEntry(zip)) {
    const known = checked(entry);
    const twice = names.add(known.path, known.type);
    if (twice !== undefined) throw unsafe(known.path, twice);
    bytes += entry.uncompressedSize;
    if (bytes > limits.maxBytes) throw tooLarge(`more than ${limits.maxBytes} bytes`);
    if (entry.compressedSize > archiveBytes || bytes > (archiveBytes + 1024) * RATIO_LIMIT) throw tooLarge("a bomb");
    headerBytes += entry.extraFieldLength + entry.fileCommentLength;
    if (headerBytes > LIMIT_HEADERS + listed.length * 256) throw tooLarge("extra fields and comments");
    listed.push({ entry, known });
    if (listed.length > limits.maxEntries) throw tooLarge(`more than ${limits.maxEntries} entries`);
  }
  await requireWhole(zip, archive);
  requireApart(listed.map(({ entry }) => entry));
  for (const { entry, known } of listed) {
    const { path, type, mode } = known;
    const body = type === "file" ? bodyOf(zip, entry) : empty();
    yield { path, type, mode, size: type === "file" ? entry.uncompressedSize : 0, target: "", body };
  }
}

/** A reader that goes by the directory and not by the count at its end would see more entries. */
async function requireWhole({ readEntryCursor }: ZipFile, archive: string): Promise<void> {
  const file = await openFile(archive, "r");
  try {
    const next = Buffer.alloc(DIRECTORY_MARK.length);
    // A number, whatever its types say.
    await file.read(next, 0, next.length, Number(readEntryCursor));
    if (next.equals(DIRECTORY_MARK))
      throw packagingErrors("archive.damaged", { reason: "it has more entries than it counts" });
  } finally {
    await file.close();
  }
}

/** Entries that share their compressed bytes make more of an archive than it holds (David Fifield's zip bomb). */
function requireApart(entries: readonly Entry[]): void {
  let free = 0;
  for (const entry of entries.toSorted((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader)) {
    const start = entry.relativeOffsetOfLocalHeader;
    if (start < free) throw unsafe(entry.fileName, "it shares its bytes with another entry");
    // Extra fields of the local header may be of another length, so this is the least that it takes.
    free = start + LOCAL_HEADER_BYTES + entry.fileNameLength + entry.compressedSize;
  }
}

function checked(entry: Entry): { path: string; type: "file" | "directory"; mode: number } {
  const name = entry.fileName;
  const path = name.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");
  const problem = pathProblem(path);
  if (problem !== undefined) throw unsafe(name, problem);
  if (entry.isEncrypted()) throw unsafe(name, "it is encrypted");
  const mode = entry.externalFileAttributes >>> 16;
  const fileType = mode & TYPE_MASK;
  if (fileType === LINK_MODE) throw unsafe(name, "it is a symbolic link");
  if (![0, REGULAR_MODE, DIRECTORY_MODE].includes(fileType)) throw unsafe(name, "it is a thing of unknown type");
  const isDirectory = name.endsWith("/");
  if (isDirectory !== (fileType === DIRECTORY_MODE) && fileType !== 0) throw unsafe(name, "its type is not plain");
  if (isDirectory && entry.uncompressedSize !== 0) throw unsafe(name, "it is a directory with a size");
  return { path, type: isDirectory ? "directory" : "file", mode: mode === 0 ? 0o644 : mode & 0o777 };
}

function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      zip.off("entry", onEntry);
      zip.off("end", onEnd);
      zip.off("error", onError);
    };
    const onEntry = (entry: Entry): void => {
      stop();
      resolve(entry);
    };
    const onEnd = (): void => {
      stop();
      resolve(undefined);
    };
    const onError = (error: Error): void => {
      stop();
      reject(damaged(error));
    };
    zip.on("entry", onEntry).on("end", onEnd).on("error", onError);
    zip.readEntry();
  });
}

async function* bodyOf(zip: ZipFile, entry: Entry): AsyncGenerator<Uint8Array> {
  try {
    await requireSameName(zip, entry);
    const stream = await promisify(zip.openReadStream.bind(zip, entry))();
    let checksum = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      checksum = crc32(chunk, checksum);
      yield chunk;
    }
    if (checksum !== entry.crc32) throw packagingErrors("archive.damaged", { reason: "a checksum is wrong" });
  } catch (cause) {
    throw damaged(cause);
  }
}

/** A reader that goes by local headers would see another file. */
async function requireSameName(zip: ZipFile, entry: Entry): Promise<void> {
  const local = await zip.readLocalFileHeaderPromise(entry);
  if (!local.fileName.equals(entry.fileNameRaw)) throw unsafe(entry.fileName, "its two headers name different files");
}

async function* empty(): AsyncGenerator<Uint8Array> {}

/** yauzl's own words say what is wrong, and refuse `..`, absolute names and backslashes too. */
function damaged(cause: unknown): Error {
  if (isPratiqueError(cause)) return cause;
  const reason = cause instanceof Error ? cause.message.slice(0, 200) : "it cannot be read";
  if (/relative path|absolute path|invalid characters in fileName/.test(reason)) {
    return packagingErrors("archive.unsafe", { entry: "a name", reason }, { cause });
  }
  return packagingErrors("archive.damaged", { reason }, { cause });
}
