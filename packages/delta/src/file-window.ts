// Part of a file, read at any place: what a tensor map and an encoder look through.
import type { FileHandle } from "node:fs/promises";
import { deltaErrors } from "./errors.ts";

export class FileWindow {
  readonly #file: FileHandle;
  readonly #start: number;
  /** Bytes. */
  readonly size: number;

  constructor(file: FileHandle, start: number, size: number) {
    this.#file = file;
    this.#start = start;
    this.size = size;
  }

  /** The whole of an open file. */
  static async of(file: FileHandle): Promise<FileWindow> {
    return new FileWindow(file, 0, (await file.stat()).size);
  }

  slice(start: number, size: number): FileWindow {
    return new FileWindow(this.#file, this.#start + start, size);
  }

  /** Fills `buffer` from `position`. @throws `delta.invalid` when the window ends before that */
  async fill(buffer: Buffer, position: number): Promise<Buffer> {
    if (position < 0 || position + buffer.length > this.size) throw ended();
    let filled = 0;
    while (filled < buffer.length) {
      const at = this.#start + position + filled;
      const { bytesRead } = await this.#file.read(buffer, filled, buffer.length - filled, at);
      if (bytesRead === 0) throw ended();
      filled += bytesRead;
    }
    return buffer;
  }

  /** At most `length` bytes from `position`; fewer at the end. */
  async read(position: number, length: number): Promise<Buffer> {
    const left = Math.max(0, Math.min(length, this.size - position));
    return this.fill(Buffer.allocUnsafe(left), position);
  }
}

function ended(): Error {
  return deltaErrors("delta.invalid", { reason: "it reaches past the end of a file" });
}
