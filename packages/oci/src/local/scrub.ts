// Scrub: reads every blob once, holds it against its name, and every manifest against what is there.
import { digestOf, isDigest, isPratiqueError, algorithmOf, type Digest } from "@pratique/core";
import { lstat, readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Descriptor } from "../descriptor.schema.ts";
import type { ScrubFinding, ScrubFindingType, ScrubOptions, ScrubReport } from "../maintenance.ts";
import { MANIFEST_LIMIT_BYTES, parseManifest } from "../manifest.schema.ts";
import type { StoreObserver } from "../store-observer.ts";
import type { BlobPool } from "./blob-pool.ts";
import type { CollectedPlace } from "./collect.ts";
import { InspectedFiles, type Inspection } from "./inspected-files.ts";
import { decodeLayoutIndex, INDEX_FILE, type LayoutEntries } from "./layout-file.ts";
import type { Layout } from "./layout.ts";
import { PacedReader } from "./paced-reader.ts";
import { Quarantine } from "./quarantine.ts";
import { isMissing } from "./storage-error.ts";
import { blobFile } from "./store-paths.ts";

const FINDINGS_KEPT = 10_000;
const ALGORITHMS = ["sha256", "sha512"] as const;

export interface ScrubParts {
  readonly root: string;
  readonly pool: BlobPool;
  readonly observer: StoreObserver | undefined;
}

/** Reads the whole store. Pushes and pulls go on; what changes meanwhile is no finding. */
export async function scrubStore(
  parts: ScrubParts,
  places: readonly CollectedPlace[],
  options: ScrubOptions,
): Promise<ScrubReport> {
  const run = new ScrubRun(parts, options);
  for (const place of places) await run.repository(place);
  await run.pool();
  return run.report(places.length);
}

class ScrubRun {
  readonly #parts: ScrubParts;
  readonly #options: ScrubOptions;
  readonly #reader: PacedReader;
  readonly #files: InspectedFiles;
  readonly #quarantine: Quarantine;
  readonly #findings: ScrubFinding[] = [];
  #found = 0;
  #blobs = 0;

  constructor(parts: ScrubParts, options: ScrubOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#reader = new PacedReader(options);
    this.#files = new InspectedFiles(this.#reader);
    this.#quarantine = new Quarantine(parts.root);
  }

  report(repositories: number): ScrubReport {
    return {
      repositories,
      blobs: this.#blobs,
      files: this.#files.size,
      bytes: this.#reader.bytes,
      findings: this.#findings,
      found: this.#found,
    };
  }

  #add(type: ScrubFindingType, repository: string, detail: string, more: Partial<ScrubFinding> = {}): void {
    this.#found += 1;
    if (this.#findings.length >= FINDINGS_KEPT) return;
    this.#findings.push({ type, repository, detail, isQuarantined: false, ...more });
  }

  async repository(place: CollectedPlace): Promise<void> {
    for (const algorithm of ALGORITHMS) {
      for (const hex of await namesIn(join(place.directory, "blobs", algorithm))) {
        this.#options.signal?.throwIfAborted();
        const digest = `${algorithm}:${hex}`;
        if (isDigest(digest)) await this.#blob(place, digest);
      }
    }
    await this.#manifests(place);
  }

  async #blob(place: CollectedPlace, digest: Digest): Promise<void> {
    const path = blobFile(place.directory, digest);
    const found = await this.#files.inspect(path, digest);
    if (found.state === "missing") return;
    this.#blobs += 1;
    if (found.state === "not-a-file") this.#add("not-a-file", place.name, found.detail, { digest });
    if (found.state === "damaged") {
      const isQuarantined = this.#options.quarantine === true && (await this.#setAside(place, digest, found.inode));
      this.#add("wrong-digest", place.name, found.detail, { digest, isQuarantined });
    }
    if (found.state === "good") {
      const pooled = await inodeOf(this.#parts.pool.path(digest));
      if (pooled !== undefined && pooled !== found.inode && (await inodeOf(path)) === found.inode) {
        this.#add("not-shared", place.name, "the pool has another copy of it", { digest });
      }
    }
  }

