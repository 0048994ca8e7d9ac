import { digestOf, silentLog, systemClock, type Digest } from "@pratique/core";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { MEDIA_TYPES } from "../media-types.ts";
import type { ContentStore } from "../repository.ts";
import type { RepositoryChange, StoreObserver } from "../store-observer.ts";
import { openContentStore } from "./content-store.ts";

let directory: string;
let store: ContentStore;
let changes: (RepositoryChange & { isDurable?: boolean })[];
let bytes: Map<Digest, number>;
let refusal: Error | undefined;
let limit: number;
const observer: StoreObserver = {
  async admit(change) {
    if (refusal !== undefined) throw refusal;
    const seen = { ...change, isDurable: false };
    changes.push(seen);
    return (isDurable) => void (seen.isDurable = isDurable);
  },
  ready: async () => undefined,
  receiving(_repository, _upload, sizeBytes) {
    if (sizeBytes > limit) throw new Error("too much");
  },
  ended: () => undefined,
  stored: (_repository, digest, size) => void bytes.set(digest, size),
  released: (_repository, digest) => void bytes.delete(digest),
};

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-observer-"));
  store = await openContentStore(directory, { clock: systemClock, log: silentLog, observer });
  [changes, bytes, refusal, limit] = [[], new Map(), undefined, Infinity];
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

async function push(tag: string | undefined, annotation: string): Promise<Digest> {
  const repository = store.repository("a/b");
  const config = await repository.putBlob(Buffer.from("{}"));
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: { mediaType: MEDIA_TYPES.imageConfig, ...config },
    layers: [],
    annotations: { a: annotation },
  };
  return (await repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest, tag)).digest;
}

it("tells of tags that are made, moved and deleted, and of nothing that stays", async () => {
  const one = await push("t", "1");
  await push("t", "1");
  const two = await push("t", "2");
  await store.repository("a/b").deleteTag("t");
  await push("t", "2");
  await store.repository("a/b").deleteManifest(two);
  expect(changes.map(({ tags }) => tags)).toEqual([
    [{ tag: "t", to: one }],
    [{ tag: "t", from: one, to: two }],
    [{ tag: "t", from: two }],
    [{ tag: "t", to: two }],
    [{ tag: "t", from: two }],
  ]);
  expect(changes.map(({ added, removed }) => [added, removed])).toEqual([
    [[one], []],
    [[two], []],
    [[], []],
    [[], []],
    [[], [two]],
  ]);
  expect(changes.every(({ isDurable }) => isDurable)).toBe(true);
  expect(changes.at(-1)).toMatchObject({ tagCount: 0, manifestCount: 1 });
});

it("refuses a change that the observer refuses, and leaves what was there", async () => {
  const one = await push("t", "1");
  refusal = new Error("no");
  await expect(push("t", "2")).rejects.toThrow("no");
  await expect(store.repository("a/b").deleteTag("t")).rejects.toThrow("no");
  expect((await store.repository("a/b").resolve("t"))?.digest).toBe(one);
});

it("tells of every blob, and what it tells is what lies there", async () => {
  const digest = await push("t", "1");
  const repository = store.repository("a/b");
  await repository.putBlob(Buffer.from("loose"));
  await store.repository("c").mountBlob(digestOf("loose"), "a/b");
  expect(await store.repository("c").blobs()).toEqual([{ digest: digestOf("loose"), size: 5 }]);
  await repository.deleteManifest(digest);
  await repository.deleteBlob(digestOf("loose"));
  const there = await repository.blobs();
  expect(new Map(there.map(({ digest: one, size }) => [one, size]))).toEqual(bytes);
});

it("takes no more bytes of an upload than the observer lets in", async () => {
  limit = 10;
  const upload = await store.repository("a/b").startUpload();
  async function* source(): AsyncGenerator<Uint8Array> {
    for (let chunk = 0; chunk < 4; chunk += 1) yield Buffer.alloc(4);
  }
  await expect(upload.append(source())).rejects.toThrow("too much");
  expect(upload.offset).toBe(8);
});
