// What collection removes, and what it leaves alone.
import { digestOf, manualClock, silentLog, type Digest, type ManualClock } from "@pratique/core";
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MEDIA_TYPES } from "../media-types.ts";
import type { ContentStore, LocalRepository } from "../repository.ts";
import { openContentStore } from "./content-store.ts";

const HOUR = 3_600_000;

let root: string;
let clock: ManualClock;
let store: ContentStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pratique-collect-"));
  clock = manualClock(new Date());
  store = await openContentStore(root, { clock, log: silentLog });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const collect = (options: { dryRun?: boolean; graceMs?: number } = {}) => store.collect({ graceMs: HOUR, ...options });

const describeBytes = (bytes: string | Buffer, mediaType: string): object => ({
  mediaType,
  digest: digestOf(bytes),
  size: Buffer.byteLength(bytes),
});

function imageOf(layer: string, subject?: object): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: describeBytes("{}", MEDIA_TYPES.empty),
    layers: [describeBytes(layer, "text/plain")],
    ...(subject === undefined ? {} : { subject }),
  });
}

const indexOf = (...members: object[]): string =>
  JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests: members });

async function pushImage(repository: LocalRepository, layer: string, tag?: string, subject?: object): Promise<Digest> {
  await repository.putBlob(Buffer.from("{}"));
  await repository.putBlob(Buffer.from(layer));
  const bytes = Buffer.from(imageOf(layer, subject));
  return (await repository.putManifest(bytes, MEDIA_TYPES.imageManifest, tag)).digest;
}

/** Contents of a repository, as on disk. */
async function here(name: string, algorithm = "sha256"): Promise<string[]> {
  return (await readdir(join(root, name, "blobs", algorithm))).map((hex) => `${algorithm}:${hex}`).sort();
}

describe("an unreferenced blob", () => {
  it("goes once its grace period is over, and its room with its last name", async () => {
    for (const name of ["a", "b"]) await store.repository(name).putBlob(Buffer.from("orphan"));
    clock.advance(HOUR);
    await store.repository("b").blobSize(digestOf("orphan"));
    expect(await collect()).toMatchObject({
      repositories: 2,
      blobs: 2,
      removed: { blobs: 1 },
      freedBytes: 0,
      kept: { leased: 1 },
      collected: [{ repository: "a", blobs: 1, bytes: 6 }],
    });
    clock.advance(HOUR);
    expect(await collect()).toMatchObject({ removed: { blobs: 1 }, freedBytes: 6 });
    expect(await readdir(join(root, ".pool", "sha256"))).toEqual([]);
  });

  it("stays where collection is only tried, which says the same", async () => {
    await store.repository("a").putBlob(Buffer.from("orphan"));
    clock.advance(HOUR);
    const tried = await collect({ dryRun: true });
    expect(await here("a")).toEqual([digestOf("orphan")]);
    expect({ ...(await collect()), isDryRun: true }).toEqual(tried);
  });

  it.each([
    ["was found by HEAD", (repository: LocalRepository) => repository.blobSize(digestOf("orphan"))],
    ["was put again", (repository: LocalRepository) => repository.putBlob(Buffer.from("orphan"))],
    ["was mounted", (repository: LocalRepository) => repository.mountBlob(digestOf("orphan"), "other")],
    [
      "was uploaded again",
      async (repository: LocalRepository) => {
        const upload = await repository.startUpload();
        await upload.append(Readable.from([Buffer.from("orphan")]));
        await upload.commit(digestOf("orphan"));
      },
    ],
  ])("stays when it %s", async (_, touch) => {
    for (const name of ["a", "other"]) await store.repository(name).putBlob(Buffer.from("orphan"));
    clock.advance(10 * HOUR);
    await touch(store.repository("a"));
    await collect();
    expect(await here("a")).toEqual([digestOf("orphan")]);
  });

  it("stays for a grace period after a restart, whose memory of promises is empty", async () => {
    await store.repository("a").putBlob(Buffer.from("orphan"));
    clock.advance(10 * HOUR);
    store = await openContentStore(root, { clock, log: silentLog });
    expect(await collect()).toMatchObject({ removed: { blobs: 0 }, kept: { leased: 1 } });
  });
});

