// The registry client against a registry that misbehaves.
import { digestOf, type Digest } from "@pratique/core";
import type { Readable } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { FakeRegistry, type FakeRegistryOptions } from "../../../../test/fakes/registry-fake.ts";
import { MEDIA_TYPES } from "../media-types.ts";
import type { Repository } from "../repository.ts";
import { remoteRepository, type RemoteOptions } from "./remote-repository.ts";

const running: FakeRegistry[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((registry) => registry.close()));
});

/** Waits that the client would have made. */
type Waits = number[];

async function open(
  fake: FakeRegistryOptions = {},
  options: RemoteOptions = {},
): Promise<{ registry: FakeRegistry; repository: Repository; waits: Waits; named: (name: string) => Repository }> {
  const registry = await FakeRegistry.start(fake);
  running.push(registry);
  const waits: Waits = [];
  const sleep = async (milliseconds: number): Promise<void> => void waits.push(milliseconds);
  const named = (name: string): Repository =>
    remoteRepository({ registry: registry.host, repository: name }, { retry: { sleep }, ...options });
  return { registry, repository: named("tools/weather"), waits, named };
}

async function read(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function imageBytes(more: object = {}): Buffer {
  const empty = { mediaType: MEDIA_TYPES.empty, digest: digestOf("{}"), size: 2 };
  return Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.imageManifest, config: empty, layers: [empty], ...more }),
  );
}

const big = Buffer.alloc(40 * 1024 * 1024, "0123456789abcdef!");
const bigDigest = digestOf(big);
const owner = { username: "owner", password: "correct-horse" };

function put(registry: FakeRegistry, bytes: Buffer | string): Digest {
  const digest = digestOf(bytes);
  registry.repository("tools/weather").blobs.set(digest, Buffer.from(bytes));
  return digest;
}

