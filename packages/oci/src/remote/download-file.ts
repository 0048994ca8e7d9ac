// A blob from a registry into a file: several ranges at once, each where it belongs, resumed after any interruption.
import { isPratiqueError } from "@pratique/core";
import { ociErrors } from "../errors.ts";
import type { ByteRange, StoredBlob } from "../repository.ts";
import { BLOCK_BYTES } from "./block-journal.ts";
import { PartialFile } from "./partial-file.ts";
import { planParts, type Part } from "./plan-parts.ts";
import type { Answer, RegistrySession } from "./registry-session.ts";
import { backoffMs, isTransientError } from "./retry.ts";

const RANGES_AT_ONCE = 4;

export interface FileDownload {
  readonly session: RegistrySession;
  readonly blob: StoredBlob;
  /** Where it is to lie; the journal lies beside it. */
  readonly path: string;
  readonly ask: (range: ByteRange | undefined) => Promise<Answer>;
  /** Waits until one more range may be on its way; resolves with what ends its turn. */
  readonly turn?: (() => Promise<() => void>) | undefined;
  /** Bytes that are there, told as they grow. */
  readonly onProgress?: ((sizeBytes: number) => void) | undefined;
}

/**
 * When it resolves the file is whole, checked and on disk, and its journal is of no more use.
 * When it fails what came is kept, but for content that is not what the digest says.
 * @throws `digest.mismatch`, `size.mismatch`, `registry.*`
 */
export async function downloadFile(options: FileDownload): Promise<void> {
  const partial = await PartialFile.open(options.path, options.blob);
  try {
    const resumedBytes = partial.sizeBytes;
    await new Filling(options, partial).run();
    if (partial.digest() !== options.blob.digest && resumedBytes > 0) {
      // Every block is as it was written, so what was written then was wrong. Once more, from nothing.
      await partial.startOver();
      await new Filling(options, partial).run();
    }
    const actual = partial.digest();
    if (actual !== options.blob.digest) {
      await partial.remove();
      throw ociErrors("digest.mismatch", { what: "the downloaded blob", actual, expected: options.blob.digest });
    }
    await partial.sync();
  } finally {
    await partial.close();
  }
}

class Filling {
  readonly #options: FileDownload;
  readonly #partial: PartialFile;
  readonly #waiting: Part[];
  /** Tries in a row in which nothing came. */
  #failures = 0;
  #failure: { readonly error: unknown } | undefined;
  /** One that answers a range with everything is asked for everything. */
  #hasRanges = true;
  readonly #bodies = new Set<Answer["body"]>();

  constructor(options: FileDownload, partial: PartialFile) {
    this.#options = options;
    this.#partial = partial;
    this.#waiting = planParts(options.blob.size, (block) => partial.has(block));
  }

