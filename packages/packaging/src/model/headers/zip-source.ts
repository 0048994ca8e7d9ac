// A zip archive over random access: its directory, and single members, without reading the rest.
import { PassThrough, type Readable } from "node:stream";
import { promisify } from "node:util";
import { fromRandomAccessReader, RandomAccessReader, type Entry, type Options, type ZipFile } from "yauzl";
import { isPratiqueError, readBounded } from "@pratique/core";
import { packagingErrors } from "../../errors.ts";
import type { HeaderSource } from "./header-source.ts";

const LIMIT_ENTRIES = 100_000;
/** End record and its longest comment: fetched first, since the directory most often lies there too. */
const TAIL_BYTES = 66 * 1024;

export interface ZipMember {
  readonly path: string;
  readonly size: number;
  readonly isStored: boolean;
  /** Its bytes, at most `limit`. */
  read(limit: number): Promise<Buffer>;
  /** Its first bytes. */
  head(length: number): Promise<Buffer>;
}

class SourceReader extends RandomAccessReader {
  readonly #source: HeaderSource;
  constructor(source: HeaderSource) {
    super();
    this.#source = source;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    const stream = new PassThrough();
    this.#source.read(start, end - start).then(
      (bytes) => stream.end(bytes),
      (error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))),
    );
    return stream;
  }
}

/** Hands every member to `use`; reads only the archive's directory. @throws `model.invalid` */
export async function withZipMembers<T>(
  source: HeaderSource,
  label: string,
  use: (members: readonly ZipMember[]) => Promise<T>,
): Promise<T> {
  try {
    await source.read(Math.max(0, source.sizeBytes - TAIL_BYTES), TAIL_BYTES);
    const open = promisify<RandomAccessReader, number, Options, ZipFile>(fromRandomAccessReader);
    const zip = await open(new SourceReader(source), source.sizeBytes, { autoClose: false, lazyEntries: true });
    try {
      if (zip.entryCount > LIMIT_ENTRIES)
        throw packagingErrors("archive.too-large", { what: `more than ${LIMIT_ENTRIES} entries` });
      const members: ZipMember[] = [];
      for (let entry = await nextEntry(zip); entry !== undefined; entry = await nextEntry(zip))
        members.push(memberOf(zip, entry));
      return await use(members);
    } finally {
      zip.close();
    }
  } catch (error) {
    if (isPratiqueError(error)) throw error;
    const reason = error instanceof Error ? error.message.slice(0, 200) : "it cannot be read";
    throw packagingErrors("model.invalid", { path: label, reason }, { cause: error });
  }
}

function memberOf(zip: ZipFile, entry: Entry): ZipMember {
  const opened = (): Promise<Readable> => promisify(zip.openReadStream.bind(zip, entry))();
  return {
    path: entry.fileName,
    size: entry.uncompressedSize,
    isStored: entry.compressionMethod === 0,
    read: async (limit) => readBounded((await opened()) as AsyncIterable<Buffer>, limit, entry.fileName.slice(0, 200)),
    head: async (length) => headOf(await opened(), length),
  };
}

async function headOf(stream: Readable, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of stream as AsyncIterable<Buffer>) {
    parts.push(part);
    size += part.length;
    if (size >= length) break;
  }
  return Buffer.concat(parts).subarray(0, length);
}

function nextEntry(zip: ZipFile): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      zip.removeAllListeners();
      act();
    };
    zip.once("entry", (entry: Entry) => settle(() => resolve(entry)));
    zip.once("end", () => settle(() => resolve(undefined)));
    zip.once("error", (error: Error) => settle(() => reject(error)));
    zip.readEntry();
  });
}
