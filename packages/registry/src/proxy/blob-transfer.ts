// One blob on its way in from an upstream: a file that grows, whose readers need not wait for its end.
import { algorithmOf, Digester, isPratiqueError, type Digest } from "@pratique/core";
import type { Repository } from "@pratique/oci";
import { fileError } from "@pratique/store";
import { open, rm, type FileHandle } from "node:fs/promises";
import { registryErrors } from "../errors.ts";
import { growFile } from "./growing-file.ts";

export interface TransferOptions {
  readonly digest: Digest;
  /** As its manifest says. */
  readonly sizeBytes: number;
  /** Where its bytes are kept until they are whole; what an earlier try left there is used. */
  readonly path: string;
  readonly upstream: string;
  readonly source: Repository;
  /** Sends a question, minding how the upstream fares. */
  readonly ask: <T>(question: () => Promise<T>) => Promise<T>;
  /** Makes the checked file a blob of the content store. The file is gone afterwards. */
  readonly keep: (path: string) => Promise<void>;
  readonly signal: AbortSignal;
}

const READ_BYTES = 1024 * 1024;

export class BlobTransfer {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Resolves when the upstream has begun to answer, or nothing more is needed of it. Rejects with its refusal. */
  readonly opened: Promise<void>;
  /** Resolves when the blob is in the content store. */
  readonly kept: Promise<void>;
  readonly #options: TransferOptions;
  readonly #waiting = new Set<() => void>();
  #file: FileHandle | undefined;
  #readers = 0;
  #received = 0;
  #state: "running" | "checked" | "failed" = "running";
  #isOver = false;

  constructor(options: TransferOptions) {
    this.#options = options;
    this.digest = options.digest;
    this.sizeBytes = options.sizeBytes;
    const opened = Promise.withResolvers<void>();
    this.opened = opened.promise;
    this.kept = this.#run(opened.resolve).catch((error: unknown) => {
      this.#state = "failed";
      opened.reject(error);
      throw error;
    });
    // Whoever waits for them is told; nobody may be waiting.
    this.opened.catch(() => undefined);
    this.kept.catch(() => undefined).finally(() => this.#end());
  }

  /** Bytes that can be read now. */
  get received(): number {
    return this.#received;
  }

  /** True when all of it is there and is what its digest says. */
  get isChecked(): boolean {
    return this.#state === "checked";
  }

  get isFailed(): boolean {
    return this.#state === "failed";
  }

  /** Calls back once at the next change: more bytes, checked, or failed. Returns what takes the call back. */
  onceChanged(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => void this.#waiting.delete(wake);
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Lets somebody read while it grows; the function given back lets it go. */
  attach(): { readonly file: FileHandle; readonly release: () => void } | undefined {
    if (this.#file === undefined) return undefined;
    this.#readers += 1;
    let isReleased = false;
    const release = (): void => {
      if (isReleased) return;
      isReleased = true;
      this.#readers -= 1;
      void this.#closeUnused();
    };
    return { file: this.#file, release };
  }

  async #run(onOpened: () => void): Promise<void> {
    const { path, keep, digest } = this.#options;
    const file = await open(path, "a+").catch((error: unknown) => {
      throw fileError(error, path);
    });
    this.#file = file;
    const digester = await this.#takeUp(file);
    try {
      await this.#receive(file, digester, onOpened);
      if (digester.digest() !== digest) throw this.#corrupt("its digest is another");
    } catch (error) {
      // What came is kept for another try; what is wrong is not.
      if (isPratiqueError(error, "registry.upstream-corrupt")) await rm(path, { force: true });
      throw error;
    }
    this.#state = "checked";
    this.#wake();
    await keep(path);
  }

  #corrupt(reason: string): Error {
    const what = `blob ${this.digest}: ${reason}`;
    return registryErrors("registry.upstream-corrupt", { upstream: this.#options.upstream, reason: what });
  }

  /** What an earlier try left, read again. */
  async #takeUp(file: FileHandle): Promise<Digester> {
    const digester = new Digester(algorithmOf(this.digest));
    const { size } = await file.stat();
    if (size > this.sizeBytes) {
      await file.truncate(0);
      return digester;
    }
    const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, size));
    for (let at = 0; at < size;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) break;
      digester.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
    this.#received = digester.sizeBytes;
    return digester;
  }

  async #receive(file: FileHandle, digester: Digester, onOpened: () => void): Promise<void> {
    const { source, ask, signal, path } = this.#options;
    const start = this.#received;
    if (start === this.sizeBytes) return onOpened();
    // Always a range: of a whole blob the client would hold back each chunk until the next one comes.
    const stream = await ask(() => source.openBlob(this.digest, { start }));
    onOpened();
    await ask(() =>
      growFile(file, path, this.#checking(stream, digester, signal), (sizeBytes) => {
        this.#received += sizeBytes;
        this.#wake();
      }),
    );
    if (this.#received !== this.sizeBytes) throw this.#corrupt("it is shorter than its manifest says");
  }

  /** Passes chunks on, as long as they can be the blob's. */
  async *#checking(
    source: AsyncIterable<Uint8Array>,
    digester: Digester,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    for await (const bytes of source) {
      signal.throwIfAborted();
      digester.update(bytes);
      if (digester.sizeBytes > this.sizeBytes) throw this.#corrupt("it is longer than its manifest says");
      yield bytes;
    }
  }

  async #end(): Promise<void> {
    this.#isOver = true;
    this.#wake();
    await this.#closeUnused();
  }

  async #closeUnused(): Promise<void> {
    if (!this.#isOver || this.#readers > 0) return;
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}
