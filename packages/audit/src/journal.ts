// The journal: an append-only file whose fsync is what makes a record acknowledged.
import { auditErrors } from "./errors.ts";
import { decodeFrames, encodeFrame } from "./frames.ts";
import { readIfThere, type LogFiles } from "./log-files.ts";
import { SyncedFile } from "./synced-file.ts";

/** The file's name in the log's directory. */
export const JOURNAL = "journal";

/** The journal file as it was found, open for more. */
export class Journal {
  readonly #file: SyncedFile;

  private constructor(file: SyncedFile) {
    this.#file = file;
  }

  /** @throws `audit.corrupt` when bytes that were once whole are damaged */
  static async open(
    files: LogFiles,
    path: string,
  ): Promise<{ journal: Journal; entries: readonly Buffer[]; tornBytes: number }> {
    const bytes = (await readIfThere(path)) ?? Buffer.alloc(0);
    const { entries, soundBytes, tail } = decodeFrames(bytes);
    if (tail === "damaged") {
      throw auditErrors("audit.corrupt", {
        file: JOURNAL,
        reason: `the frame at byte ${soundBytes} does not match its checksum`,
      });
    }
    const file = await SyncedFile.open(files, path, soundBytes);
    return { journal: new Journal(file), entries, tornBytes: bytes.length - soundBytes };
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  /** One write and one fsync for all entries. */
  append(entries: readonly Uint8Array[]): Promise<void> {
    return this.#file.append(Buffer.concat(entries.map(encodeFrame)));
  }

  clear(): Promise<void> {
    return this.#file.clear();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
