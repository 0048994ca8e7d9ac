// Pushes, mounts, deletes, uploads and collections in every order: nobody who was told that a blob is there loses it.
import { digestOf, manualClock, silentLog, type ManualClock } from "@pratique/core";
import * as fc from "fast-check";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { MEDIA_TYPES } from "../media-types.ts";
import type { ContentStore, LocalRepository } from "../repository.ts";
import { openContentStore } from "./content-store.ts";

const HOUR = 3_600_000;
const NAMES = ["a", "a/b"] as const;
const LAYERS = ["one", "two", "three"] as const;
const WAYS = ["head", "put", "upload", "mount"] as const;

const name = fc.constantFrom(...NAMES);
const layer = fc.constantFrom(...LAYERS);
type Act =
  | { readonly type: "push"; readonly name: string; readonly layer: string; readonly way: (typeof WAYS)[number] }
  | { readonly type: "sparse-index" | "delete" | "orphan"; readonly name: string; readonly layer: string }
  | { readonly type: "abandon"; readonly name: string }
  | { readonly type: "collect"; readonly dryRun: boolean }
  | { readonly type: "wait" };
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("push"), name, layer, way: fc.constantFrom(...WAYS) }) },
  fc.record({ type: fc.constantFrom("sparse-index", "delete", "orphan"), name, layer }),
  fc.record({ type: fc.constant("abandon"), name }),
  { weight: 3, arbitrary: fc.record({ type: fc.constant("collect"), dryRun: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("wait") }) },
);

const descriptorOf = (text: string, mediaType: string): object => ({
  mediaType,
  digest: digestOf(text),
  size: Buffer.byteLength(text),
});
const imageOf = (layer: string): string =>
  JSON.stringify({
    schemaVersion: 2,
    config: descriptorOf("{}", MEDIA_TYPES.empty),
    layers: [descriptorOf(layer, "text/plain")],
  });
const indexOf = (layer: string): string =>
  JSON.stringify({ schemaVersion: 2, manifests: [descriptorOf(imageOf(layer), MEDIA_TYPES.imageManifest)] });

/** A store on which many act at once. What is between two steps of one is decided by the scheduler. */
class Bustle {
  readonly #store: ContentStore;
  readonly #clock: ManualClock;
  readonly #step: () => Promise<unknown>;
  /** While somebody pushes, no grace period runs out. */
  #pushing = 0;
  /** How many collections removed something while somebody pushed. */
  collectedWhilePushing = 0;
  readonly problems: unknown[] = [];

  constructor(store: ContentStore, clock: ManualClock, step: () => Promise<unknown>) {
    this.#store = store;
    this.#clock = clock;
    this.#step = step;
  }

  async run(act: Act): Promise<void> {
    await this.#step();
    if (act.type === "wait") {
      if (this.#pushing === 0) this.#clock.advance(2 * HOUR);
    } else if (act.type === "collect") {
      const { removed, isDryRun } = await this.#store.collect({ graceMs: HOUR, dryRun: act.dryRun });
      if (!isDryRun && removed.blobs > 0 && this.#pushing > 0) this.collectedWhilePushing += 1;
    } else {
      const repository = this.#store.repository(act.name);
      if (act.type === "abandon") await (await repository.startUpload()).append(Readable.from([Buffer.from("x")]));
      else if (act.type === "orphan") await repository.putBlob(Buffer.from(act.layer));
      else if (act.type === "delete") await this.#delete(repository, act.layer);
      else await this.#push(repository, act);
    }
  }

  async #delete(repository: LocalRepository, layer: string): Promise<void> {
    for (const one of [indexOf(layer), imageOf(layer)]) {
      await this.#step();
      const problem = await deletionProblem(repository, one);
      if (problem !== undefined && problem !== "manifest.in-use") this.problems.push(problem);
    }
  }

  async #push(repository: LocalRepository, act: Extract<Act, { layer: string }>): Promise<void> {
    this.#pushing += 1;
    try {
      await this.#make(repository, "{}", "head");
      await this.#step();
      await this.#make(repository, act.layer, act.type === "push" ? act.way : "put");
      await this.#step();
      const options = { sparse: true };
      if (act.type === "sparse-index") {
        // The image lies there as a blob only; the index alone holds on to it and to its layers.
        await this.#make(repository, imageOf(act.layer), "upload");
        await this.#step();
        await repository.putManifest(Buffer.from(indexOf(act.layer)), MEDIA_TYPES.imageIndex, "index", options);
      } else await repository.putManifest(Buffer.from(imageOf(act.layer)), MEDIA_TYPES.imageManifest, act.layer);
    } finally {
      this.#pushing -= 1;
    }
  }

