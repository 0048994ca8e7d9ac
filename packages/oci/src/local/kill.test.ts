// `kill -9` at any moment: what was acknowledged is there, and nothing is half there.
import { algorithmOf, digestOf, hexOf, parseDigest, silentLog, systemClock, type Digest } from "@pratique/core";
import { randomInt } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { PUSHER_REPOSITORIES, runPusher, type PusherLine } from "../../../../test/fakes/registry-pusher.ts";
import { contentOf, parseManifest } from "../manifest.schema.ts";
import type { LocalRepository } from "../repository.ts";
import { openContentStore } from "./content-store.ts";
import { repositoryDirectory } from "./store-paths.ts";

/** 50 and more by hand: `FAULT_KILLS=50`. */
const KILLS = Number(process.env["FAULT_KILLS"] ?? 15);

let home: string;
let root: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "pratique-kill-"));
  root = join(home, "registry");
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** Digests whose content is not theirs, among all files below `blobs` directories that were not checked before. */
async function wrongBlobs(directory: string, checked: Set<string>): Promise<string[]> {
  const wrong: string[] = [];
  for (const algorithm of await readdir(directory)) {
    for (const hex of await readdir(join(directory, algorithm))) {
      const digest = parseDigest(`${algorithm}:${hex}`);
      if (checked.has(digest)) continue;
      checked.add(digest);
      const bytes = await readFile(join(directory, algorithm, hex));
      if (digestOf(bytes, algorithmOf(digest)) !== digest) wrong.push(hexOf(digest));
    }
  }
  return wrong;
}

async function missingContent(repository: LocalRepository): Promise<Digest[]> {
  const missing: Digest[] = [];
  for (const tag of await repository.tags()) {
    const manifest = await repository.manifest(tag);
    expect(manifest).toBeDefined();
    for (const { digest, size } of contentOf(parseManifest(manifest!.bytes, manifest!.mediaType))) {
      if ((await repository.blobSize(digest)) !== size) missing.push(digest);
    }
  }
  return missing;
}

/** Tags that must be there, and those that must not. */
function promisesOf(lines: readonly PusherLine[], kept: Map<string, Digest>, gone: Set<string>): void {
  for (const line of lines) {
    const name = `${line.repository}:${line.tag}`;
    if (line.type === "tagged") kept.set(name, line.digest);
    else kept.delete(name);
    if (line.type === "deleted") gone.add(name);
  }
}

it(`keeps its promises through ${KILLS} kills`, { timeout: 600_000 }, async () => {
  const kept = new Map<string, Digest>();
  const gone = new Set<string>();
  const checked = new Set<string>();
  const pooled = new Set<string>();
  for (let round = 0; round < KILLS; round += 1) {
    promisesOf(await runPusher(root, round, randomInt(1, 12)), kept, gone);
    const store = await openContentStore(root, { clock: systemClock, log: silentLog });
    const tagged = new Map<string, Digest>();
    for (const name of PUSHER_REPOSITORIES) {
      const repository = store.repository(name);
      expect(await missingContent(repository)).toEqual([]);
      for (const tag of await repository.tags()) tagged.set(`${name}:${tag}`, (await repository.resolve(tag))!.digest);
      const directory = repositoryDirectory(root, name);
      expect((await readdir(directory)).filter((entry) => entry.startsWith("."))).toEqual([]);
      expect(await wrongBlobs(join(directory, "blobs"), checked)).toEqual([]);
    }
    for (const [name, digest] of kept) expect([name, tagged.get(name)]).toEqual([name, digest]);
    for (const name of gone) expect([name, tagged.get(name)]).toEqual([name, undefined]);
    expect(await wrongBlobs(join(root, ".pool"), pooled)).toEqual([]);
    await store.close();
  }
  expect(kept.size).toBeGreaterThan(KILLS);
  expect(gone.size).toBeGreaterThan(0);
});
