// What is packed goes in once: files that did not change are not read again, and those that might have are.
import { digestOf, manualClock, silentLog, systemClock } from "@pratique/core";
import { mkdtemp, open, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DigestCache } from "./digest-cache.ts";
import { fileTarget } from "./file-target.ts";
import { MEDIA_TYPES } from "./media-types.ts";
import { openContentStore } from "./local/content-store.ts";
import type { ContentStore, FileSource, Repository } from "./repository.ts";

let directory: string;
let path: string;
let store: ContentStore;
let readBytes: number;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-target-"));
  path = join(directory, "weights");
  store = await openContentStore(join(directory, "store"), { clock: systemClock, log: silentLog });
  readBytes = 0;
  await writeFile(path, "weights");
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

const later = manualClock(new Date(Date.now() + 60_000));

function put(cache: DigestCache, name = "models/tiny") {
  const source: FileSource = { sizeBytes: 7, open: () => open(path, "r") };
  return fileTarget(store.repository(name), cache, (bytes) => (readBytes += bytes)).putFile!(source);
}

it("reads a file once, also after a restart", async () => {
  const cache = new DigestCache(join(directory, "digests"), later);
  expect(await put(cache)).toEqual({ digest: digestOf("weights"), size: 7 });
  await put(cache);
  await cache.save();
  await put(new DigestCache(join(directory, "digests"), later));
  expect(readBytes).toBe(7);
});

it("sends what a repository does not have, though its digest is known", async () => {
  const cache = new DigestCache(join(directory, "digests"), later);
  await put(cache);
  const target = fileTarget(store.repository("models/other"), cache, (bytes) => (readBytes += bytes));
  const weights = await target.putFile!({ sizeBytes: 7, open: () => open(path, "r") });
  expect(readBytes).toBe(7);
  const config = await target.putBlob(Buffer.from("{}"));
  const layer = { mediaType: "application/octet-stream", ...weights };
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageManifest, layers: [layer] };
  const bytes = Buffer.from(JSON.stringify({ ...manifest, config: { mediaType: MEDIA_TYPES.empty, ...config } }));
  await target.putManifest(bytes, MEDIA_TYPES.imageManifest, "1");
  expect(readBytes).toBe(14);
  expect(await store.repository("models/other").blobSize(digestOf("weights"))).toBe(7);
});

it("does not trust a file that was written a moment ago", async () => {
  const cache = new DigestCache(join(directory, "digests"), systemClock);
  await put(cache);
  await put(cache);
  expect(readBytes).toBe(14);
});

it("sees new content behind the old size and the old time of modification", async () => {
  const cache = new DigestCache(join(directory, "digests"), later);
  await put(cache);
  const { atime, mtime } = await stat(path);
  await writeFile(path, "WEIGHTS");
  await utimes(path, atime, mtime);
  expect(await put(cache)).toEqual({ digest: digestOf("WEIGHTS"), size: 7 });
});

it("takes a damaged cache for an empty one", async () => {
  await writeFile(join(directory, "digests"), "1:2:3:4:5 sha256:short\nnonsense\n\u0000");
  expect((await put(new DigestCache(join(directory, "digests"), later))).digest).toBe(digestOf("weights"));
});

it("asks a registry that has it all for the manifest and its tag, and for nothing else", async () => {
  const cache = new DigestCache(join(directory, "digests"), later);
  const asked: string[] = [];
  const there = store.repository("models/there");
  const push = async (): Promise<void> => {
    const remote: Repository = {
      name: there.name,
      resolve: (ref) => (asked.push(`resolve ${ref.slice(0, 7)}`), there.resolve(ref)),
      manifest: (ref) => there.manifest(ref),
      putManifest: (...args) => (asked.push("put manifest"), there.putManifest(...args)),
      blobSize: (digest) => (asked.push("look for a blob"), there.blobSize(digest)),
      openBlob: (...args) => there.openBlob(...args),
      putBlob: (...args) => (asked.push("put blob"), there.putBlob(...args)),
      mountBlob: (...args) => there.mountBlob(...args),
      tags: () => there.tags(),
      deleteTag: (tag) => there.deleteTag(tag),
      deleteManifest: (digest) => there.deleteManifest(digest),
      deleteBlob: (digest) => there.deleteBlob(digest),
      referrers: (digest) => there.referrers(digest),
    };
    const target = fileTarget(remote, cache, undefined, "1");
    const weights = await target.putFile!({ sizeBytes: 7, open: () => open(path, "r") });
    const config = await target.putBlob(Buffer.from("{}"));
    const layer = { mediaType: "application/octet-stream", ...weights };
    const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageManifest, layers: [layer] };
    const bytes = Buffer.from(JSON.stringify({ ...manifest, config: { mediaType: MEDIA_TYPES.empty, ...config } }));
    await target.putManifest(bytes, MEDIA_TYPES.imageManifest);
    await target.putManifest(bytes, MEDIA_TYPES.imageManifest, "1");
  };
  await push();
  expect(asked).toContain("put manifest");
  asked.length = 0;
  await push();
  expect(asked.toSorted()).toEqual(["resolve 1", "resolve sha256:"]);
});
