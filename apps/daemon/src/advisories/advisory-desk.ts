// The advisory database in the daemon: status, updates and imports on demand, updates on time.
import type { DatabaseImportRequest } from "@pratique/contracts";
import type { Config, DatabaseChangeResult, DatabaseStatus, Principal, SourceImport } from "@pratique/contracts";
import { describeError, Mutex, type Clock, type Log } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import {
  importInThread,
  removeDownloads,
  vulnerabilityErrors,
  type AdvisoryDatabase,
  type FeedSource,
} from "@pratique/vulnerabilities";
import type { z } from "zod";
import { systemResource } from "../artifacts/artifacts.ts";

export interface AdvisoryDeskOptions {
  readonly config: Config["vulnerabilities"];
  readonly database: AdvisoryDatabase;
  /** Where downloads lie meanwhile. */
  readonly directory: string;
  readonly proxies: Readonly<Record<string, string>>;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
}

type ImportRequest = z.output<typeof DatabaseImportRequest>;

const LOOK_EVERY_MS = 60_000;

export class AdvisoryDesk {
  readonly #options: AdvisoryDeskOptions;
  readonly #line = new Mutex();
  readonly #closing = new AbortController();
  readonly #listeners: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AdvisoryDeskOptions) {
    this.#options = options;
  }

  /** Called after each import that changed something. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async status(principal: Principal): Promise<DatabaseStatus> {
    const { guard, database } = this.#options;
    const details = { what: "status of the advisory database" };
    const outcome = await guard.perform(
      { principal, action: "admin:read", resource: systemResource, details },
      async () => database.status(),
    );
    return allowedOrThrow(outcome);
  }

  /** Without an act of its own: for who has just shown that he may look. */
  known(): DatabaseStatus {
    return this.#options.database.status();
  }

  /** Asks one source, or all, for what is new. A source that fails does not stop the others. */
  async update(
    principal: Principal,
    { source, signal }: { readonly source?: string | undefined; readonly signal?: AbortSignal },
  ): Promise<DatabaseChangeResult> {
    return this.#change(principal, { what: "update of the advisory database" }, async () => {
      const imports: SourceImport[] = [];
      for (const one of this.#configured(source)) imports.push(await this.#ask(one, signal));
      return imports;
    });
  }

  #configured(name: string | undefined): FeedSource[] {
    const sources = Object.entries(this.#options.config.sources).map(([key, one]) => ({ name: key, ...one }));
    if (sources.length === 0) throw vulnerabilityErrors("vulnerabilities.no-sources");
    if (name === undefined) return sources;
    const found = sources.filter((one) => one.name === name);
    if (found.length === 0) throw vulnerabilityErrors("vulnerabilities.unknown-source", { source: name });
    return found;
  }

  #ask(source: FeedSource, signal?: AbortSignal): Promise<SourceImport> {
    const { directory, proxies } = this.#options;
    return this.#run({ type: "source", source, directory, proxies }, signal);
  }

  /** In a thread: a first dump takes a minute of work. */
  async #run(what: Parameters<typeof importInThread>[0]["what"], signal?: AbortSignal): Promise<SourceImport> {
    const { database, clock } = this.#options;
    const until = signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]);
    try {
      return await importInThread({ file: database.file, now: clock.now().toISOString(), what }, until);
    } finally {
      database.refresh();
      // A thread that was ended left its downloads; only one runs at a time.
      await removeDownloads(this.#options.directory);
    }
  }

  /** Imports a dump that lies on this machine. */
  import(principal: Principal, request: ImportRequest, signal?: AbortSignal): Promise<DatabaseChangeResult> {
    const { path, ...options } = request;
    const details = { what: "import into the advisory database", path };
    return this.#change(principal, details, async () => [await this.#run({ type: "path", path, options }, signal)]);
  }

  /** One at a time; whoever asks meanwhile waits. */
  async #change(
    principal: Principal,
    details: { readonly [name: string]: string },
    act: () => Promise<SourceImport[]>,
  ): Promise<DatabaseChangeResult> {
    const { guard, database } = this.#options;
    return this.#line.run(async () => {
      const before = database.version;
      const outcome = await guard.perform(
        { principal, action: "admin:write", resource: systemResource, details },
        async (_decision, note) => {
          const imports = await act();
          note({ version: database.version, ...countsOf(imports) });
          return { version: database.version, imports };
        },
      );
      if (database.version !== before) for (const listener of this.#listeners) listener();
      return allowedOrThrow(outcome);
    });
  }

  /** Asks the sources that are due, as the owner. */
  async schedule(owner: Principal): Promise<void> {
    const { config, directory } = this.#options;
    await removeDownloads(directory);
    const every = config.update;
    if (every === "off" || Object.keys(config.sources).length === 0) return;
    const look = async (): Promise<void> => {
      for (const name of Object.keys(config.sources)) await this.#updateIfDue(owner, name, every);
      if (!this.#closing.signal.aborted) this.#timer = setTimeout(() => void look(), LOOK_EVERY_MS).unref();
    };
    // Soon after the start and not within it: a start waits for nobody's mirror.
    this.#timer = setTimeout(() => void look(), 1000).unref();
  }

  async #updateIfDue(owner: Principal, name: string, everyMs: number): Promise<void> {
    const { database, clock, log } = this.#options;
    const state = database.source(name);
    const asked = state?.isFollowed === true ? state.askedAt : undefined;
    const sinceMs = asked === undefined ? Infinity : clock.now().getTime() - Date.parse(asked);
    // Below 0 the clock ran ahead when it was last asked.
    if (this.#closing.signal.aborted || (sinceMs >= 0 && sinceMs < everyMs)) return;
    try {
      const { imports } = await this.update(owner, { source: name });
      for (const one of imports) {
        if (one.outcome === "failed")
          log.warn("advisories could not be updated", { source: name, reason: one.reason ?? "" });
        else log.info("advisories updated", { source: name, ...countsOf([one]) });
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) log.error("updating advisories failed", describeError(error));
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#closing.abort();
    await this.#line.run(() => undefined);
  }
}

function countsOf(imports: readonly SourceImport[]): { changed: number; removed: number; failed: number } {
  return {
    changed: imports.reduce((sum, one) => sum + one.changed, 0),
    removed: imports.reduce((sum, one) => sum + one.removed, 0),
    failed: imports.filter(({ outcome }) => outcome === "failed").length,
  };
}
