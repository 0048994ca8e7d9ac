// Spares the reading and hashing of an Authorization header that was good a moment ago. Who it stands for, and whether
// it still does, is asked each time.

const KEPT = 256;

/** Hashes of the tokens in headers that somebody was known by; the oldest go first. */
export class KnownHeaders {
  readonly #hashes = new Map<string, Buffer>();

  get(header: string): Buffer | undefined {
    return this.#hashes.get(header);
  }

  set(header: string, hash: Buffer): void {
    this.#hashes.set(header, hash);
    if (this.#hashes.size <= KEPT) return;
    const { value: oldest } = this.#hashes.keys().next();
    if (oldest !== undefined) this.#hashes.delete(oldest);
  }
}
