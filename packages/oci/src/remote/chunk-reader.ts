// Cuts a stream into chunks of a size, without copying, and knows which is the last.

export interface Chunk {
  readonly buffers: readonly Uint8Array[];
  readonly sizeBytes: number;
  readonly isLast: boolean;
}

export class ChunkReader {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #onBytes: (bytes: Uint8Array) => void;
  #ahead: Uint8Array | undefined;
  #isDone = false;

  /** `onBytes` sees everything once, in order, as it is read. */
  constructor(source: AsyncIterable<Uint8Array>, onBytes: (bytes: Uint8Array) => void) {
    this.#source = source[Symbol.asyncIterator]();
    this.#onBytes = onBytes;
  }

  /** At least `sizeBytes` (and less than one buffer of the source more), or all that is left. */
  async next(sizeBytes: number): Promise<Chunk> {
    const buffers: Uint8Array[] = [];
    let size = 0;
    while (size < sizeBytes) {
      const bytes = await this.#read();
      if (bytes === undefined) break;
      buffers.push(bytes);
      size += bytes.byteLength;
    }
    this.#ahead = await this.#read();
    return { buffers, sizeBytes: size, isLast: this.#ahead === undefined };
  }

  async #read(): Promise<Uint8Array | undefined> {
    if (this.#ahead !== undefined) {
      const bytes = this.#ahead;
      this.#ahead = undefined;
      return bytes;
    }
    while (!this.#isDone) {
      const { value, done } = await this.#source.next();
      if (done === true) this.#isDone = true;
      else if (value.byteLength > 0) {
        this.#onBytes(value);
        return value;
      }
    }
    return undefined;
  }

  /** A chunk that was read before, then everything after it; `onEnd` may refuse before the last bytes are let go. */
  async *rest(first: Chunk, onEnd: () => void): AsyncGenerator<Uint8Array> {
    yield* first.buffers;
    let held: Uint8Array | undefined;
    for (let bytes = await this.#read(); bytes !== undefined; bytes = await this.#read()) {
      if (held !== undefined) yield held;
      held = bytes;
    }
    onEnd();
    if (held !== undefined) yield held;
  }

  /** Lets the source go when it was not read to its end. */
  async close(): Promise<void> {
    if (!this.#isDone) await this.#source.return?.();
    this.#isDone = true;
  }
}
