// A blob that is coming in, as a file that is filled in any order and knows after a crash what it has.
import { algorithmOf, Digester, Mutex, type Digest } from "@pratique/core";
import { constants } from "node:fs";
import { open, rm, type FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import type { StoredBlob } from "../repository.ts";
import { BLOCK_BYTES, blockCount, decodeJournal, encodeBlockRecord, encodeJournalHeader } from "./block-journal.ts";

/** Records of blocks that one write to the journal takes; a kill forgets fewer than these. */
const RECORDS_AT_ONCE = 4;
const SYNC_BYTES = 128 * 1024 * 1024;
const OPEN = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

/** Where the journal of a partial file lies. */
export function journalPath(path: string): string {
  return `${path}.journal`;
}

/**
 * Data first, then its record in the journal. Neither is synced: after a power cut records may name blocks that
 * never came to the disk, so every block is checked against its checksum when the file is opened again.
 */
export class PartialFile {
  readonly #blob: StoredBlob;
  readonly #file: FileHandle;
  readonly #journal: FileHandle;
  readonly #path: string;
  readonly #there = new Set<number>();
  readonly #line = new Mutex();
  readonly #readBack = Buffer.allocUnsafe(BLOCK_BYTES);
  #digester: Digester;
  /** Blocks before this one went into the digest. */
  #hashed = 0;
  #journalEnd = 0;
  readonly #records: Buffer[] = [];
  #unsyncedBytes = 0;
  #syncing: Promise<void> | undefined;

  private constructor(blob: StoredBlob, path: string, file: FileHandle, journal: FileHandle) {
    this.#blob = blob;
    this.#path = path;
    this.#file = file;
    this.#journal = journal;
    this.#digester = new Digester(algorithmOf(blob.digest));
  }

  /** Opens what an earlier attempt left at `path`, or begins. */
  static async open(path: string, blob: StoredBlob): Promise<PartialFile> {
    const file = await open(path, OPEN, 0o644);
    const journal = await open(journalPath(path), OPEN, 0o644).catch(async (error: unknown) => {
      await file.close();
      throw error;
    });
    const partial = new PartialFile(blob, path, file, journal);
    try {
      await partial.#begin(await journal.readFile());
    } catch (error) {
      await partial.close();
      throw error;
    }
    return partial;
  }

  async #begin(before: Buffer): Promise<void> {
    const { digest, size } = this.#blob;
    const known = decodeJournal(before, digest, size);
    if (known === undefined) return this.startOver();
    // The journal itself is kept, so that a crash in here loses nothing; a later record of a block wins.
    this.#journalEnd = known.end;
    await this.#journal.truncate(known.end);
    await this.#file.truncate(size);
    for (const [block, checksum] of [...known.blocks].sort(([one], [other]) => one - other)) {
      const bytes = await this.#read(block);
      if (bytes === undefined || crc32(bytes) !== checksum) continue;
      this.#there.add(block);
      if (block === this.#hashed) this.#hash(bytes);
    }
  }

  /** Bytes that are there. */
  get sizeBytes(): number {
    let bytes = this.#there.size * BLOCK_BYTES;
    const last = blockCount(this.#blob.size) - 1;
    if (this.#there.has(last)) bytes -= BLOCK_BYTES - this.lengthOf(last);
    return bytes;
  }

  has(block: number): boolean {
    return this.#there.has(block);
  }

  get isWhole(): boolean {
    return this.#there.size === blockCount(this.#blob.size);
  }

  lengthOf(block: number): number {
    return Math.min(BLOCK_BYTES, this.#blob.size - block * BLOCK_BYTES);
  }

  /** Stores a whole block; `bytes` may be used again when it resolves. */
  async write(block: number, bytes: Uint8Array): Promise<void> {
    if (this.#there.has(block)) return;
    const written = writeAll(this.#file, bytes, block * BLOCK_BYTES);
    // Hashed while another thread writes it. A write that fails ends the download, and this digest with it.
    const isInTurn = block === this.#hashed;
    if (isInTurn) this.#hash(bytes);
    const record = encodeBlockRecord(block, crc32(bytes));
    await written;
    this.#there.add(block);
    this.#records.push(record);
    this.#unsyncedBytes += bytes.byteLength;
    this.#syncBehind();
    if (this.#records.length >= RECORDS_AT_ONCE) await this.#line.run(() => this.#writeRecords());
    if (this.#there.has(this.#hashed)) await this.#line.run(() => this.#hashBehind());
  }

  async #writeRecords(): Promise<void> {
    const records = this.#records.splice(0);
    if (records.length > 0) await this.#append(Buffer.concat(records));
  }

  /** What came out of order is read back while it is warm. */
  async #hashBehind(): Promise<void> {
    while (this.#there.has(this.#hashed)) {
      const block = this.#hashed;
      const bytes = await this.#read(block);
      if (bytes === undefined) throw new Error("the partial file became shorter");
      if (block === this.#hashed) this.#hash(bytes);
    }
  }

  /** The disk works while the network does, so that there is little to wait for at the end. */
  #syncBehind(): void {
    if (this.#unsyncedBytes < SYNC_BYTES || this.#syncing !== undefined) return;
    this.#unsyncedBytes = 0;
    this.#syncing = this.#file.datasync().then(
      () => void (this.#syncing = undefined),
      // It is told by the sync at the end.
      () => void (this.#syncing = undefined),
    );
  }

  /** Everything that was stored is in the journal and, as far as there is no gap, in the digest. */
  async settle(): Promise<void> {
    await this.#line.run(async () => {
      await this.#writeRecords();
      await this.#hashBehind();
    });
  }

  #hash(bytes: Uint8Array): void {
    this.#digester.update(bytes);
    this.#hashed += 1;
  }

  async #read(block: number): Promise<Buffer | undefined> {
    const length = this.lengthOf(block);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#file.read(this.#readBack, done, length - done, block * BLOCK_BYTES + done);
      if (bytesRead === 0) return undefined;
      done += bytesRead;
    }
    return this.#readBack.subarray(0, length);
  }

  async #append(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#journal, bytes, this.#journalEnd);
    this.#journalEnd += bytes.byteLength;
  }

  /** Of the whole content, once it is whole. */
  digest(): Digest {
    return this.#digester.digest();
  }

  /** Forgets all that came, for content that turned out wrong. */
  async startOver(): Promise<void> {
    await this.#line.run(async () => {
      await this.#journal.truncate(0);
      this.#journalEnd = 0;
      await this.#append(encodeJournalHeader(this.#blob.digest, this.#blob.size));
      await this.#file.truncate(0);
      await this.#file.truncate(this.#blob.size);
      this.#there.clear();
      this.#records.length = 0;
      this.#hashed = 0;
      this.#digester = new Digester(algorithmOf(this.#blob.digest));
    });
  }

  async sync(): Promise<void> {
    await this.#syncing;
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#syncing;
    await this.#line.run(() => this.#writeRecords()).catch(() => undefined);
    await Promise.allSettled([this.#file.close(), this.#journal.close()]);
  }

  /** Away with file and journal. */
  async remove(): Promise<void> {
    await this.close();
    await removePartial(this.#path);
  }
}

/** Removes what a download left or has no use for any more. */
export async function removePartial(path: string): Promise<void> {
  await rm(journalPath(path), { force: true });
  await rm(path, { force: true });
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, position + done);
    done += bytesWritten;
  }
}
