// What only a bucket has to do: many daemons on one, storage that fails, and addresses for clients.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, manualClock, silentLog, systemClock, type Clock, type Digest } from "@pratique/core";
import { MEDIA_TYPES, openBucketStore, type ContentStore, type LocalRepository, type S3Place } from "@pratique/oci";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import type { S3Bucket } from "../../packages/oci/src/s3/s3-bucket.ts";
import { startFaultyProxy, type FaultyProxy } from "../fakes/faulty-proxy.ts";
import { startS3Server, type S3Server } from "./peers/s3-server.ts";

const MIB = 1024 * 1024;
const started = await startS3Server();
const server = (): S3Server => {
  if (typeof started === "string") throw new Error(started);
  return started;
};
afterAll(async () => {
  if (typeof started !== "string") await started.stop();
});

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "ok",
    (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
  );

async function readAll(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* pieces(bytes: Uint8Array, size = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function push(repository: LocalRepository, tag: string, layer = `layer of ${tag}`): Promise<Digest> {
  const config = { mediaType: MEDIA_TYPES.imageConfig, ...(await repository.putBlob(Buffer.from("{}"))) };
  const layers = [{ mediaType: MEDIA_TYPES.layerTar, ...(await repository.putBlob(Buffer.from(layer))) }];
  const manifest = { schemaVersion: 2, config, layers, annotations: { tag } };
  const bytes = Buffer.from(JSON.stringify(manifest));
  return (await repository.putManifest(bytes, MEDIA_TYPES.imageManifest, tag)).digest;
}

describe.skipIf(typeof started === "string" && !process.env["CI"])("a bucket", () => {
  let directory: string;
  let place: S3Place;
  let bucket: S3Bucket;
  let proxy: FaultyProxy | undefined;
  const opened: ContentStore[] = [];
  const open = async (
    endpoint = place.endpoint,
    clock: Clock = systemClock,
    prefix?: string,
  ): Promise<ContentStore> => {
    const store = await openBucketStore({
      place: { ...place, endpoint },
      credentials: async () => server().credentials,
      prefix,
      redirect: true,
      cache: { directory: join(directory, `cache-${opened.length}`), limitBytes: 10 * MIB },
      clock,
      log: silentLog,
      retry: {
        attempts: 5,
        firstDelayMs: 1,
        longestDelayMs: 5,
        random: () => 0.5,
        sleep: () => new Promise((resolve) => setImmediate(resolve)),
      },
    });
    opened.push(store);
    return store;
  };
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "pratique-bucket-"));
    place = await server().makeBucket();
    bucket = server().open(place);
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await proxy?.stop();
    proxy = undefined;
    await rm(directory, { recursive: true, force: true });
  });

  it("shows one daemon at once what another wrote", async () => {
    const [one, two] = [await open(), await open()];
    expect(await two.repository("a").tags()).toEqual([]);
    const digest = await push(one.repository("a"), "v1");
    expect((await two.repository("a").resolve("v1"))?.digest).toBe(digest);
    await two.repository("a").deleteTag("v1");
    expect(await one.repository("a").resolve("v1")).toBeUndefined();
  });

  it("loses no change of two daemons that write the same repository", async () => {
    const stores = [await open(), await open()];
    const tags = Array.from({ length: 16 }, (_, index) => `t${String(index).padStart(2, "0")}`);
    await Promise.all(tags.map((tag, index) => push(stores[index % 2]!.repository("a"), tag)));
    for (const store of [...stores, await open()]) expect(await store.repository("a").tags()).toEqual(tags);
  });

  it("never leaves a manifest without a blob that another daemon was deleting", async () => {
    const [one, two] = [await open(), await open()];
    for (let round = 0; round < 8; round += 1) {
      const name = `race-${round}`;
      const { digest } = await one.repository(name).putBlob(Buffer.from(`contested ${round}`));
      const [pushed] = await Promise.all([
        code(push(one.repository(name), "v1", `contested ${round}`)),
        code(two.repository(name).deleteBlob(digest)),
      ]);
      const isTagged = (await one.repository(name).resolve("v1")) !== undefined;
      expect(isTagged).toBe(pushed === "ok");
      const sizeBytes = isTagged ? await two.repository(name).blobSize(digest) : 0;
      expect(sizeBytes).toBeDefined();
    }
  });

  it("goes on with an upload that another daemon began", async () => {
    const [one, two] = [await open(), await open()];
    const bytes = randomBytes(20 * MIB);
    const upload = await one.repository("a").startUpload();
    await upload.append(pieces(bytes.subarray(0, 9 * MIB)));
    const other = await two.repository("a").resumeUpload(upload.id);
    await other!.append(pieces(bytes.subarray(9 * MIB, 10 * MIB)), 9 * MIB);
    const back = await one.repository("a").resumeUpload(upload.id);
    expect(back?.offset).toBe(10 * MIB);
    await back!.append(pieces(bytes.subarray(10 * MIB)));
    const { digest } = await back!.commit(digestOf(bytes));
    expect((await readAll(await two.repository("a").openBlob(digest))).equals(bytes)).toBe(true);
  });

  it("keeps the content of a blob once, in an image layout a repository", async () => {
    const store = await open(place.endpoint, systemClock, "deep/er");
    await push(store.repository("a/b"), "v1");
    await push(store.repository("index.json"), "v1");
    const keys: string[] = [];
    for await (const { key } of bucket.list("")) keys.push(key);
    expect(keys.filter((key) => key.startsWith("deep/er/.pool/")).length).toBe(3);
    expect(keys).toContain("deep/er/a/b/index.json");
    expect(keys).toContain("deep/er/_index.json/oci-layout");
    expect(keys.every((key) => key.startsWith("deep/er/"))).toBe(true);
    expect(keys.some((key) => key.includes(".uploads"))).toBe(false);
    expect(await store.repositories()).toEqual(["a/b", "index.json"]);
  });

  it("gives out addresses for large blobs alone, good for that blob", async () => {
    const repository = (await open()).repository("a");
    const bytes = randomBytes(100_000);
    const { digest, size } = await repository.putBlob(bytes);
    expect(await repository.blobAddress(digest, 1000)).toBeUndefined();
    const address = await repository.blobAddress(digest, size);
    const whole = await fetch(address!);
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
    const part = await fetch(address!, { headers: { range: "bytes=10-19" } });
    expect([part.status, Buffer.from(await part.arrayBuffer())]).toEqual([206, bytes.subarray(10, 20)]);
    expect(address!.searchParams.get("X-Amz-Expires")).toBe("120");
    expect(address!.href).not.toContain(server().credentials.secretAccessKey);
  });

  // A server that checks signatures refuses requests of tomorrow.
  it.skipIf(process.env["PRATIQUE_TEST_S3"])(
    "removes uploads that nobody touched for a day, and their parts",
    async () => {
      const store = await open();
      const upload = await store.repository("a").startUpload();
      await upload.append(pieces(randomBytes(9 * MIB)));
      const later = manualClock(new Date(Date.now() + 23 * 60 * 60 * 1000));
      await open(place.endpoint, later);
      expect((await store.repository("a").resumeUpload(upload.id))?.offset).toBe(9 * MIB);
      later.advance(2 * 60 * 60 * 1000);
      await open(place.endpoint, later);
      expect(await store.repository("a").resumeUpload(upload.id)).toBeUndefined();
      expect(await bucket.hasAny(".uploads/")).toBe(false);
      expect(await bucket.pendingUploads("")).toEqual([]);
    },
  );

  it("collects what no manifest needs, and then its content", async () => {
    const store = await open();
    const repository = store.repository("a");
    const digest = await push(repository, "v1");
    const loose = await repository.putBlob(Buffer.from("loose"));
    const shared = await repository.putBlob(Buffer.from("shared"));
    await store.repository("b").mountBlob(shared.digest, "a");
    await push(store.repository("b"), "v1", "shared");
    const day = 24 * 60 * 60 * 1000;
    expect(await store.collect!({ graceMs: day })).toMatchObject({ removed: { blobs: 0 }, kept: { leased: 2 } });
    expect(await store.collect!({ graceMs: 0, dryRun: true })).toMatchObject({ removed: { blobs: 2 }, freedBytes: 5 });
    expect(await repository.blobSize(loose.digest)).toBe(5);
    const report = await store.collect!({ graceMs: 0 });
    expect(report).toMatchObject({ removed: { blobs: 2 }, freedBytes: 5, collected: [{ repository: "a", blobs: 2 }] });
    expect(await repository.blobSize(loose.digest)).toBeUndefined();
    expect(await bucket.head(`.pool/sha256/${loose.digest.slice(7)}`)).toBeUndefined();
    expect(await readAll(await store.repository("b").openBlob(shared.digest))).toEqual(Buffer.from("shared"));
    expect((await repository.manifest("v1"))?.descriptor.digest).toBe(digest);
    expect(await store.collect!({ graceMs: 0 })).toMatchObject({ removed: { blobs: 0 }, freedBytes: 0 });
    expect(await bucket.hasAny(".leaving/")).toBe(false);
  });

  it("never collects what a push of another daemon needs, even with no grace at all", async () => {
    const [one, two] = [await open(), await open()];
    const over = new AbortController();
    const collecting = (async () => {
      while (!over.signal.aborted) await two.collect!({ graceMs: 0 });
    })();
    const contents = ["one", "two", "three"];
    for (let round = 0; round < 12; round += 1) {
      const name = `r${round % 3}`;
      const layer = contents[round % contents.length]!;
      // A push may be told that a blob is gone again; then it is pushed again, as clients do.
      let pushed: unknown;
      do pushed = await code(push(one.repository(name), `t${round}`, layer));
      while (pushed === "manifest.blob-missing");
      expect(pushed).toBe("ok");
      if (round % 2 === 1) {
        const { digest } = (await one.repository(name).resolve(`t${round}`))!;
        await one.repository(name).deleteManifest(digest);
      }
    }
    over.abort();
    await collecting;
    // A mark may be away for the moment between the two looks of a collection; in the end nothing is missing.
    expect(await one.scrub!({})).toMatchObject({ found: 0 });
    expect(await one.repository("r0").tags()).toEqual(["t0", "t6"]);
  });

  it("lets one daemon collect at a time", async () => {
    const [one, two] = [await open(), await open()];
    await push(one.repository("a"), "v1");
    const codes = await Promise.all([one, two].map((store) => code(store.collect!({ graceMs: 1 }))));
    expect(codes).toContain("ok");
    expect(new Set(["ok", "oci.collect-busy"])).toEqual(new Set([...codes, "ok", "oci.collect-busy"]));
    expect(await code(two.collect!({ graceMs: 1 }))).toBe("ok");
  });

  it("puts back what an interrupted collection had set aside, when somebody has it", async () => {
    const store = await open();
    await push(store.repository("a"), "v1", "precious");
    const hex = digestOf("precious").slice(7);
    await bucket.copy(`.pool/sha256/${hex}`, `.leaving/sha256/${hex}`, 8);
    await bucket.delete(`.pool/sha256/${hex}`);
    await store.collect!({ graceMs: 1000 });
    expect(await readAll(await store.repository("a").openBlob(digestOf("precious")))).toEqual(Buffer.from("precious"));
  });

  it("finds content that is not its digest's, or gone, and takes the right one again", async () => {
    const store = await open();
    const repository = store.repository("a");
    const digest = await push(repository, "v1", "the layer");
    await push(repository, "v2", "another");
    await push(repository, "v3");
    await bucket.put(`.pool/sha256/${digestOf("the layer").slice(7)}`, [Buffer.from("the liar!")]);
    await bucket.delete(`.pool/sha256/${digestOf("another").slice(7)}`);
    const found = await store.scrub!({ quarantine: true });
    const types = found.findings.map(({ type, digest: of, isQuarantined }) => [type, of, isQuarantined]);
    expect(types).toContainEqual(["wrong-digest", digestOf("the layer"), true]);
    expect(types).toContainEqual(["blob-missing", digestOf("another"), false]);
    expect(await repository.blobSize(digestOf("the layer"))).toBeUndefined();
    await repository.putBlob(Buffer.from("the layer"));
    expect((await repository.manifest("v1"))?.descriptor.digest).toBe(digest);
    expect((await store.scrub!({})).findings.map(({ type }) => type)).toEqual(["blob-missing"]);
  });

  it("keeps a manifest listed whose content is lost, until it is pushed again", async () => {
    const digest = await push((await open()).repository("a"), "v1");
    const key = `.pool/sha256/${digest.slice(7)}`;
    const kept = await bucket.read(key, MIB);
    await bucket.delete(key);
    const store = await open();
    expect(await store.repository("a").tags()).toEqual([]);
    await push(store.repository("a"), "v2");
    expect((await store.collect!({ graceMs: 0 })).skipped).toHaveLength(1);
    await bucket.put(key, [(kept as { bytes: Buffer }).bytes]);
    expect(await store.repository("a").tags()).toEqual(["v1", "v2"]);
  });

  it("refuses a file whose content is not its digest's", async () => {
    const repository = (await open()).repository("a");
    const { digest } = await repository.putBlob(Buffer.from("GOOD"));
    await bucket.put(`.pool/sha256/${digest.slice(7)}`, [Buffer.from("EVIL")]);
    expect(await code(repository.localFile(digest))).toBe("digest.mismatch");
  });

  it("says what is wrong with the bucket or the keys", async () => {
    const missing = { ...place, bucket: "pratique-no-such-bucket" };
    const options = {
      redirect: true,
      cache: { directory: join(directory, "cache"), limitBytes: 1 },
      clock: systemClock,
      log: silentLog,
    };
    const credentials = async () => server().credentials;
    expect(await code(openBucketStore({ ...options, place: missing, credentials }))).toBe("oci.storage-missing");
    const nobody = { ...place, endpoint: new URL("http://127.0.0.1:9") };
    expect(await code(openBucketStore({ ...options, place: nobody, credentials }))).toBe("oci.storage-unreachable");
  });

  describe("behind a line that fails", () => {
    let store: ContentStore;
    beforeEach(async () => {
      proxy = await startFaultyProxy(place.endpoint);
      store = await open(proxy.endpoint);
    });

    it("asks again when the storage is busy", async () => {
      let count = 0;
      proxy!.fault = () => (count++ % 2 === 0 ? "refuse" : "pass");
      const digest = await push(store.repository("a"), "v1");
      expect((await store.repository("a").resolve("v1"))?.digest).toBe(digest);
    });

    it("reads on where an answer was cut off", async () => {
      const bytes = randomBytes(3 * MIB);
      const { digest } = await store.repository("a").putBlob(bytes);
      proxy!.fault = (method, path) => (method === "GET" && path.includes("/.pool/") ? "cut" : "pass");
      const source = await store.repository("a").openBlob(digest);
      let faults = 0;
      proxy!.fault = (method, path) => {
        if (method !== "GET" || !path.includes("/.pool/")) return "pass";
        return (faults += 1) <= 3 ? "cut" : "pass";
      };
      expect((await readAll(source)).equals(bytes)).toBe(true);
    });

    it("takes its own change for done when only the answer was lost", async () => {
      let lost = 0;
      proxy!.fault = (method, path) =>
        method === "PUT" && path.endsWith("index.json") && lost++ === 0 ? "lose" : "pass";
      const digest = await push(store.repository("a"), "v1");
      expect(lost).toBeGreaterThan(1);
      expect((await store.repository("a").resolve("v1"))?.digest).toBe(digest);
    });

    it("stands where the unbroken row of parts ends, after a part was lost for good", async () => {
      const bytes = randomBytes(26 * MIB);
      const upload = await store.repository("a").startUpload();
      proxy!.fault = (method, path) => (method === "PUT" && path.includes("partNumber=2") ? "refuse" : "pass");
      expect(await code(upload.append(pieces(bytes)))).toBe("oci.storage-failed");
      expect(upload.offset).toBe(8 * MIB);
      proxy!.fault = () => "pass";
      const again = await store.repository("a").resumeUpload(upload.id);
      await again!.append(pieces(bytes.subarray(8 * MIB)), 8 * MIB);
      expect(await code(again!.commit(digestOf(bytes)))).toBe("ok");
    });

    it("finishes an upload whose last steps were interrupted, after a restart", async () => {
      const bytes = randomBytes(17 * MIB);
      const upload = await store.repository("a").startUpload();
      await upload.append(pieces(bytes));
      let isDown = false;
      proxy!.fault = (method, path) => {
        // The copy into the pool, and everything after it.
        isDown ||= method === "PUT" && path.includes("/.pool/");
        return isDown ? "refuse" : "pass";
      };
      expect(await code(upload.commit(digestOf(bytes)))).toBe("oci.storage-failed");
      proxy!.fault = () => "pass";
      const again = await (await open()).repository("a").resumeUpload(upload.id);
      expect(again?.offset).toBe(bytes.length);
      expect(await code(again!.commit(digestOf(bytes)))).toBe("ok");
    });

    it("says nothing is there only when the storage said so", async () => {
      await push(store.repository("a"), "v1");
      proxy!.fault = () => "refuse";
      expect(await code(store.repository("a").resolve("v1"))).toBe("oci.storage-failed");
      expect(await code(store.repository("a").blobSize(digestOf("{}")))).toBe("oci.storage-failed");
      expect(await code(store.repositories())).toBe("oci.storage-failed");
    });
  });
});
