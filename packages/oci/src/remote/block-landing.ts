// Bytes of one connection on their way into a partial file: gathered to blocks, written while the next ones come.
import { BLOCK_BYTES } from "./block-journal.ts";
import type { Landing } from "./bulk-body.ts";
import type { PartialFile } from "./partial-file.ts";

/** Blocks that one connection fetches, from `next` up to and without `end`, which may come nearer meanwhile. */
export interface Run {
  next: number;
  end: number;
}

/** One is filled, two are being written. */
const BUFFERS = 3;

export class BlockBuffers {
  readonly #free: Buffer[] = [];
  #made = 0;

  take(): Buffer {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    this.#made += 1;
    return Buffer.allocUnsafe(BLOCK_BYTES);
  }

  give(buffer: Buffer): void {
    this.#free.push(buffer);
  }

  get isSpent(): boolean {
    return this.#free.length === 0 && this.#made >= BUFFERS;
  }
}

export class BlockLanding implements Landing {
  readonly #partial: PartialFile;
  readonly #run: Run;
  readonly #buffers: BlockBuffers;
  readonly #onBlock: (bytes: number) => void;
  #buffer: Buffer;
  #filled = 0;
  readonly #writing = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;
  #resume: (() => void) | undefined;

  constructor(partial: PartialFile, run: Run, buffers: BlockBuffers, onBlock: (bytes: number) => void) {
    this.#partial = partial;
    this.#run = run;
    this.#buffers = buffers;
    this.#onBlock = onBlock;
    this.#buffer = buffers.take();
  }

  /** Called once a pause is over. */
  whenDrained(resume: () => void): void {
    this.#resume = resume;
  }

  room(): Uint8Array {
    return this.#buffer.subarray(this.#filled, this.#partial.lengthOf(this.#run.next));
  }

  came(sizeBytes: number): "more" | "pause" | "enough" {
    if (this.#failure !== undefined || this.#run.next >= this.#run.end) return "enough";
    this.#filled += sizeBytes;
    const length = this.#partial.lengthOf(this.#run.next);
    if (this.#filled < length) return "more";
    this.#write(this.#run.next, this.#buffer, length);
    this.#run.next += 1;
    this.#filled = 0;
    this.#buffer = this.#buffers.take();
    if (this.#run.next >= this.#run.end) return "enough";
    return this.#buffers.isSpent ? "pause" : "more";
  }

  #write(block: number, buffer: Buffer, length: number): void {
    const written = this.#partial.write(block, buffer.subarray(0, length)).then(
      () => this.#onBlock(length),
      (error: unknown) => void (this.#failure ??= { error }),
    );
    const ended = written.then(() => {
      this.#buffers.give(buffer);
      this.#writing.delete(ended);
      this.#resume?.();
    });
    this.#writing.add(ended);
  }

  /** Waits for what is being written, and lets go. @throws what writing threw */
  async settle(): Promise<void> {
    await Promise.all(this.#writing);
    this.#buffers.give(this.#buffer);
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
