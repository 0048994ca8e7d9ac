// How fast those may write who say not who they are. Each entry is signed and kept for ever, so none may fill the log.
import type { Clock } from "@pratique/core";
import { sigstoreErrors } from "./errors.ts";

/** Acts at once, and acts a second after that. One build signs some ten things. */
const BURST = 200;
const PER_SECOND = 20;
const ADDRESSES = 10_000;

interface Allowance {
  left: number;
  at: number;
}

/** A token bucket an address. */
export class AnonymousPace {
  readonly #clock: Clock;
  readonly #allowances = new Map<string, Allowance>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws `sigstore.too-many` */
  take(address: string): void {
    const now = this.#clock.now().getTime();
    const known = this.#allowances.get(address) ?? { left: BURST, at: now };
    const left = Math.min(BURST, known.left + (Math.max(0, now - known.at) / 1000) * PER_SECOND);
    // The one that comes again stands last, so that the first is the one who has been away longest.
    this.#allowances.delete(address);
    this.#allowances.set(address, { left: Math.max(0, left - 1), at: now });
    for (const oldest of this.#allowances.keys()) {
      if (this.#allowances.size <= ADDRESSES) break;
      this.#allowances.delete(oldest);
    }
    if (left < 1) throw sigstoreErrors("sigstore.too-many", { perSecond: PER_SECOND });
  }
}
