// One repository's image layout on disk: loads it, and changes it atomically, one change after another.
import { digestOf, algorithmOf, describeError, isDigest, Mutex, type Digest, type Log } from "@pratique/core";
import { ensureDirectory, writeFileDurably } from "@pratique/store";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Descriptor } from "../descriptor.schema.ts";
import { ociErrors } from "../errors.ts";
import type { StoreObserver } from "../store-observer.ts";
import { MANIFEST_LIMIT_BYTES, parseManifest } from "../manifest.schema.ts";
import {
  decodeLayoutIndex,
  encodeLayoutIndex,
  INDEX_FILE,
  LAYOUT_FILE,
  LAYOUT_TEXT,
  type LayoutEntries,
} from "./layout-file.ts";
import { changeBetween } from "./repository-change.ts";
import { Snapshot, storedManifest, type StoredManifest } from "./snapshot.ts";
import { isMissing, storing } from "./storage-error.ts";
import { blobFile } from "./store-paths.ts";

const LOAD_CONCURRENCY = 16;
const NOTHING: LayoutEntries = { manifests: new Map(), tags: new Map() };

export interface LayoutPlace {
  readonly directory: string;
  readonly name: string;
  readonly observer: StoreObserver | undefined;
}

export class Layout {
  readonly directory: string;
  readonly #line = new Mutex();
  #snapshot: Snapshot;
  #isOnDisk: boolean;
  /** Listed in `index.json`, but absent or damaged: not served, not forgotten. */
  #lost: LayoutEntries;
  readonly #name: string;
  readonly #observer: StoreObserver | undefined;

  private constructor(place: LayoutPlace, snapshot: Snapshot, isOnDisk: boolean, lost: LayoutEntries = NOTHING) {
    this.directory = place.directory;
    this.#name = place.name;
    this.#observer = place.observer;
    this.#snapshot = snapshot;
    this.#isOnDisk = isOnDisk;
    this.#lost = lost;
  }

  /** Reads a layout; one that is not there is empty. @throws `oci.layout-damaged` */
  static async load(place: LayoutPlace, log: Log): Promise<Layout> {
    const { directory, name } = place;
    let text: string;
    try {
      text = await readFile(join(directory, INDEX_FILE), "utf8");
    } catch (error) {
      if (isMissing(error)) return new Layout(place, new Snapshot(), false);
      throw error;
    }
    try {
      const entries = decodeLayoutIndex(text);
      const manifests = await loadManifests(directory, [...entries.manifests.values()], name, log);
      const tags = new Map([...entries.tags].filter(([, digest]) => manifests.has(digest)));
      return new Layout(place, new Snapshot(manifests, tags), true, lostOf(entries, manifests));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message.slice(0, 300) : "unreadable";
      throw ociErrors("oci.layout-damaged", { repository: name, reason }, { cause });
    }
  }

  /** What is durable now. */
  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Manifests that it should have. */
  get lost(): ReadonlySet<Digest> {
    return new Set(this.#lost.manifests.keys());
  }

  /** Runs with no other change in between; what `change` returns is on disk, then visible, when this resolves. */
  update(change: (snapshot: Snapshot) => Promise<Snapshot> | Snapshot): Promise<Snapshot> {
    return this.#line.run(async () => {
      const changed = await change(this.#snapshot);
      if (changed === this.#snapshot) return changed;
      const next = this.#revive(changed);
      const end = await this.#observer?.admit(changeBetween(this.#name, this.#snapshot, next));
      try {
        await storing(this.directory, () => this.#write(next));
      } catch (error) {
        end?.(false);
        throw error;
      }
      this.#snapshot = next;
      this.#lost = stillLost(this.#lost, next);
      end?.(true);
      return next;
    });
  }

  /** A lost manifest that was pushed again has its tags back. */
  #revive(snapshot: Snapshot): Snapshot {
    let revived = snapshot;
    for (const [tag, digest] of this.#lost.tags) {
      const manifest = snapshot.manifests.get(digest);
      if (manifest !== undefined && !snapshot.tags.has(tag)) revived = revived.withManifest(manifest, [tag]);
    }
    return revived;
  }

  /** Runs `lose` with no change in between, and serves the manifests that it names no more; they stay listed. */
  setAside(lose: () => Promise<readonly Digest[]>): Promise<void> {
    return this.#line.run(async () => {
      const { manifests, tags } = this.#snapshot;
      const gone = new Set((await lose()).filter((digest) => manifests.has(digest)));
      if (gone.size === 0) return;
      const kept = new Map([...manifests].filter(([digest]) => !gone.has(digest)));
      const lostManifests = new Map(this.#lost.manifests);
      for (const digest of gone) lostManifests.set(digest, manifests.get(digest)!.descriptor);
      const lostTags = [...tags].filter(([, digest]) => gone.has(digest));
      this.#lost = { manifests: lostManifests, tags: new Map([...this.#lost.tags, ...lostTags]) };
      this.#snapshot = new Snapshot(kept, new Map([...tags].filter(([, digest]) => !gone.has(digest))));
    });
  }

