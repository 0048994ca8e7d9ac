// One repository's `index.json` in a bucket: read when it changed, replaced only where nobody else did meanwhile.
import { describeError, Mutex, type Digest, type Log } from "@pratique/core";
import { setTimeout as delay } from "node:timers/promises";
import { ociErrors } from "../errors.ts";
import { decodeLayoutIndex, encodeLayoutIndex, LAYOUT_TEXT, type LayoutEntries } from "../local/layout-file.ts";
import { changeBetween } from "../local/repository-change.ts";
import { Snapshot, storedManifest, type StoredManifest } from "../local/snapshot.ts";
import { MANIFEST_LIMIT_BYTES, parseManifest } from "../manifest.schema.ts";
import type { StoreObserver } from "../store-observer.ts";
import { mapBounded, type BucketBlobs } from "./bucket-blobs.ts";

const INDEX_LIMIT_BYTES = 64 * 1024 * 1024;
const LOAD_AT_ONCE = 16;
/** Each time somebody else has changed it, so all together make progress. */
const TRIES = 12;
const WAIT_MS = 40;

export interface IndexPlace {
  readonly name: string;
  readonly blobs: BucketBlobs;
  readonly observer: StoreObserver | undefined;
  readonly log: Log;
}

const NOTHING: LayoutEntries = { manifests: new Map(), tags: new Map() };

/** What was read last, and the entity tag that it had. Without a tag it was not there. */
interface Seen {
  readonly etag: string | undefined;
  readonly snapshot: Snapshot;
  /** Listed, but absent or damaged: not served, not forgotten, and nobody knows what it needs. */
  readonly lost: LayoutEntries;
}

export class BucketIndex {
  readonly #place: IndexPlace;
  readonly #line = new Mutex();
  #seen: Seen = { etag: undefined, snapshot: new Snapshot(), lost: NOTHING };
  /** A read that has not begun yet serves everybody who asks before it does. */
  #next: Promise<Seen> | undefined;
  #reading: Promise<unknown> = Promise.resolve();
  #users = 0;

  constructor(place: IndexPlace) {
    this.#place = place;
  }

