// What only one may do at a time, in this process and in others on the same database.
import { setTimeout as delay } from "node:timers/promises";
import { Mutex, type Clock } from "@pratique/core";
import type { LeaseTable } from "@pratique/store";
import { secretErrors } from "./errors.ts";

/** A holder that was killed is waited for so long. */
const HOLD_MS = 60_000;
const POLL_MS = 100;

export class Leases {
  readonly #table: LeaseTable;
  readonly #clock: Clock;
  readonly #holder: string;
  readonly #lines = new Map<string, { readonly mutex: Mutex; waiting: number }>();

  /** `holder` tells processes apart. */
  constructor(options: { readonly table: LeaseTable; readonly clock: Clock; readonly holder: string }) {
    this.#table = options.table;
    this.#clock = options.clock;
    this.#holder = options.holder;
  }

  /** Runs `task` when nobody else runs one of that name. @throws the signal's reason; `secret.conflict` */
  async run<T>(name: string, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(name) ?? { mutex: new Mutex(), waiting: 0 };
    this.#lines.set(name, line);
    line.waiting += 1;
    try {
      return await line.mutex.run(async () => {
        await this.#take(name, signal);
        try {
          return await task();
        } finally {
          await this.#table.release(name, this.#holder);
        }
      });
    } finally {
      line.waiting -= 1;
      if (line.waiting === 0) this.#lines.delete(name);
    }
  }

  async #take(name: string, signal: AbortSignal): Promise<void> {
    const giveUpAt = this.#now() + 2 * HOLD_MS;
    for (;;) {
      signal.throwIfAborted();
      const now = this.#now();
      if (await this.#table.take(name, this.#holder, now, now + HOLD_MS)) return;
      if (now >= giveUpAt) throw secretErrors("secret.conflict", { name });
      await delay(POLL_MS, undefined, { signal });
    }
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}