describe("after a restart", () => {
  const restart = async (): Promise<void> => {
    store = await openContentStore(root, { clock, log: silentLog });
  };

  it("goes on with the leases of a store that was closed, once", async () => {
    const repository = store.repository("a");
    for (const content of ["old", "new"]) await repository.putBlob(Buffer.from(content));
    clock.advance(HOUR - 1);
    await repository.blobSize(digestOf("new"));
    await store.close();
    clock.advance(1);
    await restart();
    expect(await collect()).toMatchObject({ removed: { blobs: 1 }, kept: { leased: 1 } });
    clock.advance(HOUR);
    // Not closed: what was promised meanwhile is not known.
    await restart();
    expect(await collect()).toMatchObject({ removed: { blobs: 0 }, kept: { leased: 1 } });
  });

  it.each(["", "{", '{"floor":-1,"told":[]}', '{"floor":0,"told":[["a",{}]]}'])(
    "believes no damaged list of leases: %s",
    async (text) => {
      await store.repository("a").putBlob(Buffer.from("orphan"));
      await store.close();
      clock.advance(10 * HOUR);
      await writeFile(join(root, ".leases.json"), text);
      await restart();
      expect(await collect()).toMatchObject({ removed: { blobs: 0 } });
      expect(await readdir(root)).not.toContain(".leases.json");
    },
  );
});

describe("what manifests need stays", () => {
  it("also of untagged ones, and of those a tag has left", async () => {
    const repository = store.repository("a");
    await pushImage(repository, "one", "v1");
    await pushImage(repository, "two", "v1");
    await pushImage(repository, "three");
    const before = await here("a");
    clock.advance(10 * HOUR);
    expect(await collect()).toMatchObject({ removed: { blobs: 0 }, kept: { referenced: before.length } });
    expect(await here("a")).toEqual(before);
  });

  it("and goes when its manifest was deleted", async () => {
    const repository = store.repository("a");
    const digest = await pushImage(repository, "one", "v1");
    await pushImage(repository, "two", "v2");
    await repository.deleteManifest(digest);
    clock.advance(HOUR);
    expect(await collect()).toMatchObject({ collected: [{ repository: "a", blobs: 1, bytes: 3 }] });
    expect(await here("a")).toEqual([digestOf("{}"), digestOf("two"), digestOf(imageOf("two"))].sort());
  });

  it("also of an index that is sparse, and of its members that lie there as blobs only", async () => {
    const repository = store.repository("a");
    const inner = indexOf(describeBytes(imageOf("deep"), MEDIA_TYPES.imageManifest));
    for (const content of ["{}", "deep", imageOf("deep"), inner, "orphan"])
      await repository.putBlob(Buffer.from(content));
    const absent = describeBytes("never pushed", MEDIA_TYPES.imageManifest);
    const outer = indexOf(describeBytes(inner, MEDIA_TYPES.imageIndex), absent);
    await repository.putManifest(Buffer.from(outer), MEDIA_TYPES.imageIndex, "v1", { sparse: true });
    clock.advance(HOUR);
    await collect();
    expect(await here("a")).toEqual(["{}", "deep", imageOf("deep"), inner, outer].map((one) => digestOf(one)).sort());
  });

  it("also of referrers, whether or not their subject is here", async () => {
    const repository = store.repository("a");
    await pushImage(repository, "sbom", undefined, describeBytes("never pushed", MEDIA_TYPES.imageManifest));
    // The subject lies here as a blob only.
    for (const content of ["subject's layer", imageOf("subject's layer")])
      await repository.putBlob(Buffer.from(content));
    const subject = describeBytes(imageOf("subject's layer"), MEDIA_TYPES.imageManifest);
    await pushImage(repository, "signature", undefined, subject);
    const before = await here("a");
    clock.advance(HOUR);
    expect(await collect()).toMatchObject({ removed: { blobs: 0 } });
    expect(await here("a")).toEqual(before);
  });

  it("also under sha512", async () => {
    const repository = store.repository("a");
    const layer = digestOf("layer", "sha512");
    await repository.putBlob(Buffer.from("{}"));
    await repository.putBlob(Buffer.from("layer"), { digest: layer });
    await repository.putBlob(Buffer.from("orphan"), { digest: digestOf("orphan", "sha512") });
    const manifest = imageOf("layer").replace(digestOf("layer"), layer);
    const digest = digestOf(manifest, "sha512");
    await repository.putManifest(Buffer.from(manifest), MEDIA_TYPES.imageManifest, "v1", { digest });
    clock.advance(HOUR);
    await collect();
    expect(await here("a", "sha512")).toEqual([layer, digest].sort());
  });

  it("also of a manifest that is damaged: then nothing goes until it was pushed again, with its tag", async () => {
    const digest = await pushImage(store.repository("a"), "one", "v1");
    await store.repository("a").putBlob(Buffer.from("orphan"));
    const file = join(root, "a", "blobs", "sha256", digest.slice(7));
    await writeFile(file, "damaged");
    store = await openContentStore(root, { clock, log: silentLog });
    const repository = store.repository("a");
    // A push in between does not make the loss forgotten.
    await pushImage(repository, "two", "v2");
    store = await openContentStore(root, { clock, log: silentLog });
    clock.advance(HOUR);
    expect(await collect()).toMatchObject({
      removed: { blobs: 0 },
      skipped: [{ repository: "a", reason: expect.stringContaining(digest) as string }],
    });
    expect(await here("a")).toContain(digestOf("one"));
    await rm(file);
    await store.repository("a").putManifest(Buffer.from(imageOf("one")), MEDIA_TYPES.imageManifest);
    expect((await store.repository("a").resolve("v1"))?.digest).toBe(digest);
    expect(await collect()).toMatchObject({ skipped: [], collected: [{ repository: "a", blobs: 1 }] });
  });

  it("but something that only calls itself a manifest needs nothing", async () => {
    const repository = store.repository("a");
    await repository.putBlob(Buffer.from("not JSON"));
    const index = indexOf(describeBytes("not JSON", MEDIA_TYPES.imageManifest));
    await repository.putManifest(Buffer.from(index), MEDIA_TYPES.imageIndex, "v1", { sparse: true });
    await repository.putBlob(Buffer.from("orphan"));
    clock.advance(HOUR);
    expect(await collect()).toMatchObject({ skipped: [], collected: [{ repository: "a", blobs: 1 }] });
  });
});

