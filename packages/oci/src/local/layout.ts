// One repository's image layout on disk: loads it, and changes it atomically, one change after another.
import { digestOf, algorithmOf, describeError, Mutex, type Digest, type Log } from "@pratique/core";
import { ensureDirectory, writeFileDurably } from "@pratique/store";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Descriptor } from "../descriptor.schema.ts";
import { ociErrors } from "../errors.ts";
import type { StoreObserver } from "../store-observer.ts";
import { MANIFEST_LIMIT_BYTES, parseManifest } from "../manifest.schema.ts";
import { decodeLayoutIndex, encodeLayoutIndex, INDEX_FILE, LAYOUT_FILE, LAYOUT_TEXT } from "./layout-file.ts";
import { changeBetween } from "./repository-change.ts";
import { Snapshot, storedManifest, type StoredManifest } from "./snapshot.ts";
import { isMissing, storing } from "./storage-error.ts";
import { blobFile } from "./store-paths.ts";

const LOAD_CONCURRENCY = 16;

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
  readonly #name: string;
  readonly #observer: StoreObserver | undefined;

  private constructor(place: LayoutPlace, snapshot: Snapshot, isOnDisk: boolean) {
    this.directory = place.directory;
    this.#name = place.name;
    this.#observer = place.observer;
    this.#snapshot = snapshot;
    this.#isOnDisk = isOnDisk;
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
      return new Layout(place, new Snapshot(manifests, tags), true);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message.slice(0, 300) : "unreadable";
      throw ociErrors("oci.layout-damaged", { repository: name, reason }, { cause });
    }
  }

  /** What is durable now. */
  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Runs with no other change in between; what `change` returns is on disk, then visible, when this resolves. */
  update(change: (snapshot: Snapshot) => Promise<Snapshot> | Snapshot): Promise<Snapshot> {
    return this.#line.run(async () => {
      const next = await change(this.#snapshot);
      if (next === this.#snapshot) return next;
      const end = await this.#observer?.admit(changeBetween(this.#name, this.#snapshot, next));
      try {
        await storing(this.directory, () => this.#write(next));
      } catch (error) {
        end?.(false);
        throw error;
      }
      this.#snapshot = next;
      end?.(true);
      return next;
    });
  }

  async #write(snapshot: Snapshot): Promise<void> {
    if (!this.#isOnDisk) {
      await ensureDirectory(this.directory);
      await writeFileDurably(join(this.directory, LAYOUT_FILE), LAYOUT_TEXT);
    }
    await writeFileDurably(join(this.directory, INDEX_FILE), encodeLayoutIndex(snapshot));
    this.#isOnDisk = true;
  }

  /** Resolves when no change is under way. */
  settled(): Promise<void> {
    return this.#line.run(() => undefined);
  }
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
