// A file that only grows, by writes that are whole and synced or did not happen.
import { dirname } from "node:path";
import { syncDirectory } from "@pratique/store";
import { writeError, type AppendFile, type LogFiles } from "./log-files.ts";

/** A file that only grows, and whose unfinished writes are cut off again. Its calls must not overlap. */
export class SyncedFile {
  readonly #path: string;
  readonly #file: AppendFile;
  #sizeBytes: number;
  #isDirty = false;

  private constructor(path: string, file: AppendFile, sizeBytes: number) {
    this.#path = path;
    this.#file = file;
    this.#sizeBytes = sizeBytes;
  }

  /** Opens the file for writing after its first `sizeBytes`; what follows them is cut off. */
  static async open(files: LogFiles, path: string, sizeBytes: number): Promise<SyncedFile> {
    const file = await files.openAppend(path);
    await syncDirectory(dirname(path));
    const synced = new SyncedFile(path, file, sizeBytes);
    await synced.#cut();
    return synced;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Appends and syncs. When this fails, nothing was appended. @throws `audit.full`, `audit.unavailable` */
  async append(bytes: Uint8Array): Promise<void> {
    try {
      if (this.#isDirty) await this.#cut();
      this.#isDirty = true;
      for (let written = 0; written < bytes.length;) {
        written += await this.#file.write(bytes.subarray(written), this.#sizeBytes + written);
      }
      await this.#file.datasync();
      this.#sizeBytes += bytes.length;
      this.#isDirty = false;
    } catch (error) {
      // Cut now if the disk lets us, else before the next append: a half frame must not stand before a whole one.
      await this.#cut().catch(() => undefined);
      throw writeError(error, this.#path);
    }
  }

  /** Empties the file. Not synced: whoever sees the old content after a power cut knows it already. */
  async clear(): Promise<void> {
    this.#sizeBytes = 0;
    this.#isDirty = true;
    await this.#cut();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #cut(): Promise<void> {
    await this.#file.truncate(this.#sizeBytes);
    await this.#file.datasync();
    this.#isDirty = false;
  }
}