describe("reading", () => {
  it("resolves and fetches manifests, and finds nothing where there is nothing", async () => {
    const { repository } = await open();
    const bytes = imageBytes();
    const descriptor = await repository.putManifest(bytes, MEDIA_TYPES.imageManifest, "1.0");
    expect(descriptor).toEqual({ mediaType: MEDIA_TYPES.imageManifest, digest: digestOf(bytes), size: bytes.length });
    for (const ref of ["1.0", descriptor.digest]) {
      expect(await repository.resolve(ref)).toEqual(descriptor);
      expect(Buffer.from((await repository.manifest(ref))!.bytes).equals(bytes)).toBe(true);
    }
    expect(await repository.resolve("2.0")).toBeUndefined();
    expect(await repository.manifest("2.0")).toBeUndefined();
    expect(await repository.blobSize(digestOf("no"))).toBeUndefined();
    await expect(repository.openBlob(digestOf("no"))).rejects.toMatchObject({ code: "blob.not-found" });
  });

  it("gives a blob, whole and in part", async () => {
    const { registry, repository } = await open();
    const digest = put(registry, "hello world");
    expect(await repository.blobSize(digest)).toBe(11);
    expect((await read(await repository.openBlob(digest))).toString()).toBe("hello world");
    expect((await read(await repository.openBlob(digest, { start: 2, end: 4 }))).toString()).toBe("llo");
    expect((await read(await repository.openBlob(digest, { start: 6 }))).toString()).toBe("world");
    await expect(repository.openBlob(digest, { start: 99 })).rejects.toMatchObject({ code: "blob.range-invalid" });
    const empty = put(registry, "");
    expect((await read(await repository.openBlob(empty))).length).toBe(0);
  });

  it("refuses a damaged blob before its last chunk", async () => {
    const { registry, repository } = await open();
    const digest = put(registry, big);
    registry.fail("GET", /blobs/, { type: "corrupt" });
    let received = 0;
    const reading = (async () => {
      for await (const chunk of await repository.openBlob(digest)) received += (chunk as Buffer).length;
    })();
    await expect(reading).rejects.toMatchObject({ code: "digest.mismatch" });
    expect(received).toBeLessThan(big.length);
  });

  it("refuses a blob that is shorter than its digest's, though the answer looks complete", async () => {
    const { registry, repository } = await open();
    const digest = put(registry, "hello world");
    registry.fail("GET", /blobs/, { type: "short", bytes: 5 });
    await expect(read(await repository.openBlob(digest))).rejects.toMatchObject({ code: "digest.mismatch" });
  });

  it("goes on where a connection broke", async () => {
    const { registry, repository } = await open();
    const digest = put(registry, big);
    registry.fail("GET", /blobs/, { type: "truncate", bytes: 5_000_000 }, 2);
    expect((await read(await repository.openBlob(digest))).equals(big)).toBe(true);
    const ranges = registry.requests.map(({ headers }) => headers.range);
    expect(ranges).toHaveLength(3);
    expect(ranges[1]).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it("gives up when the connection breaks again and again", async () => {
    const { registry, repository } = await open();
    const digest = put(registry, big);
    registry.fail("GET", /blobs/, { type: "truncate", bytes: 0 }, 99);
    await expect(read(await repository.openBlob(digest))).rejects.toMatchObject({ code: "registry.unreachable" });
  });

  it("refuses a manifest that is not the one asked for, or too large", async () => {
    const { registry, repository } = await open();
    const { digest } = await repository.putManifest(imageBytes(), MEDIA_TYPES.imageManifest, "1.0");
    registry.fail("GET", /manifests/, { type: "corrupt" }, 2);
    await expect(repository.manifest(digest)).rejects.toMatchObject({ code: "digest.mismatch" });
    await expect(repository.manifest("1.0")).rejects.toMatchObject({ code: "digest.mismatch" });
    const huge = { bytes: Buffer.alloc(5 * 1024 * 1024, " "), mediaType: MEDIA_TYPES.imageManifest };
    registry.repository("tools/weather").manifests.set(digest, huge);
    await expect(repository.manifest(digest)).rejects.toMatchObject({ code: "manifest.too-large" });
  });

  it("lists tags over many pages", async () => {
    const { registry, repository } = await open({ pageSize: 7 });
    const tags = Array.from({ length: 50 }, (_, index) => `v${index}`).sort();
    for (const tag of tags) registry.repository("tools/weather").tags.set(tag, digestOf(tag));
    expect(await repository.tags()).toEqual(tags);
  });
});

describe("writing", () => {
  it("sends a small blob in one piece", async () => {
    const { registry, repository } = await open();
    expect(await repository.putBlob(Buffer.from("hello"))).toEqual({ digest: digestOf("hello"), size: 5 });
    expect(registry.repository("tools/weather").blobs.get(digestOf("hello"))?.toString()).toBe("hello");
    expect(registry.requests.map(({ method }) => method)).toEqual(["POST", "PUT"]);
  });

  it("sends a large blob in chunks, and keeps to the places that the registry names", async () => {
    const { registry, repository } = await open();
    expect(await repository.putBlob(pieces(big, 300_000))).toEqual({ digest: bigDigest, size: big.length });
    expect(registry.repository("tools/weather").blobs.get(bigDigest)?.equals(big)).toBe(true);
    expect(registry.requests.map(({ method }) => method)).toEqual(["POST", "PATCH", "PATCH", "PATCH", "PUT"]);
    expect(registry.requests.at(-1)?.url).toContain("?state=a%2Bb&digest=sha256%3A");
  });

  it("sends a manifest under its sha512 before its tag", async () => {
    const { registry, repository } = await open();
    const config = { mediaType: MEDIA_TYPES.empty, ...(await repository.putBlob(Buffer.from("{}"))) };
    const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageManifest, config, layers: [] };
    const bytes = Buffer.from(JSON.stringify(manifest));
    const digest = digestOf(bytes, "sha512");
    const put = await repository.putManifest(bytes, MEDIA_TYPES.imageManifest, "1", { digest });
    expect(put.digest).toBe(digest);
    const puts = registry.requests.filter(({ method, url }) => method === "PUT" && url.includes("/manifests/"));
    expect(puts.map(({ url }) => url.split("/manifests/")[1])).toEqual([digest, "1"]);
  });

  it("sends sha512 blobs under their digest", async () => {
    const { registry, repository } = await open();
    const digest = digestOf("hello", "sha512");
    await repository.putBlob(Buffer.from("hello"), { digest });
    expect(registry.repository("tools/weather").blobs.has(digest)).toBe(true);
    expect(registry.requests[0]?.url).toContain("digest-algorithm=sha512");
  });

  it("goes on with a chunk that was interrupted, whether or not the registry had it", async () => {
    for (const after of [false, true]) {
      const { registry, repository } = await open();
      registry.fail("PATCH", /uploads/, { type: "reset", after });
      await repository.putBlob(pieces(big, 1_000_000), { digest: bigDigest, size: big.length });
      expect(registry.repository("tools/weather").blobs.get(bigDigest)?.equals(big)).toBe(true);
    }
  });

  it("streams to a registry that takes no chunks", async () => {
    const { registry, repository } = await open({ chunks: false });
    await repository.putBlob(pieces(big, 1_000_000), { digest: bigDigest, size: big.length });
    expect(registry.repository("tools/weather").blobs.get(bigDigest)?.equals(big)).toBe(true);
    await expect(repository.putBlob(pieces(big, 1_000_000))).rejects.toMatchObject({ code: "registry.failed" });
  });

  it("commits nothing that is not what it was said to be", async () => {
    const { registry, repository } = await open();
    const wrong = digestOf("other");
    await expect(repository.putBlob(Buffer.from("hello"), { digest: wrong })).rejects.toMatchObject({
      code: "digest.mismatch",
    });
    await expect(repository.putBlob(Buffer.from("hello"), { size: 4 })).rejects.toMatchObject({
      code: "size.mismatch",
    });
    const late = repository.putBlob(pieces(big, 1_000_000), { digest: wrong, size: big.length });
    await expect(late).rejects.toMatchObject({ code: "digest.mismatch" });
    expect(registry.repository("tools/weather").blobs.size).toBe(0);
    expect(registry.requests.at(-1)?.method).toBe("DELETE");
  });

  it("mounts a blob from another repository, or says that it could not", async () => {
    const { registry, repository, named } = await open();
    const digest = put(registry, "hello");
    expect(await named("tools/other").mountBlob(digest, "tools/weather")).toBe(true);
    expect(registry.repository("tools/other").blobs.has(digest)).toBe(true);
    expect(await repository.mountBlob(digestOf("no"), "tools/other")).toBe(false);
    expect(registry.requests.at(-1)?.method).toBe("DELETE");
  });

  it("deletes, and says when there was nothing", async () => {
    const { registry, repository } = await open();
    const { digest } = await repository.putManifest(imageBytes(), MEDIA_TYPES.imageManifest, "1.0");
    expect(await repository.deleteTag("1.0")).toBe(true);
    expect(await repository.deleteTag("1.0")).toBe(false);
    expect(await repository.deleteManifest(digest)).toBe(true);
    expect(await repository.deleteManifest(digest)).toBe(false);
    expect(await repository.deleteBlob(put(registry, "x"))).toBe(true);
  });
});

describe("referrers", () => {
  const subject = { mediaType: MEDIA_TYPES.imageManifest, digest: digestOf("subject"), size: 7 };
  const annotations = { "org.example.kind": "signature" };
  const typed = imageBytes({ subject, artifactType: "application/x-signature", annotations });
  const plain = imageBytes({ subject });

  it("are asked of the registry, and filtered whether or not it filters", async () => {
    const { registry, repository } = await open();
    await repository.putManifest(typed, MEDIA_TYPES.imageManifest);
    await repository.putManifest(plain, MEDIA_TYPES.imageManifest);
    expect(await repository.referrers(subject.digest)).toHaveLength(2);
    expect(await repository.referrers(subject.digest, "application/x-signature")).toMatchObject([
      { digest: digestOf(typed), annotations },
    ]);
    expect(registry.repository("tools/weather").tags.size).toBe(0);
  });

  it("stand in an index under the fallback tag where the registry lists none", async () => {
    const { registry, repository } = await open({ referrersApi: false });
    expect(await repository.referrers(subject.digest)).toEqual([]);
    await repository.putManifest(typed, MEDIA_TYPES.imageManifest);
    await repository.putManifest(plain, MEDIA_TYPES.imageManifest);
    await repository.putManifest(plain, MEDIA_TYPES.imageManifest);
    expect([...registry.repository("tools/weather").tags.keys()]).toEqual([subject.digest.replace(":", "-")]);
    expect(await repository.referrers(subject.digest)).toEqual([
      {
        mediaType: MEDIA_TYPES.imageManifest,
        digest: digestOf(typed),
        size: typed.length,
        artifactType: "application/x-signature",
        annotations,
      },
      {
        mediaType: MEDIA_TYPES.imageManifest,
        digest: digestOf(plain),
        size: plain.length,
        artifactType: MEDIA_TYPES.empty,
      },
    ]);
    await repository.deleteManifest(digestOf(typed));
    expect(await repository.referrers(subject.digest)).toMatchObject([{ digest: digestOf(plain) }]);
  });

  it("replace an entry that another client wrote without type and annotations", async () => {
    const { repository } = await open({ referrersApi: false });
    const poor = {
      mediaType: MEDIA_TYPES.imageManifest,
      digest: digestOf(typed),
      size: typed.length,
      artifactType: MEDIA_TYPES.empty,
    };
    const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests: [poor] };
    const tag = subject.digest.replace(":", "-");
    await repository.putManifest(Buffer.from(JSON.stringify(index)), MEDIA_TYPES.imageIndex, tag);
    await repository.putManifest(typed, MEDIA_TYPES.imageManifest);
    expect(await repository.referrers(subject.digest)).toMatchObject([
      { artifactType: "application/x-signature", annotations },
    ]);
  });

  it("survive that several are added at once", async () => {
    const { repository } = await open({ referrersApi: false });
    const all = Array.from({ length: 8 }, (_, index) => imageBytes({ subject, annotations: { n: String(index) } }));
    await Promise.all(all.map((bytes) => repository.putManifest(bytes, MEDIA_TYPES.imageManifest)));
    expect(await repository.referrers(subject.digest)).toHaveLength(8);
  });
});