  /** Brings a blob there as clients do: who is told that it is there sends nothing. */
  async #make(repository: LocalRepository, text: string, way: (typeof WAYS)[number]): Promise<void> {
    const digest = digestOf(text);
    if (way === "head" && (await repository.blobSize(digest)) !== undefined) return;
    if (way === "mount") {
      const from = NAMES.find((other) => other !== repository.name)!;
      if (await repository.mountBlob(digest, from)) return;
    }
    if (way !== "upload") return void (await repository.putBlob(Buffer.from(text)));
    const upload = await repository.startUpload();
    await this.#step();
    await upload.append(Readable.from([Buffer.from(text)]));
    await this.#step();
    await upload.commit(digest);
  }
}

/** What the manifests of a repository need, themselves included. */
async function neededBy(repository: LocalRepository): Promise<Set<string>> {
  const needed = new Set<string>();
  for (const { descriptor } of await repository.manifests()) {
    for (const layer of LAYERS) {
      const isIndex = descriptor.digest === digestOf(indexOf(layer));
      if (!isIndex && descriptor.digest !== digestOf(imageOf(layer))) continue;
      for (const text of ["{}", layer, imageOf(layer), ...(isIndex ? [indexOf(layer)] : [])])
        needed.add(digestOf(text));
    }
  }
  return needed;
}

/** Decides who takes the next step, and how far the others get meanwhile: file operations run at their own pace. */
class Turns {
  readonly #decisions: readonly number[];
  readonly #waiting: (() => void)[] = [];
  #at = 0;

  constructor(decisions: readonly number[]) {
    this.#decisions = decisions;
  }

  readonly step = (): Promise<void> => new Promise((resolve) => void this.#waiting.push(resolve));

  #next(): number {
    return this.#decisions[this.#at++ % this.#decisions.length]!;
  }

  /** Resolves when all have finished. */
  async until(all: Promise<unknown>): Promise<void> {
    const state = { isOver: false };
    const over = all.finally(() => (state.isOver = true));
    over.catch(() => undefined);
    while (!state.isOver) {
      for (let ticks = this.#next() % 24; ticks >= 0 && !state.isOver; ticks -= 1) await setImmediate();
      this.#waiting.splice(this.#next() % Math.max(1, this.#waiting.length), 1)[0]?.();
    }
    await over;
  }
}

/** Code of what went wrong with a manifest that somebody wants away. */
async function deletionProblem(repository: LocalRepository, text: string): Promise<unknown> {
  try {
    await repository.deleteManifest(digestOf(text));
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : error;
  }
}

const sorted = (digests: Iterable<string>): string[] => [...digests].sort();

it("never takes away what a push needs, and in the end everything that nobody does", { timeout: 300_000 }, async () => {
  let tookSomeMeanwhile = 0;
  const decisions = fc.array(fc.nat(1000), { minLength: 40, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(decisions, fc.array(act, { minLength: 4, maxLength: 16 }), async (decided, acts) => {
      const root = await mkdtemp(join(tmpdir(), "pratique-bustle-"));
      const clock = manualClock(new Date());
      const store = await openContentStore(root, { clock, log: silentLog });
      // Everything lies there, and nobody was told of it lately.
      for (const name of NAMES) {
        for (const text of ["{}", ...LAYERS]) await store.repository(name).putBlob(Buffer.from(text));
      }
      clock.advance(2 * HOUR);
      const turns = new Turns(decided);
      const bustle = new Bustle(store, clock, turns.step);
      await turns.until(Promise.all(acts.map((one) => bustle.run(one))));
      tookSomeMeanwhile += bustle.collectedWhilePushing;
      expect(bustle.problems).toEqual([]);
      for (const name of NAMES) {
        const there = new Set<string>((await store.repository(name).blobs()).map(({ digest }) => digest));
        expect([...(await neededBy(store.repository(name)))].filter((digest) => !there.has(digest))).toEqual([]);
      }
      clock.advance(25 * HOUR);
      expect(await store.collect({ graceMs: HOUR })).toMatchObject({ skipped: [] });
      for (const name of NAMES) {
        const there = (await store.repository(name).blobs()).map(({ digest }) => digest);
        expect(sorted(there)).toEqual(sorted(await neededBy(store.repository(name))));
      }
      expect(await readdir(join(root, ".uploads"))).toEqual([]);
      await store.close();
      await rm(root, { recursive: true });
    }),
    { numRuns: 100 },
  );
  // Else the test would show nothing.
  expect(tookSomeMeanwhile).toBeGreaterThan(10);
});
