// A file that grows in order: what comes during one write goes out in the next, all at once.
import { fileError } from "@pratique/store";
import { open, type FileHandle } from "node:fs/promises";

export class GrowingFile {
  readonly #path: string;
  readonly #onWritten: (chunks: number) => void;
  #handle: FileHandle | undefined;
  #waiting: Buffer[] = [];
  #writing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** `onWritten` is told how many chunks are in the file now that were not. */
  constructor(path: string, onWritten: (chunks: number) => void) {
    this.#path = path;
    this.#onWritten = onWritten;
  }

  get handle(): FileHandle | undefined {
    return this.#handle;
  }

  get isBroken(): boolean {
    return this.#failure !== undefined;
  }

  /** Makes it when it is not there. */
  async open(): Promise<FileHandle> {
    try {
      return (this.#handle ??= await open(this.#path, "a+"));
    } catch (error) {
      throw fileError(error, this.#path);
    }
  }

  /** Appends a chunk some time soon; it must stay as it is until then. */
  append(chunk: Buffer): void {
    this.#waiting.push(chunk);
    this.#writing ??= this.#write();
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0 && this.#failure === undefined) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await writeAll(await this.open(), batch);
        this.#onWritten(batch.length);
      } catch (error) {
        this.#failure = { error: fileError(error, this.#path) };
        this.#onWritten(0);
      }
    }
    this.#writing = undefined;
  }

  /** Waits until everything is written. @throws what writing threw */
  async settle(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}

async function writeAll(file: FileHandle, batch: readonly Buffer[]): Promise<void> {
  const size = batch.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  const { bytesWritten } = await file.writev([...batch]);
  if (bytesWritten === size) return;
  // A short write, as at the end of a disk: the rest one by one, so that its error shows.
  const rest = Buffer.concat(batch, size).subarray(bytesWritten);
  for (let at = 0; at < rest.byteLength;) at += (await file.write(rest, at)).bytesWritten;
}
