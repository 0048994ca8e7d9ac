// The values that must never be seen in a message: what the secret guard looks for besides shapes.

/** Shorter ones would be found in ordinary text. */
const LEAST_LENGTH = 8;
const LIMIT = 10_000;

export interface KnownSecret {
  /** For reading: which secret it is. */
  readonly name: string;
  readonly value: string;
}

/** Whoever builds a matcher of these builds it anew when `generation` is another. Nothing here is ever printed. */
export class KnownSecrets {
  #generation = 0;
  readonly #values = new Map<string, KnownSecret>();

  get generation(): number {
    return this.#generation;
  }

  *entries(): Iterable<KnownSecret> {
    yield* this.#values.values();
  }

  /** `key` tells apart what may have one name: the older value of the same key is forgotten. */
  add(key: string, name: string, value: string): void {
    if (value.length < LEAST_LENGTH || this.#values.get(key)?.value === value) return;
    if (this.#values.size >= LIMIT && !this.#values.has(key)) return;
    this.#values.set(key, { name, value });
    this.#generation += 1;
  }

  forget(key: string): void {
    if (this.#values.delete(key)) this.#generation += 1;
  }

  toJSON(): string {
    return `«${this.#values.size} secrets»`;
  }
}
