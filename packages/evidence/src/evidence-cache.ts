// Keeps what was verified: verification is dear, and a digest with the same referrers under the same trust is the same.
import type { EvidenceReading } from "./evidence-of.ts";

/** Evidence by (artifact, its referrers, trust), the least recently used leaving first. */
export class EvidenceCache {
  readonly #limit: number;
  readonly #readings = new Map<string, EvidenceReading>();

  constructor(limit = 500) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#readings.size;
  }

  get(key: string): EvidenceReading | undefined {
    const reading = this.#readings.get(key);
    if (reading === undefined) return undefined;
    this.#readings.delete(key);
    this.#readings.set(key, reading);
    return reading;
  }

  set(key: string, reading: EvidenceReading): void {
    this.#readings.delete(key);
    this.#readings.set(key, reading);
    for (const oldest of this.#readings.keys()) {
      if (this.#readings.size <= this.#limit) return;
      this.#readings.delete(oldest);
    }
  }
}
