import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { manualClock, silentLog } from "@pratique/core";
import type { Engine, EngineExit, ModelFile } from "./engine.ts";
import { ModelPool } from "./model-pool.ts";

/** An engine whose models do nothing but live until a test ends them. */
class PuppetEngine {
  readonly started: { reference: string; socketPath: string; crash: () => void; stopped: boolean }[] = [];
  failure: Error | undefined;

  readonly engine: Engine = {
    id: "llama-cpp-node",
    version: "0",
    start: async (model, { socketPath }) => {
      if (this.failure !== undefined) throw this.failure;
      const { promise: exited, resolve } = Promise.withResolvers<EngineExit>();
      const end = () => resolve({ code: 1, signal: null, lastWords: "" });
      const entry = { reference: model.reference, socketPath, crash: end, stopped: false };
      this.started.push(entry);
      const stop = async () => {
        entry.stopped = true;
        end();
      };
      return { pid: this.started.length, exited, stop, request: () => Promise.reject(new Error("no requests here")) };
    },
  };
}

const file = (name: string): ModelFile => ({
  reference: name,
  digest: `sha256:${name}`,
  path: "",
  cleared: true,
  sizeBytes: 1,
});

let directory: string;
let puppet: PuppetEngine;
let pool: ModelPool;
let waits: number[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pq-"));
  puppet = new PuppetEngine();
  waits = [];
  pool = open({});
});

afterEach(async () => {
  await pool.close();
  await rm(directory, { recursive: true, force: true });
});

function open(options: { idleMs?: number; maxModels?: number }): ModelPool {
  return new ModelPool({
    engine: async () => puppet.engine,
    runDirectory: directory,
    clock: manualClock(),
    log: silentLog,
    idleMs: 0,
    maxModels: 2,
    sleep: async (milliseconds) => waits.push(milliseconds),
    ...options,
  });
}

describe("the pool of models", () => {
  it("starts a model once, however many ask at the same time", async () => {
    const leases = await Promise.all(Array.from({ length: 5 }, () => pool.lease(file("a"))));
    expect(puppet.started).toHaveLength(1);
    expect(pool.status()).toMatchObject([{ model: "a", inUse: 5 }]);
    leases.forEach((lease) => lease.release());
    expect(pool.status()).toMatchObject([{ inUse: 0 }]);
  });

  it("keeps sockets where only we can reach them", async () => {
    await pool.lease(file("a"));
    const { mode } = await stat(dirname(puppet.started[0]!.socketPath));
    expect(mode & 0o777).toBe(0o700);
  });

  it("finds a short place for sockets when the data directory is deep", async () => {
    await pool.close();
    directory = join(directory, "d".repeat(90));
    pool = open({});
    await pool.lease(file("a"));
    expect(Buffer.byteLength(puppet.started[0]!.socketPath)).toBeLessThan(104);
  });

  it("starts a model again after it crashed, later each time", async () => {
    for (let crash = 0; crash < 3; crash += 1) {
      await pool.lease(file("a"));
      puppet.started[crash]!.crash();
      await expect.poll(() => pool.status()).toEqual([]);
    }
    await pool.lease(file("a"));
    expect(waits).toEqual([250, 500, 1000]);
  });

  it("passes on why a model does not start, each time", async () => {
    puppet.failure = new Error("broken");
    await expect(pool.lease(file("a"))).rejects.toThrow("broken");
    await expect(pool.lease(file("a"))).rejects.toThrow("broken");
    puppet.failure = undefined;
    await pool.lease(file("a"));
    expect(pool.status()).toHaveLength(1);
  });

  it("makes room by stopping what has been unused for longest, never what is in use", async () => {
    const [a, b] = [await pool.lease(file("a")), await pool.lease(file("b"))];
    b.release();
    await pool.lease(file("c"));
    expect(puppet.started.map(({ stopped }) => stopped)).toEqual([false, true, false]);
    await pool.lease(file("d"));
    expect(puppet.started.map(({ stopped }) => stopped)).toEqual([false, true, false, false]);
    a.release();
  });

  it("stops a model that nobody uses for a while", async () => {
    await pool.close();
    pool = open({ idleMs: 20 });
    const lease = await pool.lease(file("a"));
    lease.release();
    await expect.poll(() => puppet.started[0]!.stopped).toBe(true);
    expect(pool.status()).toEqual([]);
  });

  it("stops everything when it is closed, and starts nothing more", async () => {
    await pool.lease(file("a"));
    await pool.close();
    expect(puppet.started[0]!.stopped).toBe(true);
    await expect(pool.lease(file("b"))).rejects.toThrow("closed");
  });
});
