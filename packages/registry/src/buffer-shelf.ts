// Read buffers that are used again: a fresh 256 KiB for every read costs more than the read itself.

export const BUFFER_BYTES = 256 * 1024;
const KEPT = 48;

export class BufferShelf {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }

  /** Only for a buffer that nothing reads any more. */
  giveBack(buffer: Buffer): void {
    if (this.#free.length < KEPT) this.#free.push(buffer);
  }
}
