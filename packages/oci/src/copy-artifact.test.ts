// Copies between local and remote, both ways.
import { digestOf, manualClock, silentLog } from "@pratique/core";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeRegistry } from "../../../test/fakes/registry-fake.ts";
import { copyArtifact } from "./copy-artifact.ts";
import type { Descriptor } from "./descriptor.schema.ts";
import { openContentStore } from "./local/content-store.ts";
import { MEDIA_TYPES } from "./media-types.ts";
import { remoteRepository } from "./remote/remote-repository.ts";
import type { ContentStore, Repository } from "./repository.ts";

let root: string;
let store: ContentStore;
let registry: FakeRegistry;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pratique-copy-"));
  store = await openContentStore(root, { clock: manualClock(), log: silentLog });
  registry = await FakeRegistry.start({ referrersApi: false });
});
afterEach(async () => {
  await store.close();
  await registry.close();
  await rm(root, { recursive: true, force: true });
});

const remote = (name: string): Repository => remoteRepository({ registry: registry.host, repository: name });
const encode = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

async function image(repository: Repository, content: string, subject?: Descriptor): Promise<Descriptor> {
  const config = { mediaType: MEDIA_TYPES.empty, ...(await repository.putBlob(Buffer.from("{}"))) };
  const layer = { mediaType: "text/plain", ...(await repository.putBlob(Buffer.from(content))) };
  const foreign = { mediaType: "text/plain", digest: digestOf("far"), size: 3, urls: ["https://example.com/far"] };
  const manifest = { schemaVersion: 2, artifactType: "application/x", config, layers: [layer, foreign], subject };
  return repository.putManifest(encode(manifest), MEDIA_TYPES.imageManifest);
}

/** An index of two images; the first is signed, and the signature is signed. */
async function release(
  repository: Repository,
): Promise<{ index: Descriptor; signature: Descriptor; second: Descriptor }> {
  const one = await image(repository, "one");
  const two = await image(repository, "two");
  const index = await repository.putManifest(
    encode({ schemaVersion: 2, manifests: [one, two] }),
    MEDIA_TYPES.imageIndex,
    "1.0",
  );
  const signature = await image(repository, "signature", one);
  const second = await image(repository, "second", signature);
  return { index, signature, second };
}

describe("copyArtifact", () => {
  it("takes an artifact to a registry and back with all that refers to it", async () => {
    const made = await release(store.repository("voyage/release"));
    await copyArtifact(store.repository("voyage/release"), remote("mirror/release"), "1.0", { referrers: true });
    await copyArtifact(remote("mirror/release"), store.repository("again/release"), "1.0", {
      tag: "2.0",
      referrers: true,
    });
    const again = store.repository("again/release");
    expect(await again.resolve("2.0")).toEqual(made.index);
    expect(await again.tags()).toEqual(["2.0"]);
    expect(await again.manifest(made.second.digest)).toBeDefined();
    expect(await again.referrers(made.signature.digest)).toMatchObject([
      { digest: made.second.digest, artifactType: "application/x" },
    ]);
    expect(await again.blobSize(digestOf("second"))).toBe(6);
  });

  it("takes the signatures of cosign 2 along, and never replaces those of others", async () => {
    const here = store.repository("voyage/signed");
    const index = await here.putManifest(
      encode({ schemaVersion: 2, manifests: [await image(here, "one")] }),
      MEDIA_TYPES.imageIndex,
      "1.0",
    );
    const tag = `${index.digest.replace(":", "-")}.sig`;
    const sign = async (repository: Repository, ...signatures: string[]): Promise<Descriptor> => {
      const config = { mediaType: MEDIA_TYPES.empty, ...(await repository.putBlob(Buffer.from("{}"))) };
      const payload = await repository.putBlob(Buffer.from("payload"));
      const layers = signatures.map((signature) => ({
        mediaType: "text/plain",
        ...payload,
        annotations: { signature },
      }));
      const bytes = encode({ schemaVersion: 2, config, layers });
      return repository.putManifest(bytes, MEDIA_TYPES.imageManifest, tag);
    };
    const there = remote("mirror/signed");
    const copy = () => copyArtifact(here, there, "1.0", { referrers: true });
    await sign(here, "ours");
    await copy();
    const both = await sign(here, "ours", "another's");
    await copy();
    expect((await there.resolve(tag))?.digest).toBe(both.digest);
    const theirs = await sign(there, "ours", "another's", "theirs");
    await copy();
    expect((await there.resolve(tag))?.digest).toBe(theirs.digest);
    // Without evidence, without it too.
    await copyArtifact(here, remote("mirror/bare"), "1.0");
    expect(await remote("mirror/bare").resolve(tag)).toBeUndefined();
  });

  it("leaves referrers where they are unless asked", async () => {
    const { index, signature } = await release(store.repository("a"));
    expect(await copyArtifact(store.repository("a"), store.repository("b"), index.digest)).toEqual(index);
    expect(await store.repository("b").tags()).toEqual([]);
    expect(await store.repository("b").resolve(index.digest)).toEqual(index);
    expect(await store.repository("b").resolve(signature.digest)).toBeUndefined();
  });

  it("sends no blob a second time, and mounts what the registry has elsewhere", async () => {
    await release(store.repository("a"));
    await copyArtifact(store.repository("a"), remote("one"), "1.0");
    registry.requests.length = 0;
    await copyArtifact(store.repository("a"), remote("one"), "1.0");
    expect(registry.requests.filter(({ url }) => url.includes("/blobs/"))).toEqual([]);
    await copyArtifact(remote("one"), remote("two"), "1.0");
    const uploads = registry.requests.filter(({ method, url }) => method === "POST" && url.includes("/uploads/"));
    expect(uploads.every(({ url }) => url.includes("mount="))).toBe(true);
    expect(registry.repository("two").blobs.size).toBe(3);
  });

  it("shows no tag before everything is there", async () => {
    await release(store.repository("a"));
    await copyArtifact(store.repository("a"), remote("one"), "1.0", { referrers: true });
    const puts = registry.requests.filter(({ method, url }) => method === "PUT" && url.includes("/manifests/"));
    expect(puts.at(-1)?.url).toBe("/v2/one/manifests/1.0");
    expect(puts.filter(({ url }) => url.endsWith("/1.0"))).toHaveLength(1);
  });

  it("keeps nothing of an artifact that comes damaged", async () => {
    await release(store.repository("a"));
    await copyArtifact(store.repository("a"), remote("one"), "1.0");
    const blobs = registry.repository("one").blobs;
    blobs.set(digestOf("two"), Buffer.from("tow"));
    await expect(copyArtifact(remote("one"), store.repository("b"), "1.0")).rejects.toMatchObject({
      code: "digest.mismatch",
    });
    expect(await store.repository("b").tags()).toEqual([]);
    expect(await store.repository("b").blobSize(digestOf("two"))).toBeUndefined();
  });

  it("says what is not there", async () => {
    const copying = copyArtifact(store.repository("a"), store.repository("b"), "1.0");
    await expect(copying).rejects.toMatchObject({ code: "manifest.not-found", status: 404 });
  });
});
