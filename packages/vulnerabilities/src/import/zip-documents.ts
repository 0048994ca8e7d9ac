// The records of a zip dump, each read and inflated at once: hundreds of thousands of small ones.
import { open, type FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import { crc32, inflateRawSync } from "node:zlib";
import { isPratiqueError } from "@pratique/core";
import { openPromise, type Entry, type ZipFile } from "yauzl";
import { vulnerabilityErrors } from "../errors.ts";
import { inBatches, type AdvisoryDocument, type DocumentBudget, type WaitingDocument } from "./reading.ts";

/** In the order of the directory. @throws `vulnerabilities.bad-data` when the archive is damaged */
export async function* zipDocuments(path: string, budget: DocumentBudget): AsyncGenerator<readonly AdvisoryDocument[]> {
  const file = await open(path, "r");
  try {
    const zip = await openPromise(path, { lazyEntries: true, autoClose: false });
    try {
      yield* inBatches(entriesOf(zip, file, budget));
    } finally {
      zip.close();
    }
  } catch (cause) {
    if (isPratiqueError(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message.slice(0, 200) : "it cannot be read";
    throw vulnerabilityErrors("vulnerabilities.bad-data", { path, format: "zip", reason }, { cause });
  } finally {
    await file.close();
  }
}

async function* entriesOf(zip: ZipFile, file: FileHandle, budget: DocumentBudget): AsyncGenerator<WaitingDocument> {
  for await (const entry of zip.eachEntry()) {
    if (!entry.fileName.endsWith(".json")) continue;
    budget.spend(entry.uncompressedSize, entry.fileName);
    yield { name: basename(entry.fileName), read: () => entryText(zip, entry, file) };
  }
}

const STORED = 0;
const DEFLATED = 8;

async function entryText(zip: ZipFile, entry: Entry, file: FileHandle): Promise<string> {
  if (entry.isEncrypted()) throw new Error(`${entry.fileName} is encrypted`);
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  const packed = Buffer.allocUnsafe(entry.compressedSize);
  const { bytesRead } = await file.read(packed, 0, packed.length, fileDataStart);
  if (bytesRead !== packed.length) throw new Error(`${entry.fileName} is cut short`);
  const bytes = unpacked(packed, entry);
  if (bytes.length !== entry.uncompressedSize || crc32(bytes) !== entry.crc32) {
    throw new Error(`${entry.fileName} is not what its checksum says`);
  }
  return bytes.toString("utf8");
}

function unpacked(packed: Buffer, entry: Entry): Buffer {
  if (entry.compressionMethod === STORED) return packed;
  if (entry.compressionMethod !== DEFLATED) throw new Error(`${entry.fileName} is compressed in an unknown way`);
  return inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.uncompressedSize) });
}