  async run(): Promise<void> {
    this.#options.onProgress?.(this.#partial.sizeBytes);
    // The first part shows whether there are ranges at all, before more are asked for.
    await this.#worker(1);
    if (this.#hasRanges) {
      const workers = Array.from({ length: RANGES_AT_ONCE }, () => this.#worker());
      await Promise.all(workers);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    if (!this.#partial.isWhole) throw this.#options.session.badAnswer("it sent less than the blob");
  }

  async #worker(limit = Infinity): Promise<void> {
    const buffer = Buffer.allocUnsafe(BLOCK_BYTES);
    for (let done = 0; done < limit && this.#failure === undefined; done += 1) {
      const part = this.#waiting.shift();
      if (part === undefined) return;
      const endTurn = await this.#options.turn?.();
      try {
        await this.#insist(part, buffer);
      } catch (error) {
        this.#failure ??= { error };
        for (const body of this.#bodies) body.destroy();
      } finally {
        endTurn?.();
      }
    }
  }

  /** Fetches a part over as many connections as it takes. */
  async #insist(part: Part, buffer: Buffer): Promise<void> {
    const { session } = this.#options;
    for (let first = part.first; first < part.end && this.#failure === undefined;) {
      try {
        const reached = await this.#fetch({ first, end: part.end }, buffer);
        if (reached >= part.end) return;
        throw new ShortBody(reached);
      } catch (error) {
        if (session.signal?.aborted === true) throw session.signal.reason;
        const reached = error instanceof ShortBody ? error.reached : first;
        if (!(error instanceof ShortBody) && !isTransientError(error)) throw error;
        if (reached > first) this.#failures = 0;
        first = Math.max(first, reached);
        while (first < part.end && this.#partial.has(first)) first += 1;
        this.#failures += 1;
        if (this.#failures >= session.retry.attempts * 2) {
          const reason = "the connection breaks again and again";
          throw ociErrors("registry.unreachable", { registry: session.registry, reason });
        }
        await session.pause(backoffMs(Math.min(this.#failures - 1, 8), undefined, session.retry));
      }
    }
  }

  /** Answers up to which block it came. */
  async #fetch(part: Part, buffer: Buffer): Promise<number> {
    const { size } = this.#options.blob;
    const range = { start: part.first * BLOCK_BYTES, end: Math.min(part.end * BLOCK_BYTES, size) - 1 };
    const isAll = range.start === 0 && range.end === size - 1;
    const answer = await this.#options.ask(this.#hasRanges && !isAll ? range : undefined);
    this.#bodies.add(answer.body);
    try {
      if (answer.status === 206) return await this.#take(answer, this.#checked(answer, range), buffer, range.end + 1);
      this.#requireLength(answer, size);
      if (!isAll) {
        // Everything comes at once, whatever was asked for.
        this.#hasRanges = false;
        this.#waiting.length = 0;
      }
      return await this.#take(answer, 0, buffer, size);
    } finally {
      this.#bodies.delete(answer.body);
      answer.body.destroy();
    }
  }

  /** RFC 9110 §14.4: a range is what Content-Range says it is, and that has to be the one asked for. */
  #checked(answer: Answer, { start, end }: { readonly start: number; readonly end: number }): number {
    const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(answer.headers["content-range"] ?? "");
    const total = match?.[3];
    const isRight =
      match !== null &&
      Number(match[1]) === start &&
      Number(match[2]) <= end &&
      (total === "*" || Number(total) === this.#options.blob.size);
    if (!isRight) throw this.#options.session.badAnswer("it sends another range than the one asked for");
    return start;
  }

  #requireLength(answer: Answer, expectedBytes: number): void {
    const header = answer.headers["content-length"];
    if (header === undefined || Number(header) === expectedBytes) return;
    const what = `blob ${this.#options.blob.digest}`;
    throw ociErrors("size.mismatch", { what, actualBytes: header.slice(0, 20), expectedBytes });
  }

  /** Writes what comes from byte `start` (the beginning of a block) on, block by block, and nothing past `end`. */
  async #take(answer: Answer, start: number, buffer: Buffer, end: number): Promise<number> {
    let block = start / BLOCK_BYTES;
    let filled = 0;
    let at = start;
    try {
      for await (const chunk of answer.body) {
        if (!(chunk instanceof Uint8Array)) continue;
        if (at + chunk.byteLength > end) throw this.#options.session.badAnswer("it sends more than was asked for");
        at += chunk.byteLength;
        for (let from = 0; from < chunk.byteLength;) {
          const length = this.#partial.lengthOf(block);
          const taken = Math.min(length - filled, chunk.byteLength - from);
          buffer.set(chunk.subarray(from, from + taken), filled);
          from += taken;
          filled += taken;
          if (filled < length) continue;
          await this.#partial.write(block, buffer.subarray(0, length));
          this.#failures = 0;
          this.#options.onProgress?.(this.#partial.sizeBytes);
          block += 1;
          filled = 0;
        }
      }
    } catch (error) {
      if (isPratiqueError(error) || !isBrokenBody(error)) throw error;
      throw new ShortBody(block);
    }
    return block;
  }
}

/** A body that ended too early, and the block up to which it came. */
class ShortBody extends Error {
  readonly reached: number;

  constructor(reached: number) {
    super("the body ended too early");
    this.reached = reached;
  }
}

function isBrokenBody(error: unknown): boolean {
  // An aborted `IncomingMessage` says ECONNRESET; one that we destroyed, ERR_STREAM_PREMATURE_CLOSE.
  return (
    isTransientError(error) ||
    (error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE")
  );
}
