// The files of a directory that is to be packed: bounded, in byte order, and no links or devices among them.
import { constants, type Dirent } from "node:fs";
import { lstat, open, readdir, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { readBounded } from "@pratique/core";
import { sortEntries } from "./archive/tar-writer.ts";
import { pathProblem } from "./archive/entry-path.ts";
import { packagingErrors } from "./errors.ts";

export interface SourceFile {
  /** Relative to the directory, with `/`. */
  readonly path: string;
  readonly absolute: string;
  /** Bytes. */
  readonly size: number;
  readonly executable: boolean;
}

export interface SourceLimits {
  readonly kind: string;
  readonly maxFiles: number;
  readonly maxBytes: number;
  /** Names of directories that are left out. */
  readonly exclude?: ReadonlySet<string>;
}

/** Version control, and what a file manager or an editor leaves. */
const NEVER: ReadonlySet<string> = new Set([".git", ".hg", ".svn", ".DS_Store"]);

function unsafeType(entry: Dirent): string {
  if (entry.isSymbolicLink()) return "symbolic link";
  if (entry.isBlockDevice() || entry.isCharacterDevice()) return "device";
  return entry.isFIFO() ? "pipe" : "socket";
}

/** @throws `artifact.no-directory` */
export async function requireDirectory(directory: string): Promise<void> {
  const found = await lstat(directory).catch(() => undefined);
  if (found === undefined || !found.isDirectory()) throw packagingErrors("artifact.no-directory", { directory });
}

/** Lists every file below a directory. @throws `artifact.unsafe-file`, `artifact.unsafe-name`, `artifact.too-large` */
export async function listFiles(directory: string, limits: SourceLimits): Promise<SourceFile[]> {
  await requireDirectory(directory);
  const files: SourceFile[] = [];
  let bytes = 0;
  const tooLarge = (what: string) => packagingErrors("artifact.too-large", { directory, kind: limits.kind, what });
  const visit = async (below: string): Promise<void> => {
    for (const entry of await readdir(join(directory, below), { withFileTypes: true })) {
      if (NEVER.has(entry.name)) continue;
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      const reason = pathProblem(path);
      if (reason !== undefined) throw packagingErrors("artifact.unsafe-name", { path, reason });
      if (entry.isDirectory()) {
        if (limits.exclude?.has(entry.name) !== true) await visit(path);
        continue;
      }
      if (!entry.isFile()) throw packagingErrors("artifact.unsafe-file", { path, type: unsafeType(entry) });
      const absolute = join(directory, path);
      const { size, mode } = await lstat(absolute);
      files.push({ path, absolute, size, executable: (mode & 0o111) !== 0 });
      bytes += size;
      if (files.length > limits.maxFiles) throw tooLarge(`more than ${limits.maxFiles} files`);
      if (bytes > limits.maxBytes) throw tooLarge(`more than ${limits.maxBytes} bytes`);
    }
  };
  await visit("");
  return sortEntries(files);
}

/** Opens a file as it was listed. @throws `artifact.changed` */
export async function openSourceFile(file: Pick<SourceFile, "absolute" | "path">): Promise<FileHandle> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(file.absolute, flags).catch((cause: unknown) => {
    throw packagingErrors("artifact.changed", { path: file.path }, { cause });
  });
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw packagingErrors("artifact.changed", { path: file.path });
}

/** The bytes of a file, not followed through a link that was put in its place meanwhile. @throws `artifact.changed` */
export async function* readFileChunks(file: Pick<SourceFile, "absolute" | "path">): AsyncGenerator<Uint8Array> {
  const handle = await openSourceFile(file);
  try {
    yield* handle.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>;
  } finally {
    await handle.close();
  }
}

/** The whole of a small file. @throws `input.too-large` */
export function readSmallFile(file: Pick<SourceFile, "absolute" | "path">, limitBytes: number): Promise<Buffer> {
  return readBounded(readFileChunks(file), limitBytes, file.path);
}
