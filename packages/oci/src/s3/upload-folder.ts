// All uploads of a bucket: those that this process knows, those of others, and those that nobody finished.
import { parseJson, uuidv7, type Clock, type DigestAlgorithm } from "@pratique/core";
import { z } from "zod";
import type { StoredBlob } from "../repository.ts";
import type { StoreObserver } from "../store-observer.ts";
import type { BucketBlobs } from "./bucket-blobs.ts";
import { BucketUpload, type UploadPlace, type UploadState } from "./bucket-upload.ts";
import { Slots } from "./slots.ts";

const EXPIRE_MS = 24 * 60 * 60 * 1000;
const SWEEP_EVERY_MS = 60 * 60 * 1000;
/** Parts of 8 MiB in memory, being filled or on their way, over all uploads: 64 MiB. */
const PARTS_IN_MEMORY = 8;
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const UploadRecord = z.strictObject({
  algorithm: z.enum(["sha256", "sha512"]),
  multipart: z.string().max(2048).optional(),
});
type UploadRecord = z.infer<typeof UploadRecord>;

const RECORD_FILE = "upload.json";

export class UploadFolder {
  readonly #blobs: BucketBlobs;
  readonly #clock: Clock;
  readonly #observer: StoreObserver | undefined;
  readonly #live = new Map<string, BucketUpload>();
  readonly #slots = new Slots(PARTS_IN_MEMORY);
  #sweptAt: number;

  constructor(blobs: BucketBlobs, clock: Clock, observer: StoreObserver | undefined) {
    this.#blobs = blobs;
    this.#clock = clock;
    this.#observer = observer;
    this.#sweptAt = clock.now().getTime();
  }

  #upload(name: string, id: string, state: UploadState): BucketUpload {
    const folder = this.#blobs.keys.upload(name, id);
    const place: UploadPlace = {
      name,
      blobs: this.#blobs,
      folder,
      slots: this.#slots,
      onEnd: () => {
        this.#live.delete(folder);
        this.#observer?.ended(name, id);
      },
      onGrow: (sizeBytes: number) => this.#observer?.receiving(name, id, sizeBytes),
      onStored: ({ digest, size }: StoredBlob) => this.#observer?.stored(name, digest, size),
      remember: (multipart) => this.#write(folder, { algorithm: state.algorithm, multipart }),
    };
    const upload = new BucketUpload(id, place, state);
    this.#live.set(folder, upload);
    return upload;
  }

  async #write(folder: string, record: UploadRecord): Promise<void> {
    await this.#blobs.bucket.put(folder + RECORD_FILE, [Buffer.from(JSON.stringify(record))]);
  }

  async start(name: string, algorithm: DigestAlgorithm = "sha256"): Promise<BucketUpload> {
    if (this.#clock.now().getTime() - this.#sweptAt > SWEEP_EVERY_MS) await this.sweep();
    await this.#observer?.ready(name);
    const id = uuidv7(this.#clock);
    await this.#write(this.#blobs.keys.upload(name, id), { algorithm });
    return this.#upload(name, id, { algorithm, parts: [], tailBytes: 0 });
  }

  /** One that nobody can come back to: it needs no record until it has parts. */
  async startUnnamed(name: string, algorithm: DigestAlgorithm): Promise<BucketUpload> {
    await this.#observer?.ready(name);
    return this.#upload(name, uuidv7(this.#clock), { algorithm, parts: [], tailBytes: 0 });
  }

  async resume(name: string, id: string): Promise<BucketUpload | undefined> {
    if (!ID.test(id)) return undefined;
    const folder = this.#blobs.keys.upload(name, id);
    const live = this.#live.get(folder);
    if (live?.isBusy === true) return live;
    const state = await this.#state(folder);
    if (state === undefined) return undefined;
    // Who waited meanwhile for the same one gets the same one.
    const now = this.#live.get(folder);
    if (now !== undefined && (now.isBusy || now.isAt(state))) return now;
    await this.#observer?.ready(name);
    return this.#upload(name, id, state);
  }

  /** How far an upload is, from what lies in the bucket alone. */
  async #state(folder: string): Promise<UploadState | undefined> {
    const { bucket } = this.#blobs;
    const record = await this.#record(folder);
    if (record === undefined) return undefined;
    const { algorithm, multipart } = record;
    const parts = multipart === undefined ? [] : await bucket.parts(`${folder}blob`, multipart);
    if (parts === undefined) {
      const assembled = await bucket.head(`${folder}blob`);
      if (assembled === undefined) return undefined;
      return { algorithm, multipart, parts: [], tailBytes: 0, assembledBytes: assembled.size };
    }
    const gap = parts.findIndex(({ number }, index) => number !== index + 1);
    const unbroken = gap === -1 ? parts : parts.slice(0, gap);
    const tail = await bucket.head(`${folder}tail-${unbroken.length}`);
    return { algorithm, multipart, parts: unbroken, tailBytes: tail?.size ?? 0 };
  }

  async #record(folder: string): Promise<UploadRecord | undefined> {
    const found = await this.#blobs.bucket.read(folder + RECORD_FILE, 8192);
    if (found === undefined || found === "unchanged") return undefined;
    return UploadRecord.parse(parseJson(found.bytes.toString(), "the record of an upload"));
  }

  /** Removes what was not touched for a day, also multipart uploads that nothing names; returns how many. */
  async sweep(): Promise<number> {
    const { bucket, keys } = this.#blobs;
    this.#sweptAt = this.#clock.now().getTime();
    const isOld = (time: Date): boolean => this.#sweptAt - time.getTime() > EXPIRE_MS;
    const folders = new Map<string, { keys: string[]; isOld: boolean }>();
    for await (const { key, modified } of bucket.list(keys.uploads)) {
      const folder = key.slice(0, key.indexOf("/", keys.uploads.length) + 1);
      const known = folders.get(folder) ?? { keys: [], isOld: true };
      known.keys.push(key);
      known.isOld &&= isOld(modified);
      folders.set(folder, known);
    }
    let removed = 0;
    for (const [folder, found] of folders) {
      const live = this.#live.get(folder);
      if (!found.isOld || live?.isBusy === true) continue;
      await live?.cancel();
      const record = await this.#record(folder).catch(() => undefined);
      if (record?.multipart !== undefined) await bucket.abortUpload(`${folder}blob`, record.multipart);
      for (const key of found.keys) await bucket.delete(key);
      removed += 1;
    }
    for (const { key, uploadId, initiated } of await bucket.pendingUploads(keys.root)) {
      const folder = key.slice(0, key.lastIndexOf("/") + 1);
      if (!isOld(initiated) || folders.get(folder)?.isOld === false) continue;
      if (this.#live.get(folder)?.isBusy === true) continue;
      await bucket.abortUpload(key, uploadId);
      removed += 1;
    }
    return removed;
  }
}
