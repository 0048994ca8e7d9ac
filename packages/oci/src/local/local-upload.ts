// A resumable upload: one file that grows, survives a restart, and becomes a blob or expires.
import { algorithmOf, Digester, Mutex, type Clock, type Digest, type DigestAlgorithm } from "@pratique/core";
import { createReadStream } from "node:fs";
import { open, rm, stat, utimes } from "node:fs/promises";
import { ociErrors } from "../errors.ts";
import type { ChunkSource, StoredBlob, Upload } from "../repository.ts";
import type { BlobPool } from "./blob-pool.ts";
import { writeCoalesced } from "./coalesced-write.ts";
import { isMissing, storageError, storing } from "./storage-error.ts";

export interface UploadPlace {
  readonly pool: BlobPool;
  readonly clock: Clock;
  /** Where a blob of that digest goes. */
  readonly target: (digest: Digest) => string;
  /** Called once, when the upload is no more. */
  readonly onEnd: () => void;
  /** Called before more is taken, with the bytes that it will then be; throwing refuses them. */
  readonly onGrow: (sizeBytes: number) => void;
  readonly onStored: (blob: StoredBlob) => void;
  /** Runs what makes the blob be there, so that collection does not take it away meanwhile nor soon after. */
  readonly keep: <T>(digest: Digest, task: () => Promise<T>) => Promise<T>;
}

export class LocalUpload implements Upload {
  readonly id: string;
  readonly #path: string;
  readonly #place: UploadPlace;
  readonly #line = new Mutex();
  #offset: number;
  /** Absent when the bytes on disk were not all seen by this process: then commit reads them again. */
  #digester: Digester | undefined;
  #algorithm: DigestAlgorithm;
  #waiting = 0;
  #isOver = false;

  constructor(id: string, path: string, place: UploadPlace, offset: number, algorithm: DigestAlgorithm = "sha256") {
    this.id = id;
    this.#path = path;
    this.#place = place;
    this.#offset = offset;
    this.#algorithm = algorithm;
    this.#digester = offset === 0 ? new Digester(algorithm) : undefined;
  }

  get offset(): number {
    return this.#offset;
  }

  /** True while somebody appends or commits. */
  get isBusy(): boolean {
    return this.#waiting > 0;
  }

  append(chunks: ChunkSource, offset?: number): Promise<number> {
    return this.#alone(async () => {
      if (offset !== undefined && offset !== this.#offset) {
        throw ociErrors("upload.wrong-offset", { offset: this.#offset, given: offset });
      }
      const file = await this.#open();
      try {
        await this.#write(file, chunks);
      } finally {
        await file.close();
      }
      const now = this.#place.clock.now();
      await storing(this.#path, () => utimes(this.#path, now, now));
      return this.#offset;
    });
  }

  async #write(file: Awaited<ReturnType<typeof open>>, chunks: ChunkSource): Promise<void> {
    let received = this.#offset;
    const result = await writeCoalesced(file, received, chunks, (chunk) => {
      this.#place.onGrow((received += chunk.byteLength));
      this.#digester?.update(chunk);
    });
    this.#offset = result.position;
    if (result.writeError !== undefined) {
      this.#digester = undefined;
      await file.truncate(result.position).catch(() => undefined);
      throw storageError(result.writeError, this.#path);
    }
    if (result.sourceError !== undefined) throw result.sourceError;
  }

  commit(digest: Digest): Promise<StoredBlob> {
    return this.#alone(async () => {
      const file = await this.#open();
      try {
        await storing(this.#path, () => file.datasync());
      } finally {
        await file.close();
      }
      const actual = await this.#digest(algorithmOf(digest));
      if (actual !== digest) {
        await this.#end();
        throw ociErrors("digest.mismatch", { what: "the uploaded blob", actual, expected: digest });
      }
      const size = this.#offset;
      const target = this.#place.target(digest);
      await this.#place.keep(digest, async () => {
        await storing(this.#path, () => this.#place.pool.adopt(this.#path, digest, size, target));
        this.#place.onStored({ digest, size });
        return true;
      });
      await this.#end();
      return { digest, size };
    });
  }

  /** Digest of what was received, as far as this process saw it all. */
  async #digest(algorithm: DigestAlgorithm): Promise<Digest> {
    const seen = this.#digester;
    if (seen !== undefined && algorithm === this.#algorithm && seen.sizeBytes === this.#offset) return seen.digest();
    const again = new Digester(algorithm);
    await storing(this.#path, async () => {
      const stream = createReadStream(this.#path, { highWaterMark: 1024 * 1024 });
      for await (const chunk of stream) again.update(chunk);
    });
    return again.digest();
  }

  /** What commit would have to be given, in the upload's own algorithm. */
  digest(): Promise<Digest> {
    return this.#alone(() => this.#digest(this.#algorithm));
  }

  cancel(): Promise<void> {
    return this.#line.run(() => this.#end());
  }

  /** Cancels it if, with nobody at it, it was last touched before `time` (Unix milliseconds); says whether it did. */
  expire(time: number): Promise<boolean> {
    return this.#line.run(async () => {
      if (this.#isOver || (await stat(this.#path)).mtimeMs >= time) return false;
      await this.#end();
      return true;
    });
  }

  async #end(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#place.onEnd();
    await rm(this.#path, { force: true });
  }

  async #open(): Promise<Awaited<ReturnType<typeof open>>> {
    try {
      return await open(this.#path, "r+");
    } catch (error) {
      if (isMissing(error)) throw ociErrors("upload.not-found", { id: this.id });
      throw storageError(error, this.#path);
    }
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
