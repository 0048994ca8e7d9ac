// What every back end of the content store has to do, on disk and in an S3-compatible bucket.
import { randomBytes, randomInt } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, systemClock, type Clock, type Digest } from "@pratique/core";
import {
  MEDIA_TYPES,
  contentOf,
  parseManifest,
  type ContentStore,
  type LocalRepository,
  type Upload,
} from "@pratique/oci";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkStoreModel } from "../../packages/oci/src/store-model.fixture.ts";
import { PUSHER_REPOSITORIES, runPusher } from "../fakes/registry-pusher.ts";
import { bucketTarget, openAnyStore } from "../support/any-store.ts";
import { startS3Server } from "./peers/s3-server.ts";

const MIB = 1024 * 1024;
const server = await startS3Server();
afterAll(async () => {
  if (typeof server !== "string") await server.stop();
});

type Kind = "disk" | "bucket";

interface Place {
  readonly target: string;
  readonly directory: string;
}

async function makePlace(kind: Kind): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), "pratique-stores-"));
  if (kind === "disk") return { target: join(directory, "registry"), directory };
  if (typeof server === "string") throw new Error(server);
  const place = await server.makeBucket();
  const { credentials } = server;
  return { target: bucketTarget({ place, credentials, cacheDirectory: join(directory, "cache") }), directory };
}

async function* pieces(bytes: Uint8Array, size = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function pushImage(repository: LocalRepository, tag: string | undefined, more: object = {}): Promise<Digest> {
  const config = { mediaType: MEDIA_TYPES.imageConfig, ...(await repository.putBlob(Buffer.from("{}"))) };
  const bytes = Buffer.from(`layer ${JSON.stringify(more)}`);
  const layer = { mediaType: MEDIA_TYPES.layerTar, ...(await repository.putBlob(bytes)) };
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageManifest, config, layers: [layer], ...more };
  const { digest } = await repository.putManifest(
    Buffer.from(JSON.stringify(manifest)),
    MEDIA_TYPES.imageManifest,
    tag,
  );
  return digest;
}

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => "ok",
    (error: unknown) => (error instanceof Error && "code" in error ? error.code : error),
  );

