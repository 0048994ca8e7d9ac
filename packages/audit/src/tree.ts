// The signed tree on disk: tiles, bundles, then the checkpoint over them, each durable before the next.
import { readdir, rmdir } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import type { Log } from "@pratique/core";
import { ensureDirectory, removeLeftovers } from "@pratique/store";
import { CHECKPOINTS, splitNotes } from "./checkpoint-list.ts";
import { edgeRoot, EMPTY_EDGE, extendEdge, partialFiles, type Edge } from "./edge.ts";
import { auditErrors } from "./errors.ts";
import { readIfThere, writeError, type LogFiles } from "./log-files.ts";
import type { LogKey } from "./log-key.ts";
import { leafHash } from "./merkle.ts";
import { checkpointBody, noteNames, openCheckpoint, signNote, type Checkpoint } from "./note.ts";
import { SyncedFile } from "./synced-file.ts";
import { readBundle } from "./tile-reader.ts";
import { decodeTile, parseTilePath, TILE_WIDTH, tileOf, tilePath } from "./tile.ts";

/** The published checkpoint's name in the log's directory. */
export const CHECKPOINT = "checkpoint";

export interface TreeOptions {
  readonly directory: string;
  readonly key: LogKey;
  readonly files: LogFiles;
  readonly log: Log;
}

export class Tree {
  readonly #options: TreeOptions;
  readonly #list: SyncedFile;
  #edge: Edge;
  #checkpoint: Checkpoint;

  private constructor(options: TreeOptions, list: SyncedFile, edge: Edge, checkpoint: Checkpoint) {
    this.#options = options;
    this.#list = list;
    this.#edge = edge;
    this.#checkpoint = checkpoint;
  }

  /**
   * Opens the tree as its last signed checkpoint says, and removes what an interrupted write left.
   * @throws `audit.corrupt`, `audit.wrong-key`, `audit.full`, `audit.unavailable`
   */
  static async open(options: TreeOptions): Promise<Tree> {
    const { directory, files } = options;
    await ensureDirectory(join(directory, "tile"));
    await removeLeftovers(directory);
    const listed = (await readIfThere(join(directory, CHECKPOINTS))) ?? Buffer.alloc(0);
    const { notes, soundBytes } = splitNotes(listed);
    const last = notes.at(-1);
    if (last === undefined) return Tree.#begin(options);
    const checkpoint = openOwn(last, options.key);
    const edge = await loadEdge(directory, checkpoint);
    await removeStale(options, edge);
    const list = await SyncedFile.open(files, join(directory, CHECKPOINTS), soundBytes);
    const tree = new Tree(options, list, edge, checkpoint);
    await tree.#republish(notes);
    return tree;
  }