  /** In the repository's line, so that no push counts on what leaves. The pool's name goes first, or it would come back. */
  async #setAside(place: CollectedPlace, digest: Digest, inode: bigint): Promise<boolean> {
    const layout = await layoutOf(place);
    let isTaken = false;
    const take = async (): Promise<Digest[]> => {
      await this.#quarantine.take(this.#parts.pool.path(digest), digest, inode);
      isTaken = await this.#quarantine.take(blobFile(place.directory, digest), digest, inode);
      if (isTaken) this.#parts.observer?.released(place.name, digest);
      return isTaken ? [digest] : [];
    };
    if (layout === undefined) await take();
    else await layout.setAside(take);
    return isTaken;
  }

  async #manifests(place: CollectedPlace): Promise<void> {
    let entries: LayoutEntries;
    try {
      entries = decodeLayoutIndex(await readFile(join(place.directory, INDEX_FILE), "utf8"));
    } catch (error) {
      // Something was pushed, and no manifest yet.
      if (isMissing(error)) return;
      return this.#add(
        "layout-damaged",
        place.name,
        error instanceof Error ? error.message.slice(0, 300) : "unreadable",
      );
    }
    for (const descriptor of entries.manifests.values()) {
      this.#options.signal?.throwIfAborted();
      await this.#manifest(place, descriptor);
    }
  }

  /** From the disk, whatever is in memory. */
  async #manifest(place: CollectedPlace, { digest, mediaType, size }: Descriptor): Promise<void> {
    const bytes = await readSmall(blobFile(place.directory, digest));
    if (bytes === undefined) {
      if (await isStillListed(place, digest))
        this.#add("manifest-missing", place.name, "index.json lists it", { digest });
      return;
    }
    // Damage was found with the blobs.
    if (bytes === "too-large" || digestOf(bytes, algorithmOf(digest)) !== digest) return;
    if (bytes.byteLength !== size) {
      this.#add("wrong-size", place.name, `${bytes.byteLength} bytes, where index.json says ${size}`, { digest });
    }
    try {
      const parsed = parseManifest(bytes, mediaType);
      if (parsed.type === "index") return await this.#members(place, digest, parsed.manifest.manifests);
      const { config, layers } = parsed.manifest;
      const here = [config, ...layers.filter(({ urls }) => urls === undefined || urls.length === 0)];
      const elsewhere = layers.filter(({ urls }) => urls !== undefined && urls.length > 0);
      for (const needed of here) await this.#needed(place, digest, needed, true);
      for (const needed of elsewhere) await this.#needed(place, digest, needed, false);
    } catch (error) {
      if (!isPratiqueError(error)) throw error;
      this.#add("manifest-invalid", place.name, error.message.slice(0, 300), { digest });
    }
  }

  /** An index may be sparse: what it does not have was perhaps never pushed. */
  async #members(place: CollectedPlace, manifest: Digest, members: readonly Descriptor[]): Promise<void> {
    for (const member of members) await this.#needed(place, manifest, member, false);
  }

  async #needed(place: CollectedPlace, manifest: Digest, needed: Descriptor, mustBeThere: boolean): Promise<void> {
    const { digest } = needed;
    const size = await sizeOf(blobFile(place.directory, digest));
    if (size === needed.size || (size === undefined && !mustBeThere)) return;
    if (!(await isStillListed(place, manifest))) return;
    if (size === undefined)
      this.#add("blob-missing", place.name, `manifest ${manifest} needs it`, { digest, manifest });
    else {
      const detail = `${size} bytes, where manifest ${manifest} says ${needed.size}`;
      this.#add("wrong-size", place.name, detail, { digest, manifest });
    }
  }

  /** What no repository has any more would be linked again by the next push of the same blob: so it is read, too. */
  async pool(): Promise<void> {
    for (const algorithm of ALGORITHMS) {
      for (const hex of await namesIn(this.#parts.pool.directory(algorithm))) {
        this.#options.signal?.throwIfAborted();
        const digest = `${algorithm}:${hex}`;
        if (!isDigest(digest)) continue;
        const path = this.#parts.pool.path(digest);
        const found: Inspection = await this.#files.inspect(path, digest);
        if (found.state !== "damaged" || found.isKnown) continue;
        const isQuarantined =
          this.#options.quarantine === true && (await this.#quarantine.take(path, digest, found.inode));
        this.#add("wrong-digest", "", found.detail, { digest, isQuarantined });
      }
    }
  }
}

/** Undefined when it cannot be read: then nothing of it is served either. */
async function layoutOf(place: CollectedPlace): Promise<Layout | undefined> {
  try {
    return await place.layout();
  } catch {
    return undefined;
  }
}

/** Asked in the repository's line, after the changes under way. */
async function isStillListed(place: CollectedPlace, digest: Digest): Promise<boolean> {
  const layout = await layoutOf(place);
  if (layout === undefined) return true;
  await layout.settled();
  return layout.snapshot.manifests.has(digest) || layout.lost.has(digest);
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function inodeOf(path: string): Promise<bigint | undefined> {
  try {
    return (await lstat(path, { bigint: true })).ino;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function readSmall(path: string): Promise<Buffer | "too-large" | undefined> {
  const size = await sizeOf(path);
  if (size === undefined) return undefined;
  if (size > MANIFEST_LIMIT_BYTES) return "too-large";
  try {
    return await readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
