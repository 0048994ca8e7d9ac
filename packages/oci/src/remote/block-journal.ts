// Which blocks of a half-fetched blob lie on disk, each with a checksum; what a crash tore is not believed.
import type { Digest } from "@pratique/core";
import { crc32 } from "node:zlib";

/** What is written at once and believed at once. */
export const BLOCK_BYTES = 1024 * 1024;

const RECORD_BYTES = 12;

/** Blocks that were written, by number, with the CRC-32 of their bytes. */
export type WrittenBlocks = ReadonlyMap<number, number>;

export function blockCount(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES);
}

/** First line: what the file is to become. A journal of anything else is worth nothing. */
export function encodeJournalHeader(digest: Digest, sizeBytes: number): Buffer {
  return Buffer.from(`pratique-partial 1 ${digest} ${sizeBytes}\n`);
}

/** Block, CRC-32 of its bytes, CRC-32 of these two: a torn record is seen. */
export function encodeBlockRecord(block: number, checksum: number): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  record.writeUInt32LE(block, 0);
  record.writeUInt32LE(checksum, 4);
  record.writeUInt32LE(crc32(record.subarray(0, 8)), 8);
  return record;
}

/** Undefined when it belongs to another blob. Records that are torn or damaged are left out. */
export function decodeJournal(
  bytes: Buffer,
  digest: Digest,
  sizeBytes: number,
): { readonly blocks: WrittenBlocks; readonly end: number } | undefined {
  const header = encodeJournalHeader(digest, sizeBytes);
  if (!bytes.subarray(0, header.byteLength).equals(header)) return undefined;
  const blocks = new Map<number, number>();
  const limit = blockCount(sizeBytes);
  let at = header.byteLength;
  for (; at + RECORD_BYTES <= bytes.byteLength; at += RECORD_BYTES) {
    const block = bytes.readUInt32LE(at);
    if (block >= limit || crc32(bytes.subarray(at, at + 8)) !== bytes.readUInt32LE(at + 8)) continue;
    blocks.set(block, bytes.readUInt32LE(at + 4));
  }
  return { blocks, end: at };
}