  static async #begin(options: TreeOptions): Promise<Tree> {
    const { directory, key, files } = options;
    if (
      (await readIfThere(join(directory, CHECKPOINT))) !== undefined ||
      (await filesUnder(join(directory, "tile"))).length > 0
    ) {
      throw auditErrors("audit.corrupt", { file: CHECKPOINTS, reason: "it is missing or empty" });
    }
    const list = await SyncedFile.open(files, join(directory, CHECKPOINTS), 0);
    const tree = new Tree(options, list, EMPTY_EDGE, signedOver(EMPTY_EDGE, key));
    await tree.#publish(tree.#checkpoint);
    return tree;
  }

  get edge(): Edge {
    return this.#edge;
  }

  /** The last checkpoint that was published. */
  get checkpoint(): Checkpoint {
    return this.#checkpoint;
  }

  /** Appends entries and publishes a checkpoint over them. When this fails, the tree is as it was: try again. */
  async integrate(entries: readonly Uint8Array[]): Promise<Checkpoint> {
    const { directory, key, files } = this.#options;
    const { edge, full } = extendEdge(this.#edge, entries);
    const tiles = [...full, ...partialFiles(edge)].map(({ path, bytes }) => ({ path: join(directory, path), bytes }));
    try {
      for (const parent of new Set(tiles.map(({ path }) => dirname(path)))) await ensureDirectory(parent);
      await files.writeAll(tiles);
      const checkpoint = signedOver(edge, key);
      await this.#publish(checkpoint);
      const before = partialFiles(this.#edge).map(({ path }) => join(directory, path));
      this.#edge = edge;
      this.#checkpoint = checkpoint;
      await this.#removeSuperseded(before, new Set(tiles.map(({ path }) => path)));
      return checkpoint;
    } catch (error) {
      throw writeError(error, directory);
    }
  }

  close(): Promise<void> {
    return this.#list.close();
  }

  /** Into the list first: what is published was always listed before. */
  async #publish(checkpoint: Checkpoint): Promise<void> {
    const { directory, files } = this.#options;
    await this.#list.append(Buffer.from(checkpoint.note));
    await files.writeAll([{ path: join(directory, CHECKPOINT), bytes: checkpoint.note }]);
  }

  /** After a stop between the list and the checkpoint file, the file is one behind. */
  async #republish(notes: readonly string[]): Promise<void> {
    const { directory, files } = this.#options;
    const published = (await readIfThere(join(directory, CHECKPOINT)))?.toString();
    if (published === this.#checkpoint.note) return;
    if (published !== undefined && !notes.includes(published)) {
      throw auditErrors("audit.corrupt", {
        file: CHECKPOINT,
        reason: `it is not among those that ${CHECKPOINTS} lists`,
      });
    }
    await files.writeAll([{ path: join(directory, CHECKPOINT), bytes: this.#checkpoint.note }]);
  }

  /** A partial tile may go once a wider one stands under a durable checkpoint. Failing to tidy loses nothing. */
  async #removeSuperseded(before: readonly string[], now: ReadonlySet<string>): Promise<void> {
    for (const path of before) {
      if (now.has(path)) continue;
      await this.#options.files.remove(path).catch(() => undefined);
      await rmdir(dirname(path)).catch(() => undefined);
    }
  }
}

function signedOver(edge: Edge, key: LogKey): Checkpoint {
  const root = edgeRoot(edge);
  const note = signNote(checkpointBody(key.name, edge.size, root), key);
  return { origin: key.name, size: edge.size, rootHash: root.toString("base64"), note };
}

function openOwn(note: string, key: LogKey): Checkpoint {
  try {
    return openCheckpoint(note, key, CHECKPOINTS);
  } catch (cause) {
    if (!noteNames(note, key)) throw auditErrors("audit.wrong-key", { file: CHECKPOINTS, key: key.vkey }, { cause });
    const reason = "its last note does not verify";
    throw auditErrors("audit.corrupt", { file: CHECKPOINTS, reason }, { cause });
  }
}

/** Reads the partial tiles and the partial bundle, and checks them against the signed root. */
async function loadEdge(directory: string, { size, rootHash }: Checkpoint): Promise<Edge> {
  const levels: Buffer[][] = [];
  for (let level = 0; size >= TILE_WIDTH ** level; level += 1) {
    const address = tileOf(level, Math.floor(size / TILE_WIDTH ** (level + 1)), size);
    if (address === undefined) {
      levels.push([]);
      continue;
    }
    const file = tilePath(address);
    const hashes = decodeTile((await readIfThere(join(directory, file))) ?? Buffer.alloc(0));
    if (hashes?.length !== address.width) {
      throw auditErrors("audit.corrupt", { file, reason: "it is missing or of a wrong length" });
    }
    levels.push(hashes);
  }
  const bundle = await readBundle(directory, Math.floor(size / TILE_WIDTH), size);
  const edge = { size, levels, bundle };
  if (edgeRoot(edge).toString("base64") !== rootHash) {
    throw auditErrors("audit.corrupt", { file: "tile/0", reason: "the last tiles do not give the signed root" });
  }
  const damaged = bundle.findIndex((entry, at) => !leafHash(entry).equals(levels[0]?.[at] ?? Buffer.alloc(0)));
  if (damaged >= 0) {
    const file = tilePath({ level: "entries", index: Math.floor(size / TILE_WIDTH), width: bundle.length });
    throw auditErrors("audit.corrupt", { file, reason: `its entry ${damaged} is not the one that was signed` });
  }
  return edge;
}

/** Removes half-written files, superseded partial tiles, and tiles that no checkpoint covers yet. */
async function removeStale({ directory, files, log }: TreeOptions, edge: Edge): Promise<void> {
  const root = join(directory, "tile");
  let removed = 0;
  for (const path of await filesUnder(root)) {
    const address = parseTilePath(relative(directory, path).split(sep).join("/"));
    const widest = address && tileOf(address.level, address.index, edge.size);
    if (address !== undefined && widest?.width === address.width) continue;
    if (address === undefined && !path.endsWith(".partial")) continue;
    await files.remove(path);
    await rmdir(dirname(path)).catch(() => undefined);
    removed += 1;
  }
  if (removed > 0) log.info("removed what an interrupted write left in the audit log", { files: removed });
}

async function filesUnder(root: string): Promise<string[]> {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
