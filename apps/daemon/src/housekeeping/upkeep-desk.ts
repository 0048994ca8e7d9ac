// Collection and scrub of the registry's storage, on demand and on time.
import type { CollectResult, Config, Principal, ScrubResult } from "@pratique/contracts";
import { describeError, Mutex, type Clock, type Log } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { ContentStore } from "@pratique/oci";
import type { Housekeeping } from "@pratique/registry";
import type { RegistryJournal } from "@pratique/store";
import { z } from "zod";
import { systemResource } from "../artifacts/artifacts.ts";

export interface UpkeepDeskOptions {
  readonly config: Pick<Config["registry"], "collect" | "scrub">;
  readonly store: ContentStore;
  readonly journal: RegistryJournal;
  readonly house: Pick<Housekeeping, "emit">;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of a run that ended, as the journal keeps it. */
const LastRun = z.object({ at: z.string(), found: z.int().optional(), freedBytes: z.int().optional() });
type LastRun = z.infer<typeof LastRun>;

const KEYS = { collect: "collectRan", scrub: "scrubRan" } as const;
const LOOK_EVERY_MS = 60_000;

export class UpkeepDesk {
  readonly #options: UpkeepDeskOptions;
  readonly #line = new Mutex();
  readonly #closing = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UpkeepDeskOptions) {
    this.#options = options;
  }

  /** Removes what nobody needs, or says what that is. */
  collect(
    principal: Principal,
    options: { readonly isDryRun: boolean; readonly graceMs?: number | undefined; readonly signal?: AbortSignal },
  ): Promise<CollectResult> {
    const { store, config, house } = this.#options;
    const { isDryRun, graceMs = config.collect.grace, signal } = options;
    const details = { what: "collection", isDryRun, graceMs };
    return this.#perform(principal, isDryRun ? "admin:read" : "admin:write", details, async (note) => {
      const report = await store.collect({ dryRun: isDryRun, graceMs, signal: this.#until(signal) });
      const { removed, freedBytes, collected, skipped } = report;
      note({ ...removed, freedBytes, skipped: skipped.length });
      if (!isDryRun) {
        house.emit("storage.collected", { ...removed, freedBytes });
        await this.#ran("collect", { freedBytes });
      }
      return { ...report, collected: [...collected], skipped: [...skipped] };
    });
  }

  /** Reads everything. */
  scrub(
    principal: Principal,
    options: {
      readonly quarantine: boolean;
      readonly bytesPerSecond?: number | undefined;
      readonly signal?: AbortSignal;
    },
  ): Promise<ScrubResult> {
    const { store, config } = this.#options;
    const { quarantine, bytesPerSecond = config.scrub.bytesPerSecond, signal } = options;
    const details = { what: "scrub", quarantine };
    return this.#perform(principal, quarantine ? "admin:write" : "admin:read", details, async (note) => {
      const pace = bytesPerSecond === undefined ? {} : { bytesPerSecond };
      const report = await store.scrub({ quarantine, ...pace, signal: this.#until(signal) });
      note({ files: report.files, bytes: report.bytes, found: report.found });
      await this.#ran("scrub", { found: report.found });
      return { ...report, findings: [...report.findings] };
    });
  }

  /** One at a time; whoever asks meanwhile waits. */
  #perform<T>(
    principal: Principal,
    action: "admin:read" | "admin:write",
    details: { readonly [name: string]: string | number | boolean },
    act: (note: (facts: Record<string, number>) => void) => Promise<T>,
  ): Promise<T> {
    return this.#line.run(async () => {
      const outcome = await this.#options.guard.perform(
        { principal, action, resource: systemResource, details },
        (_decision, note) => act(note),
      );
      return allowedOrThrow(outcome);
    });
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
  }

  async #ran(what: keyof typeof KEYS, facts: Omit<LastRun, "at">): Promise<void> {
    const run: LastRun = { at: this.#options.clock.now().toISOString(), ...facts };
    await this.#options.journal.write({ state: { [KEYS[what]]: JSON.stringify(run) } });
  }

  /** The last run that ended; undefined when there was none. */
  async last(what: keyof typeof KEYS): Promise<LastRun | undefined> {
    const text = await this.#options.journal.state(KEYS[what]);
    return text === undefined ? undefined : LastRun.parse(JSON.parse(text));
  }

  /** Runs what is due, as the owner. */
  schedule(owner: Principal): void {
    const { collect, scrub } = this.#options.config;
    const due = [
      { what: "collect", every: collect.every, run: () => this.collect(owner, { isDryRun: false }) },
      { what: "scrub", every: scrub.every, run: () => this.scrub(owner, { quarantine: false }) },
    ] as const;
    const planned = due.filter(({ every }) => every !== "off");
    if (planned.length === 0) return;
    const look = async (): Promise<void> => {
      for (const { what, every, run } of planned) {
        if (every !== "off") await this.#runIfDue(what, every, run);
      }
      if (!this.#closing.signal.aborted) this.#timer?.refresh();
    };
    // A timer of a day would be forgotten at each restart: so it looks often, and the database knows when it ran.
    this.#timer = setTimeout(() => void look(), LOOK_EVERY_MS).unref();
  }

  async #runIfDue(what: keyof typeof KEYS, everyMs: number, run: () => Promise<object>): Promise<void> {
    const { clock, log } = this.#options;
    try {
      const last = await this.last(what);
      const sinceMs = last === undefined ? Infinity : clock.now().getTime() - Date.parse(last.at);
      // Below 0 the clock ran ahead when it was last run.
      if (sinceMs >= 0 && sinceMs < everyMs) return;
      await run();
      log.info(`${what} ran`, { ...(await this.last(what)) });
    } catch (error) {
      if (!this.#closing.signal.aborted) log.error(`${what} failed`, describeError(error));
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#closing.abort();
    await this.#line.run(() => undefined);
  }
}
