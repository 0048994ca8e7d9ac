// A blob from a registry into a file: over as many connections as make it faster, resumed after any interruption.
import { isPratiqueError } from "@pratique/core";
import { ociErrors } from "../errors.ts";
import type { ByteRange, FetchOptions, StoredBlob } from "../repository.ts";
import { BLOCK_BYTES } from "./block-journal.ts";
import { BlockBuffers, BlockLanding, type Run } from "./block-landing.ts";
import { Pace } from "./pace.ts";
import { PartialFile } from "./partial-file.ts";
import { missingRuns, splitRun } from "./plan-parts.ts";
import type { Answer, RegistrySession } from "./registry-session.ts";
import { backoffMs, isTransientError } from "./retry.ts";

const CONNECTIONS = 4;

export interface FileDownload extends FetchOptions {
  readonly session: RegistrySession;
  readonly blob: StoredBlob;
  /** Where it is to lie; the journal lies beside it. */
  readonly path: string;
  readonly ask: (range: ByteRange | undefined) => Promise<Answer>;
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
  readonly #waiting: Run[];
  /** Runs that are being fetched, with what ends that. */
  readonly #active = new Map<Run, () => void>();
  readonly #workers: Promise<void>[] = [];
  readonly #pace: Pace;
  /** Tries in a row in which nothing came. */
  #failures = 0;
  #failure: { readonly error: unknown } | undefined;
  /** One that answers a range with everything is asked for everything. */
  #hasRanges = true;

  constructor(options: FileDownload, partial: PartialFile) {
    this.#options = options;
    this.#partial = partial;
    this.#pace = new Pace(this.#nowMs());
    this.#waiting = missingRuns(options.blob.size, (block) => partial.has(block));
  }

