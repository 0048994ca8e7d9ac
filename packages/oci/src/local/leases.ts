// Who was told that a blob is there may count on it for a while: leases, and removals that respect them.
import type { Clock, Digest } from "@pratique/core";

const LEASES_KNOWN = 100_000;

/** What was promised until the store was closed. Without it nobody knows, and everything counts as promised just now. */
export interface RememberedLeases {
  readonly floor: number;
  readonly told: readonly (readonly [string, number])[];
}

export class Leases {
  readonly #clock: Clock;
  readonly #known: number;
  /** When somebody was last told, by repository and digest, the longest ago first. */
  readonly #granted = new Map<string, number>();
  /** Looks under way: who asks now will be told. */
  readonly #asking = new Map<string, number>();
  readonly #leaving = new Map<string, Promise<unknown>>();
  /** What is not known counts as said then. */
  #floor: number;

  constructor(clock: Clock, remembered?: RememberedLeases, known = LEASES_KNOWN) {
    this.#clock = clock;
    this.#known = known;
    this.#floor = remembered?.floor ?? clock.now().getTime();
    for (const [key, told] of remembered?.told ?? []) this.#granted.set(key, told);
  }

  /** For the next start. */
  remember(): RememberedLeases {
    return { floor: this.#floor, told: [...this.#granted] };
  }

  /**
   * Runs a look (or a step that makes the blob be there) and leases the blob when it says anything but undefined or
   * false. The blob cannot leave from before the look until the lease has run out.
   */
  async grant<T>(repository: string, digest: Digest, look: () => Promise<T>): Promise<T> {
    const key = keyOf(repository, digest);
    for (let leaving = this.#leaving.get(key); leaving !== undefined; leaving = this.#leaving.get(key)) await leaving;
    this.#asking.set(key, (this.#asking.get(key) ?? 0) + 1);
    try {
      const found = await look();
      if (found !== undefined && found !== false) this.#remember(key);
      return found;
    } finally {
      const others = this.#asking.get(key)! - 1;
      if (others === 0) this.#asking.delete(key);
      else this.#asking.set(key, others);
    }
  }

  #remember(key: string): void {
    const now = this.#clock.now().getTime();
    this.#granted.delete(key);
    if (this.#granted.size >= this.#known) this.#forgetHalf();
    this.#granted.set(key, now);
  }

  /** What is forgotten counts as told when the newest of the forgotten was: bounded, and still safe. */
  #forgetHalf(): void {
    let left = Math.ceil(this.#known / 2);
    for (const [key, told] of this.#granted) {
      if (left-- === 0) break;
      this.#floor = Math.max(this.#floor, told);
      this.#granted.delete(key);
    }
  }

  isLeased(repository: string, digest: Digest, graceMs: number): boolean {
    const key = keyOf(repository, digest);
    if (this.#asking.has(key)) return true;
    const told = Math.max(this.#granted.get(key) ?? 0, this.#floor);
    return this.#clock.now().getTime() - told < graceMs;
  }

  /** Removes a blob unless it is leased; who asks meanwhile waits and is then told the truth. */
  async remove<T>(
    repository: string,
    digest: Digest,
    graceMs: number,
    removal: () => Promise<T>,
  ): Promise<T | undefined> {
    // No wait between the look at the lease and the mark.
    if (this.isLeased(repository, digest, graceMs)) return undefined;
    const key = keyOf(repository, digest);
    const removed = removal();
    const settled = removed.then(
      () => undefined,
      () => undefined,
    );
    this.#leaving.set(key, settled);
    try {
      return await removed;
    } finally {
      this.#leaving.delete(key);
      this.#granted.delete(key);
    }
  }
}

function keyOf(repository: string, digest: Digest): string {
  return `${repository}@${digest}`;
}
