// One pass over a layer as its bytes come: decompress, scan, read what detectors want. Nothing is unpacked to disk.
import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from "node:zlib";
import type { CatalogueLimits } from "../catalogue.ts";
import { BudgetSpent, LayerReader, type DetectorOf, type LayerReading, type ReadingBudget } from "./layer-reading.ts";
import { TarProblem, TarScanner, type TarVisitor } from "./tar-scanner.ts";

export interface ScanOptions {
  readonly detectorOf: DetectorOf;
  readonly limits: CatalogueLimits;
  readonly budget: ReadingBudget;
  readonly signal?: AbortSignal | undefined;
}

/** Why a layer was not read. */
export class LayerProblem extends Error {
  readonly isTooLarge: boolean;
  constructor(reason: string, isTooLarge: boolean, cause?: unknown) {
    super(reason, { cause });
    this.isTooLarge = isTooLarge;
  }
}

const CHUNK_BYTES = 256 * 1024;
/** Deflate cannot do better than 1032; honest layers seldom pass 20, and files of zeros come small. */
const MAX_RATIO = 300;
const RATIO_FREE_BYTES = 256 * 1024 ** 2;

/**
 * Reads a layer: gzip, zstd or plain tar, told apart by its first bytes, as the media type is only a claim.
 * @throws LayerProblem
 */
export async function scanLayer(source: AsyncIterable<Uint8Array>, options: ScanOptions): Promise<LayerReading> {
  const reader = new LayerReader(options);
  await scanArchive(source, reader, options);
  return reader.reading();
}

/** The same for whoever wants something else of its entries. @throws LayerProblem */
export async function scanArchive(
  source: AsyncIterable<Uint8Array>,
  visitor: TarVisitor,
  { limits, budget, signal }: Omit<ScanOptions, "detectorOf">,
): Promise<void> {
  const scanner = new TarScanner(visitor);
  const counted = new Counted(source);
  try {
    for await (const chunk of await plain(counted)) {
      signal?.throwIfAborted();
      budget.bytes -= chunk.length;
      if (budget.bytes < 0) throw new BudgetSpent(`it unpacks to more than ${limits.maxBytes} bytes`);
      counted.unpacked += chunk.length;
      if (counted.unpacked > RATIO_FREE_BYTES && counted.unpacked > counted.packed * MAX_RATIO) {
        throw new BudgetSpent(`it unpacks to more than ${MAX_RATIO} times its size`);
      }
      scanner.write(chunk);
      if (scanner.ended) break;
    }
    scanner.end();
  } catch (error) {
    if (error instanceof BudgetSpent) throw new LayerProblem(error.message, true, error);
    if (error instanceof TarProblem) throw new LayerProblem(error.message, false, error);
    throw error;
  }
}

/** The bytes of a source, counted, with its first ones known. */
class Counted {
  packed = 0;
  unpacked = 0;
  readonly #source: AsyncIterator<Uint8Array>;
  #first: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async beginning(sizeBytes: number): Promise<Buffer> {
    while (this.#first.length < sizeBytes) {
      const { done, value } = await this.#source.next();
      if (done === true) break;
      this.#first = Buffer.concat([this.#first, value]);
    }
    return this.#first;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      this.packed += this.#first.length;
      if (this.#first.length > 0) yield this.#first;
      for (;;) {
        const { done, value } = await this.#source.next();
        if (done === true) return;
        this.packed += value.length;
        yield Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      }
    } finally {
      await this.#source.return?.();
    }
  }
}

async function plain(source: Counted): Promise<AsyncIterable<Buffer>> {
  const mark = await source.beginning(4);
  if (mark[0] === 0x1f && mark[1] === 0x8b) return unpack(source, createGunzip({ chunkSize: CHUNK_BYTES }));
  if (mark.length >= 4 && mark.readUInt32LE(0) === 0xfd2fb528) {
    return unpack(source, createZstdDecompress({ chunkSize: CHUNK_BYTES }));
  }
  return source;
}

/** Gives an output buffer back at once, when it is full and zlib is done with it; the garbage collector is too busy otherwise. */
function release(chunk: Buffer): void {
  const { buffer, byteOffset, byteLength } = chunk;
  if (buffer instanceof ArrayBuffer && byteOffset + byteLength === buffer.byteLength) buffer.transfer(0);
}

async function* unpack(source: Counted, through: Gunzip | ZstdDecompress): AsyncGenerator<Buffer> {
  const input = Readable.from(source, { objectMode: false, highWaterMark: CHUNK_BYTES });
  let failure: unknown;
  input.on("error", (error) => {
    failure = error;
    through.destroy(error);
  });
  input.pipe(through);
  try {
    for await (const chunk of through as AsyncIterable<Buffer>) {
      yield chunk;
      release(chunk);
    }
  } catch (error) {
    // The source's own error (a digest that is wrong, a lost connection) says more than the archive's.
    if (failure !== undefined) throw failure;
    throw new LayerProblem("it is not sound gzip or zstd", false, error);
  } finally {
    input.destroy();
    through.destroy();
  }
}
