// The content store: a directory of repositories, each an OCI image layout that skopeo and oras read as it lies.
import { describeError, Mutex, SingleFlight, type Clock, type Digest, type Log } from "@pratique/core";
import { ensureDirectory, removeLeftovers } from "@pratique/store";
import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ociErrors } from "../errors.ts";
import { isRepositoryName } from "../reference.ts";
import type { CollectOptions, CollectReport, ScrubOptions, ScrubReport } from "../maintenance.ts";
import type { ContentStore, LocalRepository } from "../repository.ts";
import type { StoreObserver } from "../store-observer.ts";
import { BlobPool } from "./blob-pool.ts";
import { collectStore, type CollectedPlace } from "./collect.ts";
import { INDEX_FILE } from "./layout-file.ts";
import { Layout } from "./layout.ts";
import { leaveLeases, takeLeases } from "./lease-file.ts";
import { Leases } from "./leases.ts";
import { StoreRepository, type StoreParts } from "./local-repository.ts";
import { ManifestCache } from "./manifest-cache.ts";
import { scrubStore } from "./scrub.ts";
import { isMissing, storing } from "./storage-error.ts";
import { blobFile, LEASES, mayHoldRepositories, repositoryDirectory, repositoryName } from "./store-paths.ts";
import { UploadDirectory } from "./upload-directory.ts";

/**
 * Opens (or begins) a content store and removes what an interrupted process left. One process at a time owns it.
 * @throws `oci.storage-full`, `store.not-writable`
 */
export async function openContentStore(
  directory: string,
  options: { readonly clock: Clock; readonly log: Log; readonly observer?: StoreObserver },
): Promise<ContentStore> {
  const root = resolve(directory);
  const pool = new BlobPool(root);
  const { clock, log, observer } = options;
  await storing(root, () => ensureDirectory(root));
  const leases = new Leases(clock, await storing(root, () => takeLeases(join(root, LEASES))));
  const uploads = new UploadDirectory(root, { pool, clock, leases, observer });
  await storing(root, async () => {
    await pool.open();
    const expiredUploads = await uploads.open();
    let partialFiles = 0;
    for (const layout of await layoutsBelow(root)) partialFiles += await removeLeftovers(layout);
    const unusedBlobs = await pool.sweep();
    if (expiredUploads + partialFiles + unusedBlobs > 0) {
      log.info("content store repaired", { expiredUploads, partialFiles, unusedBlobs });
    }
  });
  return new DirectoryStore({ root, pool, uploads, leases, log, observer });
}

/** Names are free to make up: past so many, all are made again. */
const REPOSITORIES_KEPT = 1000;

class DirectoryStore implements ContentStore {
  readonly #parts: StoreParts;
  readonly #layouts = new Map<string, Layout>();
  /** They hold no state: kept since a small answer costs little more than making one. */
  readonly #repositories = new Map<string, LocalRepository>();
  readonly #loading = new SingleFlight<Layout>();
  /** Collection and scrub: one at a time. */
  readonly #upkeep = new Mutex();

  constructor(parts: Omit<StoreParts, "cache" | "layout">) {
    const layout = (name: string, make: boolean): Promise<Layout | undefined> => this.#layout(name, make);
    this.#parts = { ...parts, cache: new ManifestCache(), layout };
  }

  repository(name: string): LocalRepository {
    const known = this.#repositories.get(name);
    if (known !== undefined) return known;
    if (!isRepositoryName(name)) {
      const reason = "a repository is lower-case letters, digits, `.`, `_`, `-` between slashes";
      throw ociErrors("reference.invalid", { reference: name.slice(0, 160), reason });
    }
    const repository = new StoreRepository(name, this.#parts);
    if (this.#repositories.size >= REPOSITORIES_KEPT) this.#repositories.clear();
    this.#repositories.set(name, repository);
    return repository;
  }

  /** Layouts that are neither on disk nor about to be are not remembered: names are free to make up. */
  async #layout(name: string, make: boolean): Promise<Layout | undefined> {
    const known = this.#layouts.get(name);
    if (known !== undefined) return known;
    const directory = repositoryDirectory(this.#parts.root, name);
    if (!make && !(await isThere(join(directory, INDEX_FILE)))) return this.#layouts.get(name);
    return this.#loading.run(name, async () => {
      const { log, observer } = this.#parts;
      const layout = this.#layouts.get(name) ?? (await Layout.load({ directory, name, observer }, log));
      this.#layouts.set(name, layout);
      return layout;
    });
  }

  async repositories(): Promise<string[]> {
    const names: string[] = [];
    for (const directory of await layoutsBelow(this.#parts.root)) {
      const name = repositoryName(this.#parts.root, directory);
      const layout = await this.#layout(name, false);
      if (layout !== undefined && layout.snapshot.manifests.size > 0) names.push(name);
    }
    return names.sort();
  }

  async holders(digest: Digest): Promise<string[]> {
    const names: string[] = [];
    for (const directory of await layoutsBelow(this.#parts.root)) {
      if (await isThere(blobFile(directory, digest))) names.push(repositoryName(this.#parts.root, directory));
    }
    return names.sort();
  }

  collect(options: CollectOptions): Promise<CollectReport> {
    return this.#upkeep.run(async () => collectStore(this.#parts, await this.#places(), options));
  }

  scrub(options: ScrubOptions): Promise<ScrubReport> {
    return this.#upkeep.run(async () => scrubStore(this.#parts, await this.#places(), options));
  }

  /** Also those without `index.json`: something was pushed, and no manifest yet. */
  async #places(): Promise<CollectedPlace[]> {
    const directories = await layoutsBelow(this.#parts.root);
    const places = directories.map((directory) => {
      const name = repositoryName(this.#parts.root, directory);
      return { name, directory, layout: async () => (await this.#layout(name, true))! };
    });
    return places.sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  async close(): Promise<void> {
    await this.#upkeep.run(() => undefined);
    await Promise.all([...this.#layouts.values()].map((layout) => layout.settled()));
    const { root, leases, log } = this.#parts;
    await leaveLeases(join(root, LEASES), leases.remember()).catch((error: unknown) => {
      log.warn("leases were not kept, so that collection waits a grace period", describeError(error));
    });
  }
}

/** Directories that hold a layout's `blobs` or `index.json`, however deep. */
async function layoutsBelow(root: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (directory: string): Promise<void> => {
    const entries = await readdir(directory, { withFileTypes: true });
    if (directory !== root && entries.some(({ name }) => name === INDEX_FILE || name === "blobs"))
      found.push(directory);
    for (const entry of entries) {
      if (entry.isDirectory() && mayHoldRepositories(entry.name)) await walk(join(directory, entry.name));
    }
  };
  await walk(root);
  return found;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