  /** Takes a lost manifest (by digest) or a tag of one out of the list; false when there is none. */
  async forget(ref: string): Promise<boolean> {
    const isLost = (): boolean => this.#lost.tags.has(ref) || (isDigest(ref) && this.#lost.manifests.has(ref));
    if (!isLost()) return false;
    return this.#line.run(async () => {
      if (!isLost()) return false;
      const manifests = new Map([...this.#lost.manifests].filter(([digest]) => digest !== ref));
      const tags = new Map([...this.#lost.tags].filter(([tag, digest]) => tag !== ref && digest !== ref));
      const before = this.#lost;
      this.#lost = { manifests, tags };
      try {
        await storing(this.directory, () => this.#write(this.#snapshot));
      } catch (error) {
        this.#lost = before;
        throw error;
      }
      return true;
    });
  }

  async #write(snapshot: Snapshot): Promise<void> {
    const lost = stillLost(this.#lost, snapshot);
    if (!this.#isOnDisk) {
      await ensureDirectory(this.directory);
      await writeFileDurably(join(this.directory, LAYOUT_FILE), LAYOUT_TEXT);
    }
    await writeFileDurably(join(this.directory, INDEX_FILE), encodeLayoutIndex(snapshot, lost));
    this.#isOnDisk = true;
  }

  /** Resolves when no change is under way. */
  settled(): Promise<void> {
    return this.#line.run(() => undefined);
  }
}

function lostOf({ manifests, tags }: LayoutEntries, found: ReadonlyMap<Digest, StoredManifest>): LayoutEntries {
  return {
    manifests: new Map([...manifests].filter(([digest]) => !found.has(digest))),
    tags: new Map([...tags].filter(([, digest]) => !found.has(digest))),
  };
}

function stillLost(lost: LayoutEntries, { manifests, tags }: Snapshot): LayoutEntries {
  if (lost.manifests.size === 0) return lost;
  return {
    manifests: new Map([...lost.manifests].filter(([digest]) => !manifests.has(digest))),
    tags: new Map([...lost.tags].filter(([tag, digest]) => !manifests.has(digest) && !tags.has(tag))),
  };
}

/** A manifest that is gone or damaged is left out and reported: the others stay usable. */
async function loadManifests(
  directory: string,
  descriptors: readonly Descriptor[],
  name: string,
  log: Log,
): Promise<ReadonlyMap<Digest, StoredManifest>> {
  const loaded: (StoredManifest | undefined)[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < descriptors.length) {
      const index = next++;
      const descriptor = descriptors[index]!;
      try {
        const bytes = await readManifestFile(blobFile(directory, descriptor.digest), descriptor.digest);
        loaded[index] = storedManifest(parseManifest(bytes, descriptor.mediaType), descriptor.digest, bytes.byteLength);
      } catch (error) {
        log.warn("a manifest cannot be read", { repository: name, digest: descriptor.digest, ...describeError(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: LOAD_CONCURRENCY }, worker));
  const found = loaded.filter((manifest) => manifest !== undefined);
  return new Map(found.map((manifest) => [manifest.descriptor.digest, manifest]));
}

/** Reads a manifest's bytes and checks them against its digest. @throws `digest.mismatch`, `manifest.too-large` */
export async function readManifestFile(path: string, digest: Digest): Promise<Buffer> {
  if ((await stat(path)).size > MANIFEST_LIMIT_BYTES) {
    throw ociErrors("manifest.too-large", { limitBytes: MANIFEST_LIMIT_BYTES });
  }
  const bytes = await readFile(path);
  const actual = digestOf(bytes, algorithmOf(digest));
  if (actual !== digest) throw ociErrors("digest.mismatch", { what: "the stored manifest", actual, expected: digest });
  return bytes;
}
