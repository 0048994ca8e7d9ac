// A tile log of entries that are not records: an append is in the published, signed tree when it resolves.
import { Mutex, type Log } from "@pratique/core";
import { ensureDirectory } from "@pratique/store";
import { auditErrors } from "./errors.ts";
import { systemFiles, type LogFiles } from "./log-files.ts";
import type { LogKey } from "./log-key.ts";
import { leafHash, verifyInclusion } from "./merkle.ts";
import type { Checkpoint } from "./note.ts";
import { serveTile } from "./serve-tile.ts";
import { inclusionPath, tileHashes, type HashReader } from "./tile-reader.ts";
import { MAX_ENTRY_BYTES } from "./tile.ts";
import { Tree } from "./tree.ts";

/** An entry's place in the tree, and the proof of it under a published checkpoint. */
export interface LoggedEntry {
  readonly index: number;
  readonly hashes: readonly Buffer[];
  readonly checkpoint: Checkpoint;
}

export interface TileLogOptions {
  readonly directory: string;
  readonly key: LogKey;
  readonly log: Log;
  readonly files?: LogFiles;
}

interface Waiting {
  readonly entry: Uint8Array;
  resolve(logged: LoggedEntry): void;
  reject(error: unknown): void;
}

const MAX_GROUP = 1024;

export class TileLog {
  readonly #directory: string;
  readonly #tree: Tree;
  readonly #waiting: Waiting[] = [];
  readonly #committing = new Mutex();
  #isClosed = false;

  private constructor(directory: string, tree: Tree) {
    this.#directory = directory;
    this.#tree = tree;
  }

  /**
   * Opens the log as its last checkpoint says, or begins one. There is no journal: what was acknowledged is in the tree.
   * @throws `audit.corrupt`, `audit.wrong-key`, `audit.full`, `audit.unavailable`
   */
  static async open({ directory, key, log, files = systemFiles }: TileLogOptions): Promise<TileLog> {
    await ensureDirectory(directory, 0o700);
    return new TileLog(directory, await Tree.open({ directory, key, log, files }));
  }

  /** The last published checkpoint. */
  get checkpoint(): Checkpoint {
    return this.#tree.checkpoint;
  }

  /**
   * Appends one entry. Entries that come while others are written share the next writing.
   * @throws `audit.too-large`, `audit.full`, `audit.unavailable`, `audit.closed`
   */
  append(entry: Uint8Array): Promise<LoggedEntry> {
    if (this.#isClosed) return Promise.reject(auditErrors("audit.closed"));
    if (entry.length > MAX_ENTRY_BYTES) {
      return Promise.reject(auditErrors("audit.too-large", { sizeBytes: entry.length, limitBytes: MAX_ENTRY_BYTES }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entry, resolve, reject });
      void this.#committing.run(() => this.#commit());
    });
  }

  /** What the log serves: `checkpoint`, `tile/0/000.p/12`, `tile/entries/000`. */
  tile(path: string): Promise<Uint8Array | undefined> {
    return serveTile(this.#directory, path, () => this.#tree.edge.size);
  }

  /** Lets what is under way end, then lets go of the files. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#committing.run(() => this.#tree.close());
  }

  async #commit(): Promise<void> {
    const group = this.#waiting.splice(0, MAX_GROUP);
    if (group.length === 0) return;
    const first = this.#tree.edge.size;
    try {
      const checkpoint = await this.#tree.integrate(group.map(({ entry }) => entry));
      const read = tileHashes(this.#directory, checkpoint.size, this.#tree.edge.levels);
      for (const [at, { entry, resolve }] of group.entries()) {
        resolve({ index: first + at, hashes: await prove(entry, first + at, checkpoint, read), checkpoint });
      }
    } catch (error) {
      // Whoever was answered before is answered: a settled promise stays as it is.
      for (const { reject } of group) reject(error);
    }
  }
}

/** Checked before it is handed out: a damaged tile must not become a wrong proof. */
async function prove(
  entry: Uint8Array,
  index: number,
  { size, rootHash }: Checkpoint,
  read: HashReader,
): Promise<Buffer[]> {
  const hashes = await inclusionPath(index, size, read);
  if (verifyInclusion(leafHash(entry), index, size, hashes, Buffer.from(rootHash, "base64"))) return hashes;
  throw auditErrors("audit.corrupt", { file: "tile", reason: `its hashes do not prove entry ${index}` });
}
