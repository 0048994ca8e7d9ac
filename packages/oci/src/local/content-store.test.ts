// The content store as its users see it.
import { digestOf, manualClock, silentLog, type Digest } from "@pratique/core";
import { mkdtemp, readdir, readFile, rm, stat, writeFile, mkdir, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MEDIA_TYPES } from "../media-types.ts";
import type { ContentStore, LocalRepository } from "../repository.ts";
import { openContentStore } from "./content-store.ts";

const clock = manualClock();
const encode = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const EMPTY = Buffer.from("{}");

let root: string;
let store: ContentStore;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pratique-oci-"));
  store = await openContentStore(root, { clock, log: silentLog });
});
afterEach(async () => {
  await store.close();
  await rm(root, { recursive: true, force: true });
});

async function bytesOf(
  repository: LocalRepository,
  digest: Digest,
  range?: { start: number; end?: number },
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await repository.openBlob(digest, range)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function* pieces(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function imageOf(repository: LocalRepository, content: string, more: object = {}): Promise<Buffer> {
  const layer = await repository.putBlob(Buffer.from(content));
  const config = await repository.putBlob(EMPTY);
  return encode({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: { mediaType: MEDIA_TYPES.empty, ...config },
    layers: [{ mediaType: "text/plain", ...layer }],
    ...more,
  });
}

describe("blobs", () => {
  it("keeps a blob and gives it back, whole and in part", async () => {
    const repository = store.repository("tools/weather");
    const big = Buffer.alloc(3_000_000, "abcdefgh");
    const { digest, size } = await repository.putBlob(pieces(big.subarray(0, 1_234_567), big.subarray(1_234_567)));
    expect(digest).toBe(digestOf(big));
    expect(size).toBe(big.length);
    expect(await repository.blobSize(digest)).toBe(big.length);
    expect((await bytesOf(repository, digest)).equals(big)).toBe(true);
    expect((await bytesOf(repository, digest, { start: 1, end: 4 })).toString()).toBe("bcde");
    expect((await bytesOf(repository, digest, { start: big.length - 2 })).toString()).toBe("gh");
  });

  it("keeps the empty blob", async () => {
    const repository = store.repository("a");
    const { digest } = await repository.putBlob(pieces());
    expect(await repository.blobSize(digest)).toBe(0);
    expect((await bytesOf(repository, digest)).length).toBe(0);
  });

  it("keeps sha512 blobs under sha512", async () => {
    const repository = store.repository("a");
    const digest = digestOf("hello", "sha512");
    await repository.putBlob(pieces("hello"), { digest });
    expect(repository.blobPath(digest)).toContain("/blobs/sha512/");
    expect((await bytesOf(repository, digest)).toString()).toBe("hello");
  });

  it("keeps nothing of a blob whose digest or size is not the expected one", async () => {
    const repository = store.repository("a");
    const wrong = digestOf("other");
    await expect(repository.putBlob(pieces("hello"), { digest: wrong })).rejects.toMatchObject({
      code: "digest.mismatch",
    });
    await expect(repository.putBlob(pieces("hello"), { size: 4 })).rejects.toMatchObject({ code: "size.mismatch" });
    await expect(repository.putBlob(pieces("hello"), { size: 6 })).rejects.toMatchObject({ code: "size.mismatch" });
    expect(await readdir(join(root, ".uploads"))).toEqual([]);
    expect(await repository.exists()).toBe(false);
  });

  it("shows a blob only in the repositories that have it, and stores it once", async () => {
    const one = store.repository("one");
    const two = store.repository("two");
    const { digest } = await one.putBlob(pieces("shared"));
    expect(await two.blobSize(digest)).toBeUndefined();
    expect(await two.mountBlob(digest, "nowhere")).toBe(false);
    expect(await two.mountBlob(digest, "one")).toBe(true);
    const three = store.repository("three");
    await three.putBlob(pieces("shared"));
    const inodes = await Promise.all([one, two, three].map(async (r) => (await stat(r.blobPath(digest)!)).ino));
    expect(new Set(inodes).size).toBe(1);
  });

  it("frees the room of a blob when its last repository lets it go", async () => {
    const one = store.repository("one");
    const two = store.repository("two");
    const { digest } = await one.putBlob(pieces("shared"));
    await two.mountBlob(digest, "one");
    expect(await one.deleteBlob(digest)).toBe(true);
    expect(await one.deleteBlob(digest)).toBe(false);
    expect((await bytesOf(two, digest)).toString()).toBe("shared");
    await two.deleteBlob(digest);
    expect(await readdir(join(root, ".pool", "sha256"))).toEqual([]);
  });

  it("knows which repositories have a blob", async () => {
    const { digest } = await store.repository("one").putBlob(pieces("shared"));
    await store.repository("a/blobs").mountBlob(digest, "one");
    expect(await store.holders(digest)).toEqual(["a/blobs", "one"]);
    expect(await store.holders(digestOf("other"))).toEqual([]);
  });

  it("refuses ranges outside the blob", async () => {
    const repository = store.repository("a");
    const { digest } = await repository.putBlob(pieces("hello"));
    await expect(repository.openBlob(digest, { start: 5 })).rejects.toMatchObject({ code: "blob.range-invalid" });
    await expect(repository.openBlob(digest, { start: 3, end: 2 })).rejects.toMatchObject({
      code: "blob.range-invalid",
    });
    await expect(repository.openBlob(digestOf("x"))).rejects.toMatchObject({ code: "blob.not-found" });
  });
});

describe("uploads", () => {
  it("goes on where it stood after a restart", async () => {
    const before = await store.repository("a").startUpload();
    await before.append(pieces("hel"));
    const again = await openContentStore(root, { clock, log: silentLog });
    const upload = await again.repository("a").resumeUpload(before.id);
    expect(upload?.offset).toBe(3);
    await expect(upload!.append(pieces("x"), 2)).rejects.toMatchObject({ code: "upload.wrong-offset" });
    expect(await upload!.append(pieces("lo"), 3)).toBe(5);
    expect(await upload!.commit(digestOf("hello"))).toEqual({ digest: digestOf("hello"), size: 5 });
    expect((await bytesOf(again.repository("a"), digestOf("hello"))).toString()).toBe("hello");
  });

  it("belongs to its repository", async () => {
    const upload = await store.repository("a").startUpload();
    expect(await store.repository("b").resumeUpload(upload.id)).toBeUndefined();
    expect(await store.repository("a").resumeUpload("../../etc/passwd")).toBeUndefined();
    expect(await store.repository("a").resumeUpload(upload.id)).toBe(upload);
  });

  it("commits under the algorithm of the digest it is given", async () => {
    const upload = await store.repository("a").startUpload();
    await upload.append(pieces("hello"));
    expect((await upload.commit(digestOf("hello", "sha512"))).digest).toBe(digestOf("hello", "sha512"));
  });

  it("is gone after a wrong digest, a commit or a cancel", async () => {
    const repository = store.repository("a");
    const wrong = await repository.startUpload();
    await wrong.append(pieces("hello"));
    await expect(wrong.commit(digestOf("other"))).rejects.toMatchObject({ code: "digest.mismatch" });
    const cancelled = await repository.startUpload();
    await cancelled.cancel();
    for (const upload of [wrong, cancelled]) {
      expect(await repository.resumeUpload(upload.id)).toBeUndefined();
      await expect(upload.append(pieces("x"))).rejects.toMatchObject({ code: "upload.not-found" });
    }
    expect(await repository.blobSize(digestOf("other"))).toBeUndefined();
  });

  it("keeps what had come when the source fails", async () => {
    const upload = await store.repository("a").startUpload();
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("hel");
      throw new Error("connection lost");
    }
    await expect(upload.append(broken())).rejects.toThrow("connection lost");
    expect(upload.offset).toBe(3);
    await upload.append(pieces("lo"));
    expect((await upload.commit(digestOf("hello"))).size).toBe(5);
  });

  it("expires a day after it was touched last", async () => {
    const clock = manualClock();
    const open = (): Promise<ContentStore> => openContentStore(root, { clock, log: silentLog });
    const upload = await (await open()).repository("a").startUpload();
    clock.advance(23 * 3_600_000);
    await upload.append(pieces("x"));
    clock.advance(23 * 3_600_000);
    expect(await (await open()).repository("a").resumeUpload(upload.id)).toBeDefined();
    clock.advance(2 * 3_600_000);
    expect(await (await open()).repository("a").resumeUpload(upload.id)).toBeUndefined();
  });

  it("says that the disk is full, and what had fitted stays right", async () => {
    const repository = store.repository("a");
    const upload = await repository.startUpload();
    await upload.append(pieces("hel"));
    const [file] = await readdir(join(root, ".uploads"));
    const path = join(root, ".uploads", file!);
    await rm(path);
    await symlink("/dev/full", path);
    await expect(upload.append(pieces("lo"))).rejects.toMatchObject({ code: "oci.storage-full", status: 507 });
    expect(upload.offset).toBe(3);
    await rm(path);
    await writeFile(path, "hel");
    await upload.append(pieces("lo"));
    expect((await upload.commit(digestOf("hello"))).size).toBe(5);
  });
});

describe("manifests", () => {
  it("keeps the bytes of a manifest and finds it by tag and digest", async () => {
    const repository = store.repository("tools/weather");
    const text = (await imageOf(repository, "one")).toString().replace(",", " ,\n");
    const bytes = Buffer.from(text);
    const descriptor = await repository.putManifest(bytes, MEDIA_TYPES.imageManifest, "1.0");
    expect(descriptor).toEqual({ mediaType: MEDIA_TYPES.imageManifest, digest: digestOf(bytes), size: bytes.length });
    for (const ref of ["1.0", descriptor.digest]) {
      expect(await repository.resolve(ref)).toEqual(descriptor);
      expect(Buffer.from((await repository.manifest(ref))!.bytes).toString()).toBe(text);
    }
    expect(await repository.manifest("2.0")).toBeUndefined();
    expect(await store.repository("tools").resolve("1.0")).toBeUndefined();
  });

  it("is there again after a restart", async () => {
    const repository = store.repository("a/b");
    const descriptor = await repository.putManifest(await imageOf(repository, "one"), MEDIA_TYPES.imageManifest, "v1");
    const again = await openContentStore(root, { clock, log: silentLog });
    expect(await again.repositories()).toEqual(["a/b"]);
    expect(await again.repository("a/b").resolve("v1")).toEqual(descriptor);
    expect(await again.repository("a/b").tags()).toEqual(["v1"]);
  });

  it("refuses a manifest whose blobs or manifests are not there", async () => {
    const repository = store.repository("a");
    const bytes = await imageOf(store.repository("b"), "one");
    await expect(repository.putManifest(bytes, MEDIA_TYPES.imageManifest, "v1")).rejects.toMatchObject({
      code: "manifest.blob-missing",
    });
    const index = encode({
      schemaVersion: 2,
      manifests: [{ mediaType: MEDIA_TYPES.imageManifest, digest: digestOf(bytes), size: bytes.length }],
    });
    await expect(repository.putManifest(index, MEDIA_TYPES.imageIndex, "v1")).rejects.toMatchObject({
      code: "manifest.blob-missing",
    });
    expect(await repository.tags()).toEqual([]);
    await repository.putManifest(index, MEDIA_TYPES.imageIndex, "v1", { sparse: true });
    expect(await repository.tags()).toEqual(["v1"]);
  });

  it("takes foreign layers that are elsewhere", async () => {
    const repository = store.repository("a");
    const layers = [{ mediaType: "foreign", digest: digestOf("far"), size: 3, urls: ["https://example.com/far"] }];
    const bytes = await imageOf(repository, "one", { layers });
    await expect(repository.putManifest(bytes, MEDIA_TYPES.imageManifest)).resolves.toBeDefined();
  });

  it("refuses a manifest that gives a blob another size", async () => {
    const repository = store.repository("a");
    const config = await repository.putBlob(EMPTY);
    const bytes = encode({
      schemaVersion: 2,
      config: { mediaType: MEDIA_TYPES.empty, ...config, size: 3 },
      layers: [],
    });
    await expect(repository.putManifest(bytes, MEDIA_TYPES.imageManifest)).rejects.toMatchObject({
      code: "manifest.invalid",
    });
  });

  it("stores a manifest under the digest it was pushed by", async () => {
    const repository = store.repository("a");
    const bytes = await imageOf(repository, "one");
    const digest = digestOf(bytes, "sha512");
    await repository.putManifest(bytes, MEDIA_TYPES.imageManifest, undefined, { digest });
    expect((await repository.manifest(digest))?.descriptor.digest).toBe(digest);
    await expect(
      repository.putManifest(bytes, MEDIA_TYPES.imageManifest, undefined, { digest: digestOf("x") }),
    ).rejects.toMatchObject({ code: "digest.mismatch" });
  });

  it("moves a tag and keeps the old manifest by its digest", async () => {
    const repository = store.repository("a");
    const one = await repository.putManifest(await imageOf(repository, "one"), MEDIA_TYPES.imageManifest, "v1");
    const two = await repository.putManifest(await imageOf(repository, "two"), MEDIA_TYPES.imageManifest, "v1");
    expect(await repository.resolve("v1")).toEqual(two);
    expect(await repository.resolve(one.digest)).toEqual(one);
    expect(await repository.deleteTag("v1")).toBe(true);
    expect(await repository.deleteTag("v1")).toBe(false);
    expect(await repository.resolve(two.digest)).toEqual(two);
  });

  it("points several tags at a manifest at once", async () => {
    const repository = store.repository("a");
    const bytes = await imageOf(repository, "one");
    await repository.putManifest(bytes, MEDIA_TYPES.imageManifest, undefined, { tags: ["v1", "v2"] });
    expect(await repository.tags()).toEqual(["v1", "v2"]);
    const bad = repository.putManifest(bytes, MEDIA_TYPES.imageManifest, "v3", { tags: ["no tag"] });
    await expect(bad).rejects.toMatchObject({ code: "reference.invalid" });
    expect(await repository.tags()).toEqual(["v1", "v2"]);
  });

  it("lists referrers with their artifact type and annotations, also of a subject that is not there", async () => {
    const repository = store.repository("a");
    const subject = { mediaType: MEDIA_TYPES.imageManifest, digest: digestOf("subject"), size: 7 };
    const annotations = { "org.example.kind": "signature" };
    const typed = await imageOf(repository, "one", { subject, artifactType: "application/x-signature", annotations });
    const untyped = await imageOf(repository, "two", { subject });
    await repository.putManifest(typed, MEDIA_TYPES.imageManifest);
    await repository.putManifest(untyped, MEDIA_TYPES.imageManifest);
    expect(await repository.referrers(subject.digest)).toMatchObject([
      { digest: digestOf(typed), artifactType: "application/x-signature", annotations },
      { digest: digestOf(untyped), artifactType: MEDIA_TYPES.empty },
    ]);
    expect(await repository.referrers(subject.digest, "application/x-signature")).toHaveLength(1);
    const again = await openContentStore(root, { clock, log: silentLog });
    expect(await again.repository("a").referrers(subject.digest)).toEqual(await repository.referrers(subject.digest));
    await repository.deleteManifest(digestOf(typed));
    expect(await repository.referrers(subject.digest)).toHaveLength(1);
  });

  it("refuses to delete what a manifest needs", async () => {
    const repository = store.repository("a");
    const image = await repository.putManifest(await imageOf(repository, "one"), MEDIA_TYPES.imageManifest, "v1");
    const index = await repository.putManifest(
      encode({ schemaVersion: 2, manifests: [image] }),
      MEDIA_TYPES.imageIndex,
      "all",
    );
    await expect(repository.deleteBlob(digestOf("one"))).rejects.toMatchObject({ code: "blob.in-use" });
    await expect(repository.deleteBlob(image.digest)).rejects.toMatchObject({ code: "blob.in-use" });
    await expect(repository.deleteManifest(image.digest)).rejects.toMatchObject({ code: "manifest.in-use" });
    expect(await repository.deleteManifest(index.digest)).toBe(true);
    expect(await repository.deleteManifest(image.digest)).toBe(true);
    expect(await repository.tags()).toEqual([]);
    expect(await repository.deleteBlob(digestOf("one"))).toBe(true);
    expect(await store.repositories()).toEqual([]);
  });

  it("keeps every tag of many pushes at once", async () => {
    const repository = store.repository("a");
    const tags = Array.from({ length: 30 }, (_, index) => `v${index}`);
    await Promise.all(
      tags.map(async (tag) => repository.putManifest(await imageOf(repository, tag), MEDIA_TYPES.imageManifest, tag)),
    );
    const again = await openContentStore(root, { clock, log: silentLog });
    expect(await again.repository("a").tags()).toEqual([...tags].sort());
  });
});

describe("the layout on disk", () => {
  it("is an OCI image layout", async () => {
    const repository = store.repository("tools/weather");
    const image = await repository.putManifest(await imageOf(repository, "one"), MEDIA_TYPES.imageManifest, "1.0");
    const directory = join(root, "tools", "weather");
    expect(JSON.parse(await readFile(join(directory, "oci-layout"), "utf8"))).toEqual({ imageLayoutVersion: "1.0.0" });
    expect(JSON.parse(await readFile(join(directory, "index.json"), "utf8"))).toEqual({
      schemaVersion: 2,
      mediaType: MEDIA_TYPES.imageIndex,
      manifests: [{ ...image, annotations: { "org.opencontainers.image.ref.name": "1.0" } }],
    });
    const blobs = await readdir(join(directory, "blobs", "sha256"));
    expect(blobs.map((hex) => `sha256:${hex}`).sort()).toEqual([digestOf("one"), digestOf("{}"), image.digest].sort());
  });

  it("holds repositories inside repositories, even those named like a layout's own files", async () => {
    const names = ["a", "a/b", "a/b/c", "a/blobs", "a/blobs/sha256", "a/index.json", "a/oci-layout/x", "blobs"];
    for (const name of names) {
      const repository = store.repository(name);
      await repository.putManifest(await imageOf(repository, name), MEDIA_TYPES.imageManifest, "v1");
    }
    const again = await openContentStore(root, { clock, log: silentLog });
    expect(await again.repositories()).toEqual([...names].sort());
    for (const name of names) {
      const manifest = (await again.repository(name).manifest("v1"))!;
      expect(Buffer.from(manifest.bytes).toString()).toContain(digestOf(name));
      expect(await again.repository(name).tags()).toEqual(["v1"]);
    }
  });

  it("refuses names that are none", () => {
    for (const name of [
      "",
      "A",
      "../a",
      "a/../b",
      "/a",
      "a/",
      "a//b",
      ".pool",
      "a/.uploads",
      "_blobs",
      "a".repeat(256),
    ]) {
      expect(() => store.repository(name)).toThrow(expect.objectContaining({ code: "reference.invalid" }));
    }
  });

  it("makes nothing for a question", async () => {
    const repository = store.repository("nobody/asked");
    expect(await repository.tags()).toEqual([]);
    expect(await repository.manifest("latest")).toBeUndefined();
    expect(await repository.deleteTag("latest")).toBe(false);
    expect(await readdir(root)).toEqual([".pool", ".uploads"]);
  });

  it("clears away what an interrupted process left", async () => {
    const repository = store.repository("a");
    await repository.putManifest(await imageOf(repository, "one"), MEDIA_TYPES.imageManifest, "v1");
    await writeFile(join(root, "a", ".index.json.0123456789ab.partial"), "{");
    await writeFile(join(root, ".pool", "sha256", "f".repeat(64)), "orphan");
    await mkdir(join(root, "b"));
    await openContentStore(root, { clock, log: silentLog });
    expect((await readdir(join(root, "a"))).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
    expect(await readdir(join(root, ".pool", "sha256"))).not.toContain("f".repeat(64));
  });

  it("says that a layout is damaged, and leaves out a manifest that is", async () => {
    const repository = store.repository("a");
    const image = await repository.putManifest(await imageOf(repository, "one"), MEDIA_TYPES.imageManifest, "v1");
    await repository.putManifest(await imageOf(repository, "two"), MEDIA_TYPES.imageManifest, "v2");
    await writeFile(repository.blobPath(image.digest)!, "{}");
    const second = await openContentStore(root, { clock, log: silentLog });
    expect(await second.repository("a").tags()).toEqual(["v2"]);
    await writeFile(join(root, "a", "index.json"), "{");
    const third = await openContentStore(root, { clock, log: silentLog });
    await expect(third.repository("a").tags()).rejects.toMatchObject({ code: "oci.layout-damaged" });
  });
});
