// The newest bytes of a file that grows: they land in reused blocks, from which readers that keep up are served.
import { BUFFER_BYTES } from "../buffer-shelf.ts";

/** Blocks that may wait for the disk, and are kept for readers afterwards until others need the room. */
const KEPT = 8;

interface Block {
  readonly buffer: Buffer;
  readonly start: number;
  filled: number;
  isWritten: boolean;
  holds: number;
}

export interface HeldBytes {
  readonly bytes: Buffer;
  /** Only when nothing reads them any more: of a broken connection nobody can say so, and they are let be. */
  readonly release: () => void;
}

export class TipBlocks {
  readonly #end: number;
  /** Oldest first; without gaps. */
  #blocks: Block[] = [];
  #next: number;

  constructor(start: number, end: number) {
    this.#next = start;
    this.#end = end;
  }

  /** Where the next bytes go. */
  room(): Uint8Array {
    let block = this.#blocks.at(-1);
    if (block === undefined || this.#isFull(block)) {
      const free = this.#evict();
      const buffer = free ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
      block = { buffer, start: this.#next, filled: 0, isWritten: false, holds: 0 };
      this.#blocks.push(block);
    }
    return block.buffer.subarray(block.filled, this.#sizeOf(block));
  }

  /** The block that they filled, when they did. */
  came(sizeBytes: number): Buffer | undefined {
    const block = this.#blocks.at(-1)!;
    block.filled += sizeBytes;
    this.#next += sizeBytes;
    return this.#isFull(block) ? block.buffer.subarray(0, block.filled) : undefined;
  }

  /** What came into the last block, when that is not full. */
  rest(): Buffer | undefined {
    const block = this.#blocks.at(-1);
    if (block === undefined || block.isWritten || this.#isFull(block) || block.filled === 0) return undefined;
    return block.buffer.subarray(0, block.filled);
  }

  /** The oldest `count` blocks that were not in the file are. */
  written(count: number): void {
    let left = count;
    for (const block of this.#blocks) {
      if (left === 0) return;
      if (block.isWritten) continue;
      block.isWritten = true;
      left -= 1;
    }
  }

  get isSpent(): boolean {
    return this.#blocks.length >= KEPT && this.#blocks[0]?.isWritten === false;
  }

  /** Bytes from `at` on, not beyond `limit`; undefined when they are not here any more. */
  hold(at: number, limit: number): HeldBytes | undefined {
    const block = this.#blocks.find(({ start, filled }) => at >= start && at < start + filled);
    if (block === undefined) return undefined;
    block.holds += 1;
    const bytes = block.buffer.subarray(at - block.start, Math.min(block.filled, limit - block.start));
    return { bytes, release: () => void (block.holds -= 1) };
  }

  clear(): void {
    this.#blocks = [];
  }

  #sizeOf({ start }: Block): number {
    return Math.min(BUFFER_BYTES, this.#end - start);
  }

  #isFull(block: Block): boolean {
    return block.filled === this.#sizeOf(block);
  }

  /** Makes room; a block that somebody still sends is left to him. */
  #evict(): Buffer | undefined {
    if (this.#blocks.length < KEPT || this.#blocks[0]?.isWritten !== true) return undefined;
    const oldest = this.#blocks.shift();
    return oldest?.holds === 0 ? oldest.buffer : undefined;
  }
}
