// Reads zip archives from strangers: bounded, and nothing but files and directories with safe names.
import { promisify } from "node:util";
import { open, type Entry, type Options, type ZipFile } from "yauzl";
import { packagingErrors } from "../errors.ts";
import { pathProblem } from "./entry-path.ts";
import type { ArchiveEntry, ArchiveLimits } from "./tar-reader.ts";

/** Nothing honest compresses better; a bomb does. */
const RATIO_LIMIT = 1100;
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
    yield* entriesOf(zip, limits, zip.fileSize);
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

async function* entriesOf(zip: ZipFile, limits: ArchiveLimits, archiveBytes: number): AsyncGenerator<ArchiveEntry> {
  const seen = new Map<string, string>();
  let bytes = 0;
  for (let entry = await nextEntry(zip); entry !== undefined; entry = await nextEntry(zip)) {
    const { path, type, mode } = checked(entry);
    // Two names that a file system may take for one.
    const folded = path.normalize("NFC").toLowerCase();
    const other = seen.get(folded);
    if (other !== undefined && (type === "file" || other !== "directory")) throw unsafe(path, "it is there twice");
    seen.set(folded, type);
    bytes += entry.uncompressedSize;
    if (bytes > limits.maxBytes) throw tooLarge(`more than ${limits.maxBytes} bytes`);
    // Entries that share their compressed bytes make more of an archive than it holds (David Fifield's zip bomb).
    if (entry.compressedSize > archiveBytes || bytes > (archiveBytes + 1024) * RATIO_LIMIT) throw tooLarge("a bomb");
    const body = type === "file" ? bodyOf(zip, entry) : empty();
    yield { path, type, mode, size: type === "file" ? entry.uncompressedSize : 0, target: "", body };
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
  const isDirectory = name.endsWith("/") || fileType === DIRECTORY_MODE;
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
    const stream = await promisify(zip.openReadStream.bind(zip, entry))();
    yield* stream as AsyncIterable<Buffer>;
  } catch (cause) {
    throw damaged(cause);
  }
}

async function* empty(): AsyncGenerator<Uint8Array> {}

/** yauzl's own words say what is wrong, and refuse `..`, absolute names and backslashes too. */
function damaged(cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message.slice(0, 200) : "it cannot be read";
  if (/relative path|absolute path|invalid characters in fileName/.test(reason)) {
    return packagingErrors("archive.unsafe", { entry: "a name", reason }, { cause });
  }
  return packagingErrors("archive.damaged", { reason }, { cause });
}