describe("credentials", () => {
  it("answer a Basic challenge", async () => {
    const { repository } = await open({ auth: { type: "basic", ...owner } }, { credentials: owner });
    await repository.putBlob(Buffer.from("hello"));
    expect(await repository.blobSize(digestOf("hello"))).toBe(5);
  });

  it("get a token for the scope, once", async () => {
    const { registry, repository, named } = await open({ auth: { type: "bearer", ...owner } }, { credentials: owner });
    await repository.putBlob(Buffer.from("hello"));
    await repository.putBlob(Buffer.from("again"));
    expect(registry.requests.filter(({ url }) => url.startsWith("/token"))).toHaveLength(1);
    expect(await named("tools/other").mountBlob(digestOf("hello"), "tools/weather")).toBe(true);
    await repository.putManifest(imageBytes(), MEDIA_TYPES.imageManifest, "1");
    expect(await repository.deleteTag("1")).toBe(true);
  });

  it("are not needed to pull what anybody may", async () => {
    const { registry, repository } = await open({ auth: { type: "bearer", ...owner } });
    const digest = put(registry, "hello");
    expect((await read(await repository.openBlob(digest))).toString()).toBe("hello");
    await expect(repository.putBlob(Buffer.from("x"))).rejects.toMatchObject({
      code: "registry.unauthorized",
      status: 401,
    });
  });

  it("that are wrong are refused without being shown", async () => {
    for (const type of ["basic", "bearer"] as const) {
      const wrong = { username: "owner", password: "wrong-battery-staple" };
      const { repository } = await open({ auth: { type, ...owner } }, { credentials: wrong });
      const error = await repository.putBlob(Buffer.from("x")).catch((error: unknown) => error);
      expect(error).toMatchObject({ code: "registry.unauthorized" });
      expect(JSON.stringify(error) + String(error)).not.toContain("battery");
    }
  });

  it("are taken out of what the registry says", async () => {
    const { registry, repository } = await open({ auth: { type: "basic", ...owner } }, { credentials: owner });
    const body = JSON.stringify({ errors: [{ code: "DENIED", message: "correct-horse may not" }] });
    registry.fail("GET", /manifests/, { type: "status", status: 403, body });
    const error = await repository.manifest("1.0").catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "registry.denied", message: expect.stringContaining("«credential» may not") });
  });

  it("do not follow a redirect to another host", async () => {
    const elsewhere = await open();
    const digest = put(elsewhere.registry, "hello");
    const { registry, repository } = await open({ auth: { type: "basic", ...owner } }, { credentials: owner });
    const location = `http://${elsewhere.registry.host}/v2/tools/weather/blobs/${digest}`;
    await repository.blobSize(digest);
    registry.fail("GET", /blobs/, { type: "status", status: 307, headers: { location } });
    expect((await read(await repository.openBlob(digest))).toString()).toBe("hello");
    expect(registry.requests.at(-1)?.headers.authorization).toBeDefined();
    expect(elsewhere.registry.requests.at(-1)?.headers.authorization).toBeUndefined();
  });

  it("do not go to a token endpoint without encryption elsewhere", async () => {
    const auth = { type: "bearer", realm: "http://auth.example.com/token", ...owner } as const;
    const { repository } = await open({ auth }, { credentials: owner });
    await expect(repository.blobSize(digestOf("x"))).rejects.toMatchObject({ code: "registry.bad-answer" });
  });
});

