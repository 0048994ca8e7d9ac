// All blobs on their way in: one transfer of each, however many ask for it.
import { algorithmOf, describeError, digestOf, hexOf, type Clock, type Digest, type Log } from "@pratique/core";
import type { ContentStore, Descriptor } from "@pratique/oci";
import { ensureDirectory } from "@pratique/store";
import { createReadStream } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { BlobTransfer } from "./blob-transfer.ts";
import type { UpstreamPlace } from "./upstream-name.ts";

/** What nobody came back for in so long is given up. */
const EXPIRE_MS = 24 * 60 * 60 * 1000;
const PARTIAL = ".partial";

export interface TransfersOptions {
  readonly directory: string;
  readonly store: ContentStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export class BlobTransfers {
  readonly #options: TransfersOptions;
  readonly #running = new Map<string, BlobTransfer>();

  constructor(options: TransfersOptions) {
    this.#options = options;
  }

  /** Removes partial blobs that nobody came back for. */
  async open(): Promise<void> {
    const { directory, clock } = this.#options;
    await ensureDirectory(directory, 0o700);
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      if (!name.endsWith(PARTIAL)) continue;
      const { mtimeMs } = await stat(path);
      if (clock.now().getTime() - mtimeMs > EXPIRE_MS) await rm(path, { force: true });
    }
  }

  /** The one transfer of a blob, begun when there is none. */
  of(place: UpstreamPlace, { digest, size }: Pick<Descriptor, "digest" | "size">): BlobTransfer {
    const key = `${place.local}@${digest}`;
    const running = this.#running.get(key);
    if (running !== undefined && running.sizeBytes === size) return running;
    const { log, signal } = this.#options;
    const transfer = new BlobTransfer({
      digest,
      sizeBytes: size,
      path: this.#path(place, digest, size),
      upstream: place.upstream.name,
      source: place.upstream.repository(place.name),
      ask: (question) => place.upstream.ask(question),
      keep: (path) => this.#keep(place, digest, size, path),
      signal,
    });
    this.#running.set(key, transfer);
    const over = (): void => {
      if (this.#running.get(key) === transfer) this.#running.delete(key);
    };
    transfer.kept.then(over, (error: unknown) => {
      over();
      if (!signal.aborted) log.warn("a blob did not come whole from upstream", { blob: key, ...describeError(error) });
    });
    return transfer;
  }

  /** The size is in the name: two manifests that disagree about it are about two files. */
  #path({ local }: UpstreamPlace, digest: Digest, size: number): string {
    const name = hexOf(digestOf(`${local} ${size}`)).slice(0, 16);
    return join(this.#options.directory, `${algorithmOf(digest)}-${hexOf(digest)}-${name}${PARTIAL}`);
  }

  async #keep({ local }: UpstreamPlace, digest: Digest, size: number, path: string): Promise<void> {
    const repository = this.#options.store.repository(local);
    if (repository.takeFile !== undefined) return repository.takeFile(path, { digest, size });
    await repository.putBlob(createReadStream(path, { highWaterMark: 1024 * 1024 }), { digest, size });
    await rm(path, { force: true });
  }

  /** Waits until nothing is on its way any more; the signal is what ends them. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map(({ kept }) => kept));
  }
}
