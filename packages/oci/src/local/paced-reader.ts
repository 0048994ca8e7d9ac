// Reads files from end to end for their digest, one buffer for all, no faster than allowed.
import { Digester, type Digest, type DigestAlgorithm } from "@pratique/core";
import type { FileHandle } from "node:fs/promises";
import { setImmediate, setTimeout as delay } from "node:timers/promises";

const BUFFER_BYTES = 256 * 1024;
/** Credit that a pause in reading can gather. */
const BURST_MS = 100;

export interface PacedReaderOptions {
  readonly bytesPerSecond?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class PacedReader {
  readonly #options: PacedReaderOptions;
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  /** When what was read so far may have been read. */
  #dueAt = 0;
  bytes = 0;

  constructor(options: PacedReaderOptions) {
    this.#options = options;
  }

  async digest(file: FileHandle, algorithm: DigestAlgorithm): Promise<Digest> {
    const digester = new Digester(algorithm);
    for (;;) {
      this.#options.signal?.throwIfAborted();
      const { bytesRead } = await file.read(this.#buffer, 0, BUFFER_BYTES, digester.sizeBytes);
      if (bytesRead === 0) return digester.digest();
      digester.update(this.#buffer.subarray(0, bytesRead));
      this.bytes += bytesRead;
      await this.#pace(bytesRead);
    }
  }

  /** Without a rate, requests still go first. */
  async #pace(bytes: number): Promise<void> {
    const { bytesPerSecond, signal } = this.#options;
    if (bytesPerSecond === undefined) return void (await setImmediate());
    const now = performance.now();
    this.#dueAt = Math.max(this.#dueAt, now - BURST_MS) + (bytes * 1000) / bytesPerSecond;
    if (this.#dueAt > now) await delay(this.#dueAt - now, undefined, signal === undefined ? {} : { signal });
  }
}
