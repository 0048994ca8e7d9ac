// skopeo and oras open a repository of the store as it lies on disk, before and after a collection.
import { digestOf, manualClock, silentLog, type Digest, type ManualClock } from "@pratique/core";
import {
  MEDIA_TYPES,
  openContentStore,
  type CollectReport,
  type ContentStore,
  type LocalRepository,
} from "@pratique/oci";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { peerOrSkip, type PeerTool } from "./peers/debian-sid.ts";
import { execute, skipWithout } from "./peers/sid-tree.ts";

const HOUR = 3_600_000;
const NAME = "team/layout";
/** An empty tar: two blocks of zeros. */
const TAR = Buffer.alloc(1024);

interface Described {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

let root = "";
let layout = "";
let clock: ManualClock;
let store: ContentStore;
let image: Described;
let collected: CollectReport;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pratique-layout-"));
  clock = manualClock(new Date());
  store = await openContentStore(root, { clock, log: silentLog });
  layout = join(root, NAME);
  await fill(store.repository(NAME));
  // Before the peers look: what nobody needs goes.
  clock.advance(2 * HOUR);
  collected = await store.collect({ graceMs: HOUR });
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function putImage(repository: LocalRepository, architecture: string, more: object = {}): Promise<Described> {
  const config = { architecture, os: "linux", config: {}, rootfs: { type: "layers", diff_ids: [digestOf(TAR)] } };
  const describe = async (mediaType: string, bytes: Buffer): Promise<Described> => ({
    mediaType,
    ...(await repository.putBlob(bytes)),
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: await describe(MEDIA_TYPES.imageConfig, Buffer.from(JSON.stringify(config))),
    layers: [await describe(MEDIA_TYPES.layerTarGzip, gzipSync(TAR))],
    ...more,
  };
  return repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest);
}

async function putIndex(repository: LocalRepository, tag: string, manifests: readonly object[]): Promise<Described> {
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests };
  return repository.putManifest(Buffer.from(JSON.stringify(index)), MEDIA_TYPES.imageIndex, tag);
}

async function fill(repository: LocalRepository): Promise<void> {
  image = await putImage(repository, "amd64");
  const other = await putImage(repository, "arm64");
  const inner = await putIndex(repository, "inner", [
    { ...image, platform: { os: "linux", architecture: "amd64" } },
    { ...other, platform: { os: "linux", architecture: "arm64" } },
  ]);
  await putIndex(repository, "outer", [inner]);
  await repository.putManifest((await repository.manifest(image.digest))!.bytes, MEDIA_TYPES.imageManifest, "image");
  await putReferrer(repository, "test/sbom", "an SBOM");
  await putSha512(repository);
  await repository.putBlob(Buffer.from("left by a push that was given up"));
  await repository.putBlob(Buffer.from("another"), { digest: digestOf("another", "sha512") });
}

async function putReferrer(repository: LocalRepository, artifactType: string, text: string): Promise<void> {
  const config = { mediaType: MEDIA_TYPES.empty, ...(await repository.putBlob(Buffer.from("{}"))) };
  const layer = { mediaType: "text/plain", ...(await repository.putBlob(Buffer.from(text))) };
  const { mediaType, digest, size } = image;
  const subject = { mediaType, digest, size };
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    artifactType,
    config,
    layers: [layer],
    subject,
  };
  await repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest);
}

async function putSha512(repository: LocalRepository): Promise<void> {
  const config = { mediaType: MEDIA_TYPES.empty, ...(await repository.putBlob(Buffer.from("{}"))) };
  const text = Buffer.from("under sha512");
  const layer = { mediaType: "text/plain", ...(await repository.putBlob(text, { digest: digestOf(text, "sha512") })) };
  const manifest = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageManifest, config, layers: [layer] };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const digest = digestOf(bytes, "sha512");
  await repository.putManifest(bytes, MEDIA_TYPES.imageManifest, "long", { digest });
}

it("lost what nobody needs, and nothing else", async () => {
  expect(collected).toMatchObject({ removed: { blobs: 2 }, skipped: [] });
  expect(await store.scrub({})).toMatchObject({ findings: [] });
});

describe("skopeo", () => {
  it.for(["image", "inner"])("copies %s with all that is in it", async (tag, context) => {
    const found = await execute(["skopeo", "--version"], { env: { PATH: "/usr/bin:/bin" } }).catch(() => undefined);
    if (found?.code !== 0) skipWithout(context, "skopeo", "apt-get install -y --no-install-recommends skopeo");
    const target = join(root, `copied-${tag}`);
    const args = ["--insecure-policy", "copy", "--all", `oci:${layout}:${tag}`, `dir:${target}`];
    expect(await execute(["skopeo", ...args], { env: { PATH: "/usr/bin:/bin", HOME: root } })).toMatchObject({
      code: 0,
    });
    expect(await readdir(target)).toContain("manifest.json");
  });
});

describe("oras", () => {
  const oras = async (peer: PeerTool, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await peer.run(args);
    if (code !== 0) throw new Error(`exit ${code}: ${stdout}${stderr}`);
    return stdout;
  };

  it("finds the referrers", async (context) => {
    const peer = await peerOrSkip(context, "oras");
    const found = await oras(peer, "discover", "--oci-layout", `${layout}:image`, "--format", "json");
    expect(found).toContain("test/sbom");
  });

  it.for(["outer", "long"])("copies %s, with nested indexes and other digests", async (tag, context) => {
    const peer = await peerOrSkip(context, "oras");
    const target = join(root, `oras-${tag}`);
    const sides = ["--from-oci-layout", "--to-oci-layout"];
    await oras(peer, "cp", "-r", ...sides, `${layout}:${tag}`, `${target}:${tag}`);
    const fetched = await oras(peer, "manifest", "fetch", "--descriptor", "--oci-layout", `${target}:${tag}`);
    const here = await store.repository(NAME).resolve(tag);
    expect(JSON.parse(fetched)).toMatchObject({ digest: here!.digest, size: here!.size });
  });
});
