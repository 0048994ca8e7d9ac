// The bytes of manifests read lately, by digest; bounded.
import type { Digest } from "@pratique/core";

export class ManifestCache {
  readonly #limitBytes: number;
  readonly #entries = new Map<Digest, Buffer>();
  #sizeBytes = 0;

  constructor(limitBytes = 16 * 1024 * 1024) {
    this.#limitBytes = limitBytes;
  }

  get(digest: Digest): Buffer | undefined {
    const bytes = this.#entries.get(digest);
    if (bytes === undefined) return undefined;
    this.#entries.delete(digest);
    this.#entries.set(digest, bytes);
    return bytes;
  }

  set(digest: Digest, bytes: Buffer): void {
    if (bytes.byteLength > this.#limitBytes / 8 || this.#entries.has(digest)) return;
    this.#entries.set(digest, bytes);
    this.#sizeBytes += bytes.byteLength;
    for (const [oldest, entry] of this.#entries) {
      if (this.#sizeBytes <= this.#limitBytes) break;
      this.#entries.delete(oldest);
      this.#sizeBytes -= entry.byteLength;
    }
  }
}
