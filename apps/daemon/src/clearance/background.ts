// Decides anew in the background when policy, vulnerability data or waivers changed: what is lost is known without being used.
import { setImmediate as turn } from "node:timers/promises";
import { describeError, type Log } from "@pratique/core";
import { VSA_PREDICATE } from "@pratique/evidence";
import type { ContentStore } from "@pratique/oci";
import type { Clearances } from "./clearances.ts";

const TICK_MS = 15_000;
const PREDICATE = "dev.sigstore.bundle.predicateType";

export interface BackgroundOptions {
  readonly clearances: Pick<Clearances, "known" | "recheck">;
  readonly store: ContentStore;
  /** Names all that decisions rest on: equal text, equal ground. */
  readonly stamp: () => string;
  readonly log: Log;
}

export class ClearanceBackground {
  readonly #options: BackgroundOptions;
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #seen: string | undefined;
  #isAwaited = false;

  constructor(options: BackgroundOptions) {
    this.#options = options;
  }

  get isDeciding(): boolean {
    return this.#running !== undefined;
  }

  /** Looks through all that was cleared, once at the start and whenever the ground changes. */
  start(): void {
    this.#timer = setInterval(() => this.notify(), TICK_MS);
    this.#timer.unref();
    void this.notify(true);
  }

  /** Something may have changed: cheap when nothing did. */
  notify(first = false): void {
    if (this.#closing.signal.aborted) return;
    this.#isAwaited = true;
    if (this.#running !== undefined) return;
    this.#running = this.#run(first).finally(() => {
      this.#running = undefined;
      if (this.#isAwaited) this.notify();
    });
  }

  /** What was asked for so far is decided when it resolves. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#timer);
    await this.#running;
  }

  async #run(first: boolean): Promise<void> {
    const { stamp, log } = this.#options;
    this.#isAwaited = false;
    const now = stamp();
    if (now === this.#seen) return;
    this.#seen = now;
    try {
      if (first) await this.#discover();
      for (const row of this.#options.clearances.known()) {
        if (this.#closing.signal.aborted) return;
        await this.#recheck(row);
        await turn();
      }
    } catch (error) {
      log.warn("clearances were not all decided anew", describeError(error));
    }
  }

  /** What was cleared by an earlier version, or came from elsewhere with its clearance, is in no table yet. */
  async #discover(): Promise<void> {
    const { store, clearances } = this.#options;
    const known = new Set(clearances.known().map(({ repository, digest }) => `${repository}@${digest}`));
    for (const name of await store.repositories()) {
      const repository = store.repository(name);
      for (const { descriptor } of await repository.manifests()) {
        if (this.#closing.signal.aborted) return;
        const { digest } = descriptor;
        if (known.has(`${name}@${digest}`)) continue;
        const referrers = await repository.referrers(digest);
        if (!referrers.some(({ annotations }) => annotations?.[PREDICATE] === VSA_PREDICATE)) continue;
        await this.#recheck({ repository: name, digest, reference: "" });
        await turn();
      }
    }
  }

  async #recheck(row: Parameters<Clearances["recheck"]>[0]): Promise<void> {
    try {
      await this.#options.clearances.recheck(row);
    } catch (error) {
      this.#options.log.warn("a clearance was not decided anew", { ...row, ...describeError(error) });
    }
  }
}
