// A resumable upload into a bucket. Whole parts go up as they fill; what is left at the end of a request is kept beside
// them as the object `tail-<parts>`. So all that was acknowledged lies in the bucket, and any daemon can go on with it:
// the parts that are there, and the tail that follows just those, are the whole truth.
import { algorithmOf, Digester, Mutex, type Digest, type DigestAlgorithm } from "@pratique/core";
import { ociErrors } from "../errors.ts";
import type { StoredBlob, Upload } from "../repository.ts";
import type { BucketBlobs } from "./bucket-blobs.ts";
import type { S3Part } from "./s3-bucket.ts";
import type { Slots } from "./slots.ts";

/** S3 takes parts of 5 MiB and more, 10,000 at most; some servers want them all of one size. */
const PART_BYTES = 8 * 1024 * 1024;
/** From here on larger ones, for the blobs that would need too many: up to 350 GiB. */
const MANY_PARTS = 5000;
const LARGE_PART_BYTES = 64 * 1024 * 1024;
/** What is smaller does not have to wait for a place. */
const FREE_BYTES = 256 * 1024;
const IN_FLIGHT = 2;

export interface UploadPlace {
  readonly name: string;
  readonly blobs: BucketBlobs;
  /** Key below which all of the upload lies. */
  readonly folder: string;
  /** Bounds how many parts are in memory, over all uploads. */
  readonly slots: Slots;
  readonly onEnd: () => void;
  readonly onGrow: (sizeBytes: number) => void;
  readonly onStored: (blob: StoredBlob) => void;
  /** Keeps the id of the multipart upload, before its first part. */
  readonly remember: (multipart: string) => Promise<void>;
}

/** How far an upload is, as it lies in the bucket. */
export interface UploadState {
  readonly algorithm: DigestAlgorithm;
  readonly multipart?: string | undefined;
  readonly parts: readonly S3Part[];
  readonly tailBytes: number;
  /** All parts were put together already; only the last steps of `commit` are missing. */
  readonly assembledBytes?: number | undefined;
}

export class BucketUpload implements Upload {
  readonly id: string;
  readonly #place: UploadPlace;
  readonly #line = new Mutex();
  readonly #algorithm: DigestAlgorithm;
  #multipart: string | undefined;
  #parts: S3Part[];
  /** In memory only while somebody appends or commits. */
  #tail: Uint8Array[] = [];
  /** Gives back the place that the tail in memory has. */
  #giveBack: (() => void) | undefined;
  #tailBytes: number;
  #isTailKept: boolean;
  #assembledBytes: number | undefined;
  /** Absent when not all was seen by this process: then commit reads it again. */
  #digester: Digester | undefined;
  #waiting = 0;
  #isOver = false;

  constructor(id: string, place: UploadPlace, state: UploadState) {
    this.id = id;
    this.#place = place;
    this.#algorithm = state.algorithm;
    this.#multipart = state.multipart;
    this.#parts = [...state.parts];
    this.#tailBytes = state.tailBytes;
    this.#isTailKept = state.tailBytes > 0;
    this.#assembledBytes = state.assembledBytes;
    this.#digester = this.offset === 0 ? new Digester(state.algorithm) : undefined;
  }

  get offset(): number {
    return this.#assembledBytes ?? sizeOf(this.#parts) + this.#tailBytes;
  }

  get isBusy(): boolean {
    return this.#waiting > 0;
  }

  /** True when this is what the bucket says; otherwise another daemon went on with it. */
  isAt(state: UploadState): boolean {
    return (
      this.#parts.length === state.parts.length &&
      this.#parts.every(({ etag }, index) => etag === state.parts[index]?.etag) &&
      this.#tailBytes === state.tailBytes &&
      this.#assembledBytes === state.assembledBytes
    );
  }

