// Files that are whole or absent, and stay so when the power goes.
import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileError, systemCode } from "./file-error.ts";

const LEFTOVER = /^\..+\.[0-9a-f]{12}\.partial$/;

/** One file of a set that `writeFilesDurably` writes. */
export interface DurableFile {
  readonly path: string;
  readonly bytes: Uint8Array | string;
  readonly mode?: number;
}

/**
 * Writes a file so that a reader, or the next start after `kill -9`, sees the old content or the new and nothing between.
 * Temporary file in the same directory, fsync, rename, fsync of the directory.
 * @throws `store.full`, `store.not-writable`, `store.io`
 */
export async function writeFileDurably(
  path: string,
  bytes: Uint8Array | string,
  options: { readonly mode?: number } = {},
): Promise<void> {
  await writeFilesDurably([{ path, bytes, ...options }]);
}

/**
 * Writes several files, each whole or absent, with one fsync of each directory for all of them.
 * The set is not atomic: when this fails, some may be there. When it resolves, all are durable.
 */
export async function writeFilesDurably(files: readonly DurableFile[]): Promise<void> {
  const partials = files.map((file) => ({ ...file, partial: partialOf(file.path) }));
  try {
    for (const settled of await Promise.allSettled(partials.map(writePartial))) {
      if (settled.status === "rejected") throw settled.reason;
    }
    for (const { partial, path } of partials) {
      await rename(partial, path).catch((error: unknown) => {
        throw fileError(error, path);
      });
    }
    await Promise.all([...new Set(files.map(({ path }) => dirname(path)))].map(syncDirectory));
  } catch (error) {
    await Promise.allSettled(partials.map(({ partial }) => rm(partial, { force: true })));
    throw error;
  }
}

function partialOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.partial`);
}

async function writePartial({ partial, path, bytes, mode }: DurableFile & { partial: string }): Promise<void> {
  try {
    const file = await open(partial, "wx", mode ?? 0o644);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, path);
  }
}

/** Makes the names in a directory durable: fsync of the directory itself. */
export async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    throw fileError(error, path);
  }
}

/**
 * Makes a directory and the missing ones above it, each durable in its parent.
 * `mode` is that of new directories (default 0755); one that is there keeps its own.
 */
export async function ensureDirectory(path: string, mode = 0o755): Promise<void> {
  const full = resolve(path);
  try {
    await makeLevels(full, mode);
  } catch (error) {
    throw fileError(error, path);
  }
}

/** Level by level: Node's recursive mkdir never ends where a file system answers ENOENT to it, as /proc does. */
async function makeLevels(path: string, mode: number): Promise<void> {
  if (await isDirectory(path)) return;
  await makeLevels(dirname(path), mode);
  try {
    await mkdir(path, { mode });
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (systemCode(error) !== "EEXIST" || !(await isDirectory(path))) throw error;
  }
  await syncDirectory(dirname(path));
}

/** False when nothing is there; a file in the way is an error. */
async function isDirectory(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
  throw Object.assign(new Error(`${path} is a file`), { code: "ENOTDIR" });
}

/** Removes what interrupted `writeFileDurably` calls left in a directory; returns how many there were. */
export async function removeLeftovers(directory: string): Promise<number> {
  const leftovers = (await readdir(directory)).filter((name) => LEFTOVER.test(name));
  for (const name of leftovers) await rm(join(directory, name), { force: true });
  return leftovers.length;
}