  /** What the bucket holds now, whoever wrote it. @throws `oci.layout-damaged` */
  async snapshot(): Promise<Snapshot> {
    return (await this.#refresh()).snapshot;
  }

  /** What the bucket holds now; undefined when a part of it cannot be read. */
  async wholeSnapshot(): Promise<Snapshot | undefined> {
    const seen = await this.#refresh();
    return seen.lost.manifests.size === 0 ? seen.snapshot : undefined;
  }

  /** Manifests that are listed and cannot be read. */
  async lost(): Promise<readonly Digest[]> {
    return [...(await this.#refresh()).lost.manifests.keys()];
  }

  /** True when nothing is there and nothing is under way: such an index needs not be remembered. */
  get isIdle(): boolean {
    return this.#seen.etag === undefined && this.#users === 0;
  }

  #refresh(): Promise<Seen> {
    if (this.#next !== undefined) return this.#next;
    this.#users += 1;
    const next = this.#reading
      .then(async () => {
        this.#next = undefined;
        return this.#read();
      })
      .finally(() => (this.#users -= 1));
    this.#next = next;
    this.#reading = next.catch(() => undefined);
    return next;
  }

  async #read(): Promise<Seen> {
    const { name, blobs } = this.#place;
    const before = this.#seen;
    // What could not be read may have been put right meanwhile.
    const known = before.lost.manifests.size === 0 ? before.etag : undefined;
    const found = await blobs.bucket.read(blobs.keys.index(name), INDEX_LIMIT_BYTES, known);
    if (found === "unchanged") return before;
    if (found === undefined) this.#seen = { etag: undefined, snapshot: new Snapshot(), lost: NOTHING };
    else {
      const entries = this.#decode(found.bytes);
      const snapshot = await this.#load(entries, before.snapshot);
      this.#seen = { etag: found.etag, snapshot, lost: lostOf(entries, snapshot) };
    }
    return this.#seen;
  }

  #decode(bytes: Buffer): LayoutEntries {
    try {
      return decodeLayoutIndex(bytes.toString());
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message.slice(0, 300) : "unreadable";
      throw ociErrors("oci.layout-damaged", { repository: this.#place.name, reason }, { cause });
    }
  }

  /** Manifests never change, so only those that are new have to be read. What is gone or damaged is left out. */
  async #load(entries: LayoutEntries, before: Snapshot): Promise<Snapshot> {
    const { blobs, log, name } = this.#place;
    const loaded = await mapBounded([...entries.manifests.values()], LOAD_AT_ONCE, async ({ digest, mediaType }) => {
      const known = before.manifests.get(digest);
      if (known?.descriptor.mediaType === mediaType) return known;
      try {
        const bytes = await blobs.read(digest, MANIFEST_LIMIT_BYTES);
        if (bytes === undefined) throw ociErrors("blob.not-found", { digest, repository: name });
        return storedManifest(parseManifest(bytes, mediaType), digest, bytes.byteLength);
      } catch (error) {
        // Storage that does not answer is no damage: then nothing may be said about what is here.
        if (error instanceof Error && "code" in error && String(error.code).startsWith("oci.storage-")) throw error;
        log.warn("a manifest cannot be read", { repository: name, digest, ...describeError(error) });
        return undefined;
      }
    });
    const manifests = new Map<Digest, StoredManifest>();
    for (const manifest of loaded) if (manifest !== undefined) manifests.set(manifest.descriptor.digest, manifest);
    return new Snapshot(manifests, new Map([...entries.tags].filter(([, digest]) => manifests.has(digest))));
  }

  /**
   * Runs `change` on what is there, and again when another daemon was faster; what it returns is durable then.
   * In this process, no other change comes between. @throws `oci.storage-contended`
   */
  update(change: (snapshot: Snapshot) => Promise<Snapshot> | Snapshot): Promise<Snapshot> {
    this.#users += 1;
    const updated = this.#line.run(async () => {
      for (let attempt = 0; attempt < TRIES; attempt += 1) {
        const seen = await this.#refresh();
        const next = await change(seen.snapshot);
        if (next === seen.snapshot) return next;
        if (await this.#replace(seen, next)) return next;
        await delay(WAIT_MS * (1 + attempt) * Math.random());
      }
      throw ociErrors("oci.storage-contended", { repository: this.#place.name });
    });
    return updated.finally(() => (this.#users -= 1));
  }

  async #replace(seen: Seen, next: Snapshot): Promise<boolean> {
    const { name, blobs, observer } = this.#place;
    const bytes = Buffer.from(encodeLayoutIndex(next, stillLost(seen.lost, next)));
    const end = await observer?.admit(changeBetween(name, seen.snapshot, next));
    let isDurable = false;
    try {
      if (seen.etag === undefined) await blobs.bucket.put(blobs.keys.layoutFile(name), [Buffer.from(LAYOUT_TEXT)]);
      const condition = seen.etag === undefined ? ({ ifNoneMatch: "*" } as const) : { ifMatch: seen.etag };
      let etag = await blobs.bucket.put(blobs.keys.index(name), [bytes], condition);
      // A request that was sent twice meets its own first try: then what is there is what we wanted.
      etag ??= await this.#etagIf(bytes);
      if (etag === undefined) return false;
      isDurable = true;
      this.#seen = { etag, snapshot: next, lost: seen.lost };
      return true;
    } finally {
      end?.(isDurable);
    }
  }

  async #etagIf(bytes: Buffer): Promise<string | undefined> {
    const { name, blobs } = this.#place;
    const found = await blobs.bucket.read(blobs.keys.index(name), INDEX_LIMIT_BYTES);
    return found !== undefined && found !== "unchanged" && found.bytes.equals(bytes) ? found.etag : undefined;
  }

  /** Resolves when no change is under way. */
  settled(): Promise<void> {
    return this.#line.run(() => undefined);
  }
}

function lostOf({ manifests, tags }: LayoutEntries, snapshot: Snapshot): LayoutEntries {
  return {
    manifests: new Map([...manifests].filter(([digest]) => !snapshot.manifests.has(digest))),
    tags: new Map([...tags].filter(([, digest]) => !snapshot.manifests.has(digest))),
  };
}

/** Tags stay even when their manifest is back: so they come back with it. */
function stillLost({ manifests, tags }: LayoutEntries, next: Snapshot): LayoutEntries {
  return { manifests: new Map([...manifests].filter(([digest]) => !next.manifests.has(digest))), tags };
}
