// How fast a sandbox may try connections: each is a durable record, and one that tries without end must not fill the log.
import type { Clock } from "@pratique/core";

const BURST = 200;
const PER_SECOND = 20;

/** A bucket of attempts; an empty one makes the next wait its turn. */
export class AttemptPace {
  readonly #clock: Clock;
  /** When the bucket is full again. */
  #fullAt = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async next(): Promise<void> {
    const now = this.#clock.now().getTime();
    const each = 1000 / PER_SECOND;
    this.#fullAt = Math.max(now, this.#fullAt) + each;
    const waitMs = this.#fullAt - now - BURST * each;
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}
