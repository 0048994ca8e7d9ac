// Whether one more connection is worth it: on a fast link one stream is best, on a long one several are.

const WINDOW_MS = 500;
/** What the last one has to have added to the speed of all. */
const GAIN = 1.2;

export class Pace {
  #sinceMs: number;
  #bytes = 0;
  #before = 0;
  #isSettled = false;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /** Bytes came. True when one more connection should be opened. */
  came(bytes: number, nowMs: number): boolean {
    if (this.#isSettled) return false;
    this.#bytes += bytes;
    const elapsedMs = nowMs - this.#sinceMs;
    if (elapsedMs < WINDOW_MS) return false;
    const rate = this.#bytes / elapsedMs;
    this.#isSettled = rate < this.#before * GAIN;
    this.#before = rate;
    this.#bytes = 0;
    this.#sinceMs = nowMs;
    return !this.#isSettled;
  }
}