it("lets a manifest be deleted that is lost", async () => {
  const digest = await pushImage(store.repository("a"), "one", "v1");
  await rm(join(root, "a", "blobs", "sha256", digest.slice(7)));
  store = await openContentStore(root, { clock, log: silentLog });
  expect(await store.repository("a").deleteManifest(digest)).toBe(true);
  expect(await store.repository("a").deleteManifest(digest)).toBe(false);
  store = await openContentStore(root, { clock, log: silentLog });
  clock.advance(HOUR);
  expect(await collect()).toMatchObject({ skipped: [], removed: { blobs: 2 } });
});

it("removes uploads that nobody touched for a day, partial files, and nothing else that lies there", async () => {
  const repository = store.repository("a");
  await pushImage(repository, "one", "v1");
  const abandoned = await repository.startUpload();
  await writeFile(join(root, "a", ".index.json.0123456789ab.partial"), "x");
  await writeFile(join(root, "a", "oci-put-blob123"), "of another tool");
  await mkdir(join(root, "a", "blobs", "sha256", "not-a-digest"));
  clock.advance(25 * HOUR);
  const going = await repository.startUpload();
  expect(await collect()).toMatchObject({ removed: { blobs: 0, partialFiles: 1 } });
  expect(await repository.resumeUpload(abandoned.id)).toBeUndefined();
  expect((await repository.resumeUpload(going.id))?.offset).toBe(0);
  expect(await readdir(join(root, "a"))).toEqual(["blobs", "index.json", "oci-layout", "oci-put-blob123"]);
});

it("leaves one repository that cannot be read alone, and collects the others", async () => {
  for (const name of ["a", "b"]) await pushImage(store.repository(name), "one", "v1");
  await store.repository("b").putBlob(Buffer.from("orphan"));
  await writeFile(join(root, "a", "index.json"), "{");
  store = await openContentStore(root, { clock, log: silentLog });
  clock.advance(HOUR);
  expect(await collect()).toMatchObject({
    collected: [{ repository: "b", blobs: 1 }],
    skipped: [{ repository: "a" }],
  });
});

it("stops when told to, with each blob whole or gone", async () => {
  for (let count = 0; count < 50; count += 1) await store.repository("a").putBlob(Buffer.from(`orphan ${count}`));
  clock.advance(HOUR);
  const stop = new AbortController();
  const collection = store.collect({ graceMs: HOUR, signal: stop.signal });
  stop.abort();
  await expect(collection).rejects.toThrow("aborted");
  await store.close();
});

it("does not depend on the times of files, which links share", async () => {
  await store.repository("a").putBlob(Buffer.from("orphan"));
  const file = join(root, "a", "blobs", "sha256", digestOf("orphan").slice(7));
  await utimes(file, 0, 0);
  expect((await stat(file)).mtimeMs).toBe(0);
  expect(await collect()).toMatchObject({ removed: { blobs: 0 } });
});