for (const kind of ["disk", "bucket"] as const) {
  const isMissing = kind === "bucket" && typeof server === "string";
  const by = kind === "disk" ? "" : ` of ${typeof server === "string" ? server : server.name}`;
  describe.skipIf(isMissing && !process.env["CI"])(`${kind}${by}`, () => {
    let place: Place;
    let store: ContentStore;
    const opened: ContentStore[] = [];
    const reopen = async (clock: Clock = systemClock): Promise<ContentStore> => {
      store = await openAnyStore(place.target, clock);
      opened.push(store);
      return store;
    };
    beforeEach(async () => {
      place = await makePlace(kind);
      await reopen();
    });
    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
      await rm(place.directory, { recursive: true, force: true });
    });

    it("keeps a blob that came whole, and gives it out whole and in parts", async () => {
      const repository = store.repository("a/b");
      const bytes = randomBytes(300_000);
      expect(await repository.exists()).toBe(false);
      const blob = await repository.putBlob(pieces(bytes));
      expect(blob).toEqual({ digest: digestOf(bytes), size: bytes.length });
      expect(await repository.exists()).toBe(true);
      expect(await readAll(await repository.openBlob(blob.digest))).toEqual(bytes);
      expect(await readAll(await repository.openBlob(blob.digest, { start: 5, end: 9 }))).toEqual(
        bytes.subarray(5, 10),
      );
      expect(await readAll(await repository.openBlob(blob.digest, { start: 299_990 }))).toEqual(
        bytes.subarray(299_990),
      );
      expect(await code(repository.openBlob(blob.digest, { start: 300_000 }))).toBe("blob.range-invalid");
      expect(await repository.blobs()).toEqual([blob]);
    });

    it("keeps an empty blob", async () => {
      const repository = store.repository("a");
      const upload = await repository.startUpload();
      const { size } = await upload.commit(digestOf(""));
      expect(size).toBe(0);
      expect(await readAll(await repository.openBlob(digestOf("")))).toEqual(Buffer.alloc(0));
    });

    it("goes on with an upload after a restart, byte for byte", async () => {
      const bytes = randomBytes(27 * MIB);
      const { id } = await store.repository("a").startUpload();
      let at = 0;
      for (const step of [3, 9 * MIB, 1, 8 * MIB, 5 * MIB]) {
        await reopen();
        const upload: Upload | undefined = await store.repository("a").resumeUpload(id);
        expect(upload?.offset).toBe(at);
        expect(await code(upload!.append(pieces(bytes), at + 1))).toBe("upload.wrong-offset");
        expect(await upload!.append(pieces(bytes.subarray(at, at + step)), at)).toBe(at + step);
        at += step;
      }
      const upload = await store.repository("a").resumeUpload(id);
      await upload!.append(pieces(bytes.subarray(at)));
      const { digest } = await upload!.commit(digestOf(bytes));
      expect((await readAll(await store.repository("a").openBlob(digest))).equals(bytes)).toBe(true);
      expect(await store.repository("a").resumeUpload(id)).toBeUndefined();
    });

    it("keeps what had come when the source of an upload fails", async () => {
      const bytes = randomBytes(10 * MIB);
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield* pieces(bytes.subarray(0, 9 * MIB));
        throw Object.assign(new Error("gone"), { code: "gone" });
      }
      const upload = await store.repository("a").startUpload();
      expect(await code(upload.append(failing()))).toBe("gone");
      await reopen();
      const again = await store.repository("a").resumeUpload(upload.id);
      expect(again?.offset).toBe(9 * MIB);
      await again!.append(pieces(bytes.subarray(9 * MIB)), 9 * MIB);
      expect(await code(again!.commit(digestOf(bytes)))).toBe("ok");
    });

    it("makes nothing of an upload with another digest", async () => {
      const repository = store.repository("a");
      for (const size of [10, 9 * MIB]) {
        const upload = await repository.startUpload();
        const bytes = randomBytes(size);
        await upload.append(pieces(bytes));
        expect(await code(upload.commit(digestOf("other")))).toBe("digest.mismatch");
        expect(await code(upload.commit(digestOf(bytes)))).toBe("upload.not-found");
        expect(await repository.resumeUpload(upload.id)).toBeUndefined();
      }
      expect(await code(repository.putBlob(Buffer.from("x"), { digest: digestOf("y") }))).toBe("digest.mismatch");
      expect(await code(repository.putBlob(pieces(randomBytes(9)), { size: 8 }))).toBe("size.mismatch");
      expect(await repository.blobs()).toEqual([]);
    });

    it("forgets a cancelled upload, and those of other repositories", async () => {
      const upload = await store.repository("a").startUpload();
      await upload.append(pieces(Buffer.from("hello")));
      expect(await store.repository("b").resumeUpload(upload.id)).toBeUndefined();
      expect(await store.repository("a").resumeUpload("../../etc/passwd")).toBeUndefined();
      await upload.cancel();
      expect(await store.repository("a").resumeUpload(upload.id)).toBeUndefined();
    });

    it("takes sha512, announced or not", async () => {
      const repository = store.repository("a");
      for (const algorithm of ["sha512", undefined] as const) {
        const bytes = randomBytes(9 * MIB);
        const upload = await repository.startUpload(algorithm);
        await upload.append(pieces(bytes));
        const { digest } = await upload.commit(digestOf(bytes, "sha512"));
        expect((await readAll(await repository.openBlob(digest))).equals(bytes)).toBe(true);
      }
    });

    it("shows a blob only to the repositories that have it", async () => {
      const [one, two] = [store.repository("one"), store.repository("two")];
      const { digest } = await one.putBlob(Buffer.from("secret"));
      expect(await two.blobSize(digest)).toBeUndefined();
      expect(await code(two.openBlob(digest))).toBe("blob.not-found");
      expect(await code(two.localFile(digest))).toBe("blob.not-found");
      expect(await two.mountBlob(digest, "three")).toBe(false);
      expect(await two.mountBlob(digest, "one")).toBe(true);
      expect(await store.holders(digest)).toEqual(["one", "two"]);
      expect(await one.deleteBlob(digest)).toBe(true);
      expect(await one.deleteBlob(digest)).toBe(false);
      expect(await readAll(await two.openBlob(digest))).toEqual(Buffer.from("secret"));
      expect(await store.holders(digest)).toEqual(["two"]);
    });

    it("keeps tags, referrers and manifests, and what they need", async () => {
      const repository = store.repository("a/blobs");
      const digest = await pushImage(repository, "v1");
      const subject = { mediaType: MEDIA_TYPES.imageManifest, digest, size: 1 };
      const referrer = await pushImage(repository, undefined, { subject, artifactType: "text/sbom" });
      await pushImage(repository, "v2", { annotations: { a: "b" } });
      await reopen();
      const again = store.repository("a/blobs");
      expect(await again.tags()).toEqual(["v1", "v2"]);
      expect((await again.referrers(digest)).map((found) => found.digest)).toEqual([referrer]);
      expect(await again.referrers(digest, "text/other")).toEqual([]);
      const manifest = await again.manifest("v1");
      const layer = contentOf(parseManifest(manifest!.bytes, manifest!.mediaType))[1]!.digest;
      expect(await code(again.deleteBlob(layer))).toBe("blob.in-use");
      expect(await code(again.deleteBlob(digest))).toBe("blob.in-use");
      expect(await again.deleteTag("v2")).toBe(true);
      expect(await again.deleteTag("v2")).toBe(false);
      expect(await again.deleteManifest(digest)).toBe(true);
      expect(await again.deleteManifest(digest)).toBe(false);
      expect(await again.blobSize(digest)).toBeUndefined();
      expect(await again.deleteBlob(layer)).toBe(true);
      expect(await again.tags()).toEqual([]);
      expect(await store.repositories()).toEqual(["a/blobs"]);
      const missing = { mediaType: MEDIA_TYPES.layerTar, digest: digestOf("no"), size: 2 };
      expect(await code(pushImage(again, "v3", { layers: [missing] }))).toBe("manifest.blob-missing");
    });

    it("hands a blob out as a file that is whole", async () => {
      const bytes = randomBytes(2 * MIB);
      const { digest } = await store.repository("a").putBlob(bytes);
      const files = await Promise.all([1, 2, 3].map(() => store.repository("a").localFile(digest)));
      for (const { path, release } of files) {
        expect((await readFile(path)).equals(bytes)).toBe(true);
        release();
      }
    });

    it("takes many pushes to one repository at once", async () => {
      const repository = store.repository("busy");
      const wanted = Array.from({ length: 20 }, (_, index) => `t${String(index).padStart(2, "0")}`);
      await Promise.all(wanted.map((tag) => pushImage(repository, tag, { annotations: { tag } })));
      await reopen();
      expect(await store.repository("busy").tags()).toEqual(wanted);
    });

    it("does what its model does", async () => {
      await checkStoreModel(
        async () => {
          const own = await makePlace(kind);
          const stores: ContentStore[] = [];
          return {
            async open() {
              const next = await openAnyStore(own.target);
              stores.push(next);
              return next;
            },
            async done() {
              for (const one of stores) await one.close();
              await rm(own.directory, { recursive: true });
            },
          };
        },
        kind === "disk" ? 20 : 12,
      );
    });

    it("keeps its promises through kills", async () => {
      const kept = new Map<string, Digest>();
      for (let round = 0; round < 6; round += 1) {
        const lines = await runPusher(place.target, round, randomInt(1, 8), join(place.directory, "compiled"));
        for (const line of lines) {
          if (line.type === "tagged") kept.set(`${line.repository}:${line.tag}`, line.digest);
          else kept.delete(`${line.repository}:${line.tag}`);
        }
        await reopen();
        for (const [reference, digest] of kept) {
          const [repository = "", tag = ""] = reference.split(":");
          expect([reference, (await store.repository(repository).resolve(tag))?.digest]).toEqual([reference, digest]);
        }
        for (const repository of PUSHER_REPOSITORIES) await requireWhole(store.repository(repository));
      }
      expect(kept.size).toBeGreaterThan(0);
    });
  });
}

/** Every tagged manifest has all that it needs, with the right content. */
async function requireWhole(repository: LocalRepository): Promise<void> {
  for (const tag of await repository.tags()) {
    const manifest = await repository.manifest(tag);
    for (const { digest } of contentOf(parseManifest(manifest!.bytes, manifest!.mediaType))) {
      const bytes = await readAll(await repository.openBlob(digest));
      expect(digestOf(bytes, digest.startsWith("sha512") ? "sha512" : "sha256")).toBe(digest);
    }
  }
}