  append(chunks: AsyncIterable<Uint8Array>, offset?: number): Promise<number> {
    return this.#alone(async () => {
      if (offset !== undefined && offset !== this.offset) {
        throw ociErrors("upload.wrong-offset", { offset: this.offset, given: offset });
      }
      if (this.#assembledBytes !== undefined)
        throw ociErrors("upload.wrong-offset", { offset: this.offset, given: this.offset });
      const failure = await this.#receive(chunks);
      await this.#keepTail();
      if (failure !== undefined) throw failure.error;
      return this.offset;
    });
  }

  /** Takes all in; the tail stays in memory, for a `commit` that follows at once. */
  take(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#alone(async () => {
      const failure = await this.#receive(chunks);
      if (failure !== undefined) throw failure.error;
    });
  }

  async #receive(chunks: AsyncIterable<Uint8Array>): Promise<{ readonly error: unknown } | undefined> {
    const inFlight: { readonly number: number; readonly done: Promise<S3Part> }[] = [];
    const settleOldest = async (): Promise<void> => {
      const oldest = inFlight.shift();
      if (oldest === undefined) return;
      const part = await oldest.done;
      this.#parts.push(part);
    };
    const flush = async (): Promise<void> => {
      const body = this.#tail;
      [this.#tail, this.#tailBytes] = [[], 0];
      if (inFlight.length >= IN_FLIGHT) await settleOldest();
      const number = this.#parts.length + inFlight.length + 1;
      const release = this.#giveBack;
      this.#giveBack = undefined;
      const done = this.#putPart(number, body).finally(() => release?.());
      done.catch(() => undefined);
      inFlight.push({ number, done });
    };
    let received = this.offset;
    let failure: { readonly error: unknown } | undefined;
    try {
      await this.#loadTail();
      for await (const chunk of chunks) {
        if (chunk.byteLength === 0) continue;
        this.#place.onGrow((received += chunk.byteLength));
        if (this.#tailBytes + chunk.byteLength > FREE_BYTES) this.#giveBack ??= await this.#place.slots.take();
        this.#digester?.update(chunk);
        let rest = chunk;
        const wanted = (): number => partBytes(this.#parts.length + inFlight.length + 1) - this.#tailBytes;
        while (rest.byteLength >= wanted()) {
          const head = rest.subarray(0, wanted());
          rest = rest.subarray(head.byteLength);
          this.#add(head);
          await flush();
        }
        if (rest.byteLength > 0) this.#add(rest);
      }
    } catch (error) {
      failure = { error };
    }
    try {
      while (inFlight.length > 0) await settleOldest();
    } catch (error) {
      // Parts after a lost one are of no use, nor is the tail: we stand where the unbroken row of parts ends.
      await Promise.allSettled(inFlight.map(({ done }) => done));
      [this.#tail, this.#tailBytes, this.#isTailKept, this.#digester] = [[], 0, false, undefined];
      failure = { error };
    }
    if (this.#tail.length === 0) this.#leave();
    return failure;
  }

  #leave(): void {
    this.#giveBack?.();
    this.#giveBack = undefined;
  }

  #add(bytes: Uint8Array): void {
    this.#tail.push(bytes);
    this.#tailBytes += bytes.byteLength;
    this.#isTailKept = false;
  }

  async #putPart(number: number, body: readonly Uint8Array[]): Promise<S3Part> {
    const { bucket } = this.#place.blobs;
    return bucket.putPart(this.#key, await this.#begin(), number, body);
  }

  #beginning: Promise<string> | undefined;

  /** The multipart upload, begun when its first part is full: small blobs need none. */
  #begin(): Promise<string> {
    this.#beginning ??= this.#multipart === undefined ? this.#beginMultipart() : Promise.resolve(this.#multipart);
    return this.#beginning;
  }

  async #beginMultipart(): Promise<string> {
    try {
      const multipart = await this.#place.blobs.bucket.createUpload(this.#key);
      await this.#place.remember(multipart);
      this.#multipart = multipart;
      return multipart;
    } catch (error) {
      this.#beginning = undefined;
      throw error;
    }
  }

  get #key(): string {
    return `${this.#place.folder}blob`;
  }

  #tailKey(): string {
    return `${this.#place.folder}tail-${this.#parts.length}`;
  }

  async #keepTail(): Promise<void> {
    const { bucket } = this.#place.blobs;
    try {
      if (!this.#isTailKept && this.#tailBytes > 0) await bucket.put(this.#tailKey(), this.#tail);
      this.#isTailKept = this.#tailBytes > 0;
      this.#tail = [];
    } finally {
      this.#leave();
    }
  }

  async #loadTail(): Promise<void> {
    if (this.#tailBytes === 0 || this.#tail.length > 0) return;
    if (this.#tailBytes > FREE_BYTES) this.#giveBack ??= await this.#place.slots.take();
    const found = await this.#place.blobs.bucket.read(this.#tailKey(), LARGE_PART_BYTES);
    if (found === undefined || found === "unchanged" || found.bytes.byteLength !== this.#tailBytes) {
      throw ociErrors("upload.not-found", { id: this.id });
    }
    this.#tail = [found.bytes];
  }

  commit(digest: Digest): Promise<StoredBlob> {
    return this.#alone(() => this.#store(digest).finally(() => this.#dropTail()));
  }

  async #store(digest: Digest): Promise<StoredBlob> {
    const algorithm = algorithmOf(digest);
    const known = this.#knownDigest(algorithm);
    if (known !== undefined && known !== digest) await this.#refuse(known, digest);
    const size = this.offset;
    const stored = { digest, size };
    const isSmall = this.#multipart === undefined && this.#assembledBytes === undefined;
    // Twice only when collection took the very same content away in between.
    for (let isStored = false, isChecked = known !== undefined; !isStored; isChecked = true) {
      if (isSmall) await this.#storeSmall(digest);
      else await this.#storeLarge(digest, isChecked);
      await this.#place.blobs.admit(this.#place.name, stored);
      isStored = await this.#place.blobs.isPooled(stored);
    }
    this.#place.onStored(stored);
    await this.#end();
    return stored;
  }

  /** One that nobody can go on with stays until it is cancelled. */
  #dropTail(): void {
    if (this.#isTailKept) this.#tail = [];
    if (this.#tail.length === 0) this.#leave();
  }

  #knownDigest(algorithm: DigestAlgorithm): Digest | undefined {
    const seen = this.#digester;
    return seen !== undefined && algorithm === this.#algorithm && seen.sizeBytes === this.offset
      ? seen.digest()
      : undefined;
  }

  async #refuse(actual: Digest, expected: Digest): Promise<never> {
    await this.#end();
    throw ociErrors("digest.mismatch", { what: "the uploaded blob", actual, expected });
  }

  async #storeSmall(digest: Digest): Promise<void> {
    await this.#loadTail();
    const digester = new Digester(algorithmOf(digest));
    for (const chunk of this.#tail) digester.update(chunk);
    if (digester.digest() !== digest) await this.#refuse(digester.digest(), digest);
    await this.#place.blobs.bucket.put(this.#place.blobs.keys.blob(digest), this.#tail);
  }

  /** The digest is known only now, so the content is put together beside, and copied inside the bucket. */
  async #storeLarge(digest: Digest, isChecked: boolean): Promise<void> {
    const { bucket, keys } = this.#place.blobs;
    await this.#assemble();
    if (!isChecked) {
      const actual = await this.#readDigest(algorithmOf(digest));
      if (actual !== digest) await this.#refuse(actual, digest);
    }
    await bucket.copy(this.#key, keys.blob(digest), this.offset);
  }

  async #assemble(): Promise<void> {
    if (this.#assembledBytes !== undefined || this.#multipart === undefined) return;
    const { bucket } = this.#place.blobs;
    await this.#loadTail();
    if (this.#tailBytes > 0) {
      const last = await bucket.putPart(this.#key, this.#multipart, this.#parts.length + 1, this.#tail);
      [this.#tail, this.#tailBytes, this.#isTailKept] = [[], 0, false];
      this.#parts.push(last);
    }
    const size = this.offset;
    await bucket.completeUpload(this.#key, this.#multipart, this.#parts);
    this.#assembledBytes = size;
  }

  async #readDigest(algorithm: DigestAlgorithm): Promise<Digest> {
    const digester = new Digester(algorithm);
    const source = this.#place.blobs.bucket.stream(this.#key, { start: 0, end: this.offset - 1 });
    for await (const chunk of source) digester.update(chunk);
    return digester.digest();
  }

  /** Of an upload that began here and was not interrupted: what commit has to be given. */
  seenDigest(): Digest {
    const seen = this.#knownDigest(this.#algorithm);
    if (seen === undefined) throw ociErrors("upload.not-found", { id: this.id });
    return seen;
  }

  cancel(): Promise<void> {
    return this.#line.run(() => this.#end());
  }

  async #end(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#tail = [];
    this.#leave();
    this.#place.onEnd();
    const { bucket } = this.#place.blobs;
    if (this.#multipart !== undefined && this.#assembledBytes === undefined)
      await bucket.abortUpload(this.#key, this.#multipart);
    for await (const { key } of bucket.list(this.#place.folder)) await bucket.delete(key);
  }

  async #alone<T>(task: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    try {
      return await this.#line.run(() => {
        if (this.#isOver) throw ociErrors("upload.not-found", { id: this.id });
        return task();
      });
    } finally {
      this.#waiting -= 1;
    }
  }
}

function partBytes(number: number): number {
  return number <= MANY_PARTS ? PART_BYTES : LARGE_PART_BYTES;
}

function sizeOf(parts: readonly S3Part[]): number {
  return parts.reduce((sum, { size }) => sum + size, 0);
}
