// One blob on its way in from an upstream: a file that grows, whose readers need not wait for its end.
import { algorithmOf, Digester, isPratiqueError, type Digest } from "@pratique/core";
import type { Landing, Repository } from "@pratique/oci";
import { fileError } from "@pratique/store";
import { rm, stat, type FileHandle } from "node:fs/promises";
import { registryErrors } from "../errors.ts";
import { GrowingFile } from "./growing-file.ts";
import { TipBlocks, type HeldBytes } from "./tip-blocks.ts";

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

/** What a reader sees of a transfer. */
export interface TransferReader {
  /** Bytes from `at` on, not beyond `limit`, when they came just now; otherwise they are in the file. */
  held(at: number, limit: number): HeldBytes | undefined;
  file(): FileHandle | undefined;
  release(): void;
}

const FIRST_PAUSE_MS = 4;
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
  readonly #file: GrowingFile;
  readonly #begun = Promise.withResolvers<void>();
  #tip: TipBlocks | undefined;
  #drained: () => void = () => undefined;
  #readers = 0;
  #received = 0;
  #state: "running" | "checked" | "failed" = "running";
  #isOver = false;

  constructor(options: TransferOptions) {
    this.#options = options;
    this.digest = options.digest;
    this.sizeBytes = options.sizeBytes;
    this.#file = new GrowingFile(options.path, (chunks) => {
      this.#tip?.written(chunks);
      this.#drained();
    });
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

  /**
   * Lets the body in. Until then the upstream has been asked at most: the flood of a large blob would hold up the
   * record that its first byte waits for.
   */
  begin(): this {
    this.#begun.resolve();
    return this;
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

  /** Lets somebody read while it grows; undefined when it is over. */
  attach(): TransferReader | undefined {
    if (this.#isOver) return undefined;
    this.#readers += 1;
    let isReleased = false;
    return {
      held: (at, limit) => this.#tip?.hold(at, limit),
      file: () => this.#file.handle,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        this.#readers -= 1;
        void this.#closeUnused();
      },
    };
  }

  async #run(onOpened: () => void): Promise<void> {
    const { path, keep, digest } = this.#options;
    const digester = await this.#takeUp();
    try {
      await this.#receive(digester, onOpened);
      if (digester.digest() !== digest) throw this.#corrupt("its digest is another");
    } catch (error) {
      // What came is kept for another try; what is wrong is not.
      if (isPratiqueError(error, "registry.upstream-corrupt")) await rm(path, { force: true });
      throw error;
    }
    this.#state = "checked";
    this.#wake();
    await this.#file.open();
    await keep(path);
  }

  #corrupt(reason: string): Error {
    const what = `blob ${this.digest}: ${reason}`;
    return registryErrors("registry.upstream-corrupt", { upstream: this.#options.upstream, reason: what });
  }

  /** What an earlier try left, read again. No file is made yet when there is none. */
  async #takeUp(): Promise<Digester> {
    const digester = new Digester(algorithmOf(this.digest));
    const size = await sizeOf(this.#options.path);
    if (size === 0) return digester;
    const file = await this.#file.open();
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

  async #receive(digester: Digester, onOpened: () => void): Promise<void> {
    const { ask } = this.#options;
    const start = this.#received;
    if (start === this.sizeBytes) return onOpened();
    const tip = new TipBlocks(start, this.sizeBytes);
    this.#tip = tip;
    const landing = this.#landing(tip, digester);
    const begin = (): Promise<void> => {
      onOpened();
      return this.#begun.promise;
    };
    try {
      await ask(() => this.#land(landing, start, begin));
    } finally {
      // Of what broke off the last part of a block is kept as well.
      const rest = tip.rest();
      if (rest !== undefined) this.#file.append(rest);
      await this.#file.settle();
    }
  }

  async #land(landing: Landing, start: number, onOpened: () => Promise<void>): Promise<void> {
    const { source, signal } = this.#options;
    const blob = { digest: this.digest, size: this.sizeBytes };
    if (source.landBlob === undefined) throw new TypeError("upstreams are remote");
    await source.landBlob(blob, landing, { start, onOpened });
    signal.throwIfAborted();
  }

  #landing(tip: TipBlocks, digester: Digester): Landing {
    let isFirst = true;
    return {
      room: () => tip.room(),
      came: (sizeBytes) => {
        const full = tip.came(sizeBytes);
        this.#received += sizeBytes;
        this.#wake();
        if (full !== undefined) {
          digester.update(full);
          this.#file.append(full);
        }
        if (this.#file.isBroken || this.#options.signal.aborted) return "enough";
        if (isFirst && this.#readers > 0) {
          isFirst = false;
          // The first bytes go out, and reach who waits for them, before the flood takes the processor.
          setTimeout(() => this.#drained(), FIRST_PAUSE_MS);
          return "pause";
        }
        return tip.isSpent ? "pause" : "more";
      },
      whenDrained: (resume) => {
        this.#drained = resume;
      },
    };
  }

  async #end(): Promise<void> {
    this.#isOver = true;
    this.#wake();
    await this.#closeUnused();
  }

  async #closeUnused(): Promise<void> {
    if (!this.#isOver || this.#readers > 0) return;
    this.#tip?.clear();
    await this.#file.close();
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw fileError(error, path);
  }
}
