// The models that run: one process each, started once however many ask, again after a crash, stopped when idle.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describeError, SingleFlight, type Clock, type Log } from "@pratique/core";
import type { Engine, ModelFile, RunningModel } from "./engine.ts";
import { openSocketDirectory, type SocketDirectory } from "./socket-directory.ts";

export interface ModelPoolOptions {
  readonly engine: () => Promise<Engine>;
  readonly runDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly contextTokens?: number | undefined;
  /** An unused model is stopped after this long; 0 keeps it. */
  readonly idleMs: number;
  /** Most models at a time: the one unused for longest makes room. */
  readonly maxModels: number;
  /** Waits out the time after a crash; a test's own, else the real one. */
  readonly sleep?: (milliseconds: number) => Promise<unknown>;
}

export interface RunningStatus {
  readonly model: string;
  readonly digest: string;
  readonly engine: Engine["id"];
  readonly pid: number;
  readonly inUse: number;
}

interface Entry {
  readonly model: ModelFile;
  readonly engine: Engine["id"];
  readonly running: RunningModel;
  readonly startedAt: number;
  inUse: number;
  usedAt: number;
  idle: NodeJS.Timeout | undefined;
}

interface Failures {
  count: number;
  /** Not before this time is it started again. */
  retryAt: number;
}

/** After this long without a crash the past is forgotten. */
const HEALTHY_MS = 60_000;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;

/** A running model while it is needed; `release` says that it no longer is. */
export interface Lease {
  readonly running: RunningModel;
  release(): void;
}

export class ModelPool {
  readonly #options: ModelPoolOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #failures = new Map<string, Failures>();
  readonly #starting = new SingleFlight<Entry>();
  #directory: Promise<SocketDirectory> | undefined;
  #sockets = 0;
  #closed = false;

  constructor(options: ModelPoolOptions) {
    this.#options = options;
  }

  status(): RunningStatus[] {
    return [...this.#entries.values()].map(({ model, engine, running, inUse }) => ({
      model: model.reference,
      digest: model.digest,
      engine,
      pid: running.pid,
      inUse,
    }));
  }

  /** The running model, started if need be. @throws `engine.start-failed`, `engine.missing`, `model.file-invalid` */
  async lease(model: ModelFile): Promise<Lease> {
    const entry = this.#entries.get(model.digest) ?? (await this.#starting.run(model.digest, () => this.#start(model)));
    entry.inUse += 1;
    clearTimeout(entry.idle);
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      entry.inUse -= 1;
      entry.usedAt = this.#now();
      if (entry.inUse === 0 && this.#options.idleMs > 0) {
        entry.idle = setTimeout(() => void this.#evict(entry, "idle"), this.#options.idleMs).unref();
      }
    };
    return { running: entry.running, release };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const entry of this.#entries.values()) clearTimeout(entry.idle);
    await Promise.all([...this.#entries.values()].map((entry) => entry.running.stop()));
    await (await this.#directory)?.close();
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }

  async #start(model: ModelFile): Promise<Entry> {
    if (this.#closed) throw new Error("the model pool is closed");
    await this.#waitOutFailures(model.digest);
    await this.#makeRoom();
    const engine = await this.#options.engine();
    this.#directory ??= openSocketDirectory(this.#options.runDirectory);
    const socketPath = join((await this.#directory).path, `${(this.#sockets += 1)}.sock`);
    const { contextTokens, log } = this.#options;
    let running: RunningModel;
    try {
      running = await engine.start(model, { socketPath, ...(contextTokens === undefined ? {} : { contextTokens }) });
    } catch (error) {
      this.#recordFailure(model.digest);
      throw error;
    }
    const entry: Entry = {
      model,
      engine: engine.id,
      running,
      startedAt: this.#now(),
      inUse: 0,
      usedAt: this.#now(),
      idle: undefined,
    };
    if (this.#closed) {
      await running.stop();
      throw new Error("the model pool is closed");
    }
    this.#entries.set(model.digest, entry);
    log.info("model started", { model: model.reference, digest: model.digest, engine: engine.id, pid: running.pid });
    void running.exited.then((exit) => {
      clearTimeout(entry.idle);
      // An entry that was stopped on purpose is gone from the map by then.
      if (this.#entries.get(model.digest) !== entry || this.#closed) return;
      this.#entries.delete(model.digest);
      if (this.#now() - entry.startedAt > HEALTHY_MS) this.#failures.delete(model.digest);
      this.#recordFailure(model.digest);
      log.warn("engine ended by itself", {
        model: model.reference,
        code: exit.code,
        signal: exit.signal,
        said: exit.lastWords,
      });
    });
    return entry;
  }

  #recordFailure(digest: string): void {
    const count = (this.#failures.get(digest)?.count ?? 0) + 1;
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** (count - 1), LONGEST_WAIT_MS);
    this.#failures.set(digest, { count, retryAt: this.#now() + waitMs });
  }

  async #waitOutFailures(digest: string): Promise<void> {
    const failures = this.#failures.get(digest);
    if (failures === undefined) return;
    const waitMs = failures.retryAt - this.#now();
    if (waitMs > 0) await (this.#options.sleep ?? sleep)(Math.min(waitMs, LONGEST_WAIT_MS));
    else if (waitMs < -HEALTHY_MS) this.#failures.delete(digest);
  }

  async #makeRoom(): Promise<void> {
    if (this.#entries.size < this.#options.maxModels) return;
    const unused = [...this.#entries.values()].filter((entry) => entry.inUse === 0);
    const oldest = unused.sort((a, b) => a.usedAt - b.usedAt)[0];
    if (oldest !== undefined) await this.#evict(oldest, "room");
  }

  async #evict(entry: Entry, why: "idle" | "room"): Promise<void> {
    if (entry.inUse > 0) return;
    this.#entries.delete(entry.model.digest);
    clearTimeout(entry.idle);
    this.#options.log.info("model stopped", { model: entry.model.reference, why });
    await entry.running.stop().catch((error: unknown) => {
      this.#options.log.warn("engine did not stop", describeError(error));
    });
  }
}