  #nowMs(): number {
    return this.#options.session.clock.now().getTime();
  }

  async run(): Promise<void> {
    this.#options.onProgress?.(this.#partial.sizeBytes);
    this.#workers.push(this.#work());
    // Workers are added while others work.
    for (let at = 0; at < this.#workers.length; at += 1) await this.#workers[at];
    await this.#partial.settle();
    if (this.#failure !== undefined) throw this.#failure.error;
    if (!this.#partial.isWhole) throw this.#options.session.badAnswer("it sent less than the blob");
  }

  async #work(): Promise<void> {
    const endTurn = await this.#options.turn?.();
    const buffers = new BlockBuffers();
    try {
      for (let run = this.#next(); run !== undefined; run = this.#next()) await this.#insist(run, buffers);
    } catch (error) {
      this.#fail(error);
    } finally {
      endTurn?.();
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    for (const close of this.#active.values()) close();
  }

  /** What waits, or else the farther half of what somebody else has the most of. */
  #next(): Run | undefined {
    if (this.#failure !== undefined) return undefined;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined || !this.#hasRanges) return waiting;
    return splitRun([...this.#active.keys()]);
  }

  #came(bytes: number): void {
    this.#failures = 0;
    this.#options.onProgress?.(this.#partial.sizeBytes);
    const mayGrow = this.#hasRanges && this.#failure === undefined && this.#active.size < CONNECTIONS;
    if (this.#pace.came(bytes, this.#nowMs()) && mayGrow) this.#workers.push(this.#work());
  }

  /** Fetches a run over as many connections as it takes. */
  async #insist(run: Run, buffers: BlockBuffers): Promise<void> {
    const { session } = this.#options;
    while (run.next < run.end && this.#failure === undefined) {
      const before = run.next;
      this.#active.set(run, () => undefined);
      try {
        await this.#fetch(run, buffers);
      } catch (error) {
        if (session.signal?.aborted === true) throw session.signal.reason;
        if (isPratiqueError(error) || !isBroken(error)) throw error;
      } finally {
        this.#active.delete(run);
      }
      if (run.next >= run.end) return;
      if (run.next > before) this.#failures = 0;
      this.#failures += 1;
      if (this.#failures >= session.retry.attempts * 2) {
        const reason = "the connection breaks again and again";
        throw ociErrors("registry.unreachable", { registry: session.registry, reason });
      }
      await session.pause(backoffMs(Math.min(this.#failures - 1, 8), undefined, session.retry));
    }
  }

  /** As much of a run as one connection brings. */
  async #fetch(run: Run, buffers: BlockBuffers): Promise<void> {
    const { size } = this.#options.blob;
    const range = { start: run.next * BLOCK_BYTES, end: Math.min(run.end * BLOCK_BYTES, size) - 1 };
    const isAll = range.start === 0 && range.end === size - 1;
    const answer = await this.#options.ask(this.#hasRanges && !isAll ? range : undefined);
    try {
      // It may have failed, or been given to another, while the registry thought about it.
      if (this.#failure !== undefined || run.next >= run.end) return;
      if (answer.status === 206) {
        this.#requireRange(answer, range);
        return await this.#take(answer, run, buffers, range.end + 1 - range.start);
      }
      this.#requireLength(answer, size);
      if (!isAll) this.#takeOver(run);
      await this.#take(answer, run, buffers, size);
    } finally {
      answer.body.destroy();
    }
  }

  /** Everything comes on this connection, whatever was asked for: nobody else needs to fetch anything. */
  #takeOver(run: Run): void {
    this.#hasRanges = false;
    this.#waiting.length = 0;
    for (const [other, close] of this.#active) {
      if (other === run) continue;
      other.end = other.next;
      close();
    }
    run.next = 0;
    run.end = Math.ceil(this.#options.blob.size / BLOCK_BYTES);
  }

  /** RFC 9110 §14.4: a range is what Content-Range says it is, and that has to be the one asked for. */
  #requireRange(answer: Answer, { start, end }: { readonly start: number; readonly end: number }): void {
    const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(answer.headers["content-range"] ?? "");
    const total = match?.[3];
    const isRight =
      match !== null &&
      Number(match[1]) === start &&
      Number(match[2]) <= end &&
      (total === "*" || Number(total) === this.#options.blob.size);
    if (!isRight) throw this.#options.session.badAnswer("it sent another range than the one asked for");
  }

  #requireLength(answer: Answer, expectedBytes: number): void {
    const header = answer.headers["content-length"];
    if (header === undefined || Number(header) === expectedBytes) return;
    const what = `blob ${this.#options.blob.digest}`;
    throw ociErrors("size.mismatch", { what, actualBytes: header.slice(0, 20), expectedBytes });
  }

  /** Writes what comes from the beginning of the run's next block on, and nothing past `limitBytes`. */
  async #take(answer: Answer, run: Run, buffers: BlockBuffers, limitBytes: number): Promise<void> {
    const landing = new BlockLanding(this.#partial, run, buffers, (bytes) => this.#came(bytes));
    this.#active.set(run, () => answer.body.destroy());
    const { bulk, body } = answer;
    const sizeBytes = bulk?.sizeBytes(body);
    try {
      if ((sizeBytes ?? 0) > limitBytes) throw this.#options.session.badAnswer("it sends more than was asked for");
      if (bulk === undefined || sizeBytes === undefined) await this.#stream(answer, landing, limitBytes);
      else {
        landing.whenDrained(() => bulk.resume());
        await bulk.land(body, sizeBytes, landing);
      }
    } finally {
      await landing.settle();
    }
  }

  async #stream({ body }: Answer, landing: BlockLanding, limitBytes: number): Promise<void> {
    let resume: (() => void) | undefined;
    landing.whenDrained(() => resume?.());
    let leftBytes = limitBytes;
    for await (const chunk of body) {
      if (!(chunk instanceof Uint8Array)) continue;
      for (let from = 0; from < chunk.byteLength && leftBytes > 0;) {
        const room = landing.room();
        const part = chunk.subarray(from, from + Math.min(room.byteLength, leftBytes));
        room.set(part);
        from += part.byteLength;
        leftBytes -= part.byteLength;
        const wish = landing.came(part.byteLength);
        if (wish === "enough") return;
        if (wish === "pause") await new Promise<void>((drained) => (resume = drained));
      }
    }
  }
}

function isBroken(error: unknown): boolean {
  // An aborted `IncomingMessage` says ECONNRESET; one that we destroyed, ERR_STREAM_PREMATURE_CLOSE.
  return (
    isTransientError(error) ||
    (error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE")
  );
}