describe("patience", () => {
  it("asks again after two failures, waiting longer each time", async () => {
    const { registry, repository, waits } = await open();
    const digest = put(registry, "hello");
    registry.fail("HEAD", /blobs/, { type: "status", status: 500 }, 2);
    expect(await repository.blobSize(digest)).toBe(5);
    expect(waits).toHaveLength(2);
    expect(waits[1]!).toBeGreaterThanOrEqual(waits[0]!);
  });

  it("waits as long as the registry wishes", async () => {
    const { registry, repository, waits } = await open();
    registry.fail("GET", /tags/, { type: "status", status: 429, headers: { "retry-after": "7" } });
    expect(await repository.tags()).toEqual([]);
    expect(waits).toEqual([7000]);
  });

  it("asks again after a cut connection", async () => {
    const { registry, repository } = await open();
    registry.fail("PUT", /manifests/, { type: "reset", after: true });
    await expect(repository.putManifest(imageBytes(), MEDIA_TYPES.imageManifest, "1.0")).resolves.toBeDefined();
    expect(await repository.resolve("1.0")).toBeDefined();
  });

  it("begins a small upload again when its session was lost", async () => {
    const { registry, repository } = await open();
    registry.fail("PUT", /uploads/, { type: "reset", after: true });
    await repository.putBlob(Buffer.from("hello"));
    expect(registry.repository("tools/weather").blobs.has(digestOf("hello"))).toBe(true);
  });

  it("ends, with a code", async () => {
    const { registry, repository, waits } = await open();
    registry.fail(
      "GET",
      /tags/,
      { type: "status", status: 503, body: '{"errors":[{"code":"UNAVAILABLE","message":"later"}]}' },
      99,
    );
    await expect(repository.tags()).rejects.toMatchObject({
      code: "registry.failed",
      message: expect.stringContaining("later"),
    });
    expect(waits).toHaveLength(4);
    registry.fail("HEAD", /blobs/, { type: "status", status: 429 }, 99);
    await expect(repository.blobSize(digestOf("x"))).rejects.toMatchObject({ code: "registry.rate-limited" });
  });

  it("is not spent on a registry that is not there", async () => {
    const { registry, repository, waits } = await open();
    await registry.close();
    await expect(repository.tags()).rejects.toMatchObject({ code: "registry.unreachable", status: 503 });
    expect(waits).toEqual([]);
  });

  it("ends when the caller's does", async () => {
    const controller = new AbortController();
    const { registry, repository } = await open({}, { signal: controller.signal });
    registry.fail("GET", /tags/, { type: "status", status: 503 }, 99);
    controller.abort(new Error("enough"));
    await expect(repository.tags()).rejects.toThrow("enough");
  });

  it("does not go to a registry without encryption unless it is this machine, or was asked to", async () => {
    const far = remoteRepository({ registry: "registry.invalid:1", repository: "a" });
    await expect(far.tags()).rejects.toMatchObject({ code: "registry.unreachable" });
    const { registry, repository } = await open({}, { insecure: false });
    await expect(repository.tags()).rejects.toMatchObject({ code: "registry.unreachable" });
    expect(registry.requests).toEqual([]);
  });
});
