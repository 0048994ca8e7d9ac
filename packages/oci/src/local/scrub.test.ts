// What scrub finds, and what quarantine does with it.
import { digestOf, manualClock, silentLog, type Digest } from "@pratique/core";
import { copyFile, link, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { MEDIA_TYPES } from "../media-types.ts";
import type { ScrubOptions } from "../maintenance.ts";
import type { ContentStore, LocalRepository } from "../repository.ts";
import { openContentStore } from "./content-store.ts";

let root: string;
let store: ContentStore;
const open = (): Promise<ContentStore> => openContentStore(root, { clock: manualClock(), log: silentLog });
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pratique-scrub-"));
  store = await open();
});
afterEach(() => rm(root, { recursive: true, force: true }));

const file = (name: string, digest: Digest): string => join(root, name, "blobs", "sha256", digest.slice(7));

async function found(options: ScrubOptions = {}): Promise<string[]> {
  const { findings } = await store.scrub(options);
  return findings.map(({ type, repository, digest = "-", isQuarantined }) =>
    [type, repository, digest, ...(isQuarantined ? ["quarantined"] : [])].join(" "),
  );
}

const imageOf = (layer: string): Buffer =>
  Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      config: { mediaType: MEDIA_TYPES.empty, digest: digestOf("{}"), size: 2 },
      layers: [{ mediaType: "text/plain", digest: digestOf(layer), size: layer.length }],
    }),
  );

async function push(repository: LocalRepository, layer: string, tag = "v1"): Promise<Digest> {
  for (const blob of ["{}", layer]) await repository.putBlob(Buffer.from(blob));
  return (await repository.putManifest(imageOf(layer), MEDIA_TYPES.imageManifest, tag)).digest;
}

it("reads each file once, however many repositories have it, and finds nothing where nothing is", async () => {
  for (const name of ["a", "b", "c/d"]) await push(store.repository(name), "layer");
  expect(await store.scrub({})).toMatchObject({
    repositories: 3,
    blobs: 9,
    files: 3,
    bytes: 2 + 5 + imageOf("layer").length,
    findings: [],
  });
});

it("finds bit rot in every repository that has the blob, also under sha512, and leaves it where it is", async () => {
  for (const name of ["a", "b"]) await push(store.repository(name), "layer");
  const long = digestOf("long", "sha512");
  await store.repository("a").putBlob(Buffer.from("long"), { digest: long });
  await writeFile(file("a", digestOf("layer")), "lover");
  await writeFile(join(root, "a", "blobs", "sha512", long.slice(7)), "song");
  const wrong = (name: string) => `wrong-digest ${name} ${digestOf("layer")}`;
  expect(await found()).toEqual([wrong("a"), `wrong-digest a ${long}`, wrong("b")]);
  expect(await readFile(file("a", digestOf("layer")), "utf8")).toBe("lover");
});

it("finds bit rot in a manifest whose good bytes are still in memory", async () => {
  const repository = store.repository("a");
  const digest = await push(repository, "layer");
  await repository.manifest("v1");
  await writeFile(file("a", digest), Buffer.from(imageOf("layer")).fill("x"));
  expect(await found()).toEqual([`wrong-digest a ${digest}`]);
});

it("finds what is missing, too short, listed wrongly, or no file", async () => {
  await push(store.repository("absent-blob"), "layer");
  await rm(file("absent-blob", digestOf("layer")));
  const absent = await push(store.repository("absent-manifest"), "layer");
  await rm(file("absent-manifest", absent));
  await push(store.repository("bad-index"), "layer");
  await writeFile(join(root, "bad-index", "index.json"), "{");
  await push(store.repository("linked"), "layer");
  await rename(file("linked", digestOf("layer")), join(root, "elsewhere"));
  await symlink(join(root, "elsewhere"), file("linked", digestOf("layer")));
  await push(store.repository("short"), "another layer");
  await writeFile(file("short", digestOf("another layer")), "anot");
  expect((await found()).sort()).toEqual(
    [
      `blob-missing absent-blob ${digestOf("layer")}`,
      `manifest-missing absent-manifest ${absent}`,
      "layout-damaged bad-index -",
      `not-a-file linked ${digestOf("layer")}`,
      `wrong-digest short ${digestOf("another layer")}`,
      `wrong-size short ${digestOf("another layer")}`,
    ].sort(),
  );
});

it("finds a copy where a link would do, and does not mind an index that is sparse", async () => {
  const repository = store.repository("a");
  await push(repository, "layer");
  const absent = { mediaType: MEDIA_TYPES.imageManifest, digest: digestOf("never"), size: 5 };
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [absent] }));
  await repository.putManifest(index, MEDIA_TYPES.imageIndex, "v2", { sparse: true });
  const path = file("a", digestOf("layer"));
  await copyFile(path, `${path}.copy`);
  await rename(`${path}.copy`, path);
  expect(await found()).toEqual([`not-shared a ${digestOf("layer")}`]);
});

it("finds rot in the pool that no repository has, since the next push would link it", async () => {
  await store.repository("a").putBlob(Buffer.from("layer"));
  const pooled = join(root, ".pool", "sha256", digestOf("layer").slice(7));
  await link(pooled, join(root, "keeps-it-from-being-swept"));
  await rm(file("a", digestOf("layer")));
  await writeFile(pooled, "lover");
  expect(await found({ quarantine: true })).toEqual([`wrong-digest  ${digestOf("layer")} quarantined`]);
  await store.repository("a").putBlob(Buffer.from("layer"));
  expect(await found()).toEqual([]);
});

it("moves a damaged blob aside everywhere, so that it is not served and a push heals it", async () => {
  for (const name of ["a", "b"]) await push(store.repository(name), "layer");
  const digest = digestOf("layer");
  await writeFile(file("a", digest), "lover");
  expect(await found({ quarantine: true })).toEqual([
    `wrong-digest a ${digest} quarantined`,
    `blob-missing a ${digest}`,
    `wrong-digest b ${digest} quarantined`,
    `blob-missing b ${digest}`,
  ]);
  for (const name of ["a", "b"]) expect(await store.repository(name).blobSize(digest)).toBeUndefined();
  const [aside] = await readdir(join(root, ".quarantine", "sha256"));
  expect(await readFile(join(root, ".quarantine", "sha256", aside!), "utf8")).toBe("lover");
  await store.repository("a").putBlob(Buffer.from("layer"));
  expect(await store.repository("b").mountBlob(digest, "a")).toBe(true);
  expect(await found()).toEqual([]);
});

it("moves a damaged manifest aside, keeps it listed through pushes and restarts, and has its tag back once pushed", async () => {
  const repository = store.repository("a");
  const digest = await push(repository, "layer");
  await repository.manifest("v1");
  await writeFile(file("a", digest), "x");
  expect(await found({ quarantine: true })).toEqual([
    `wrong-digest a ${digest} quarantined`,
    `manifest-missing a ${digest}`,
  ]);
  expect(await repository.manifest(digest)).toBeUndefined();
  expect(await repository.tags()).toEqual([]);
  await push(repository, "other", "v2");
  store = await open();
  expect(await found()).toEqual([`manifest-missing a ${digest}`]);
  await push(store.repository("a"), "layer", "v3");
  expect(await store.repository("a").tags()).toEqual(["v1", "v2", "v3"]);
  store = await open();
  expect(await store.repository("a").tags()).toEqual(["v1", "v2", "v3"]);
  expect(await found()).toEqual([]);
});

it("stops when told to", async () => {
  await push(store.repository("a"), "layer");
  await expect(store.scrub({ signal: AbortSignal.abort() })).rejects.toThrow("aborted");
});
