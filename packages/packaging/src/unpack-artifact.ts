// From an artifact to a directory: into a directory beside it, made durable, then renamed; all of it or nothing.
import { randomBytes } from "node:crypto";
import { lstat, open, mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isPratiqueError } from "@pratique/core";
import type { Kind } from "@pratique/contracts";
import type { Repository } from "@pratique/oci";
import { ensureDirectory, fileError, syncDirectory } from "@pratique/store";
import { filesOf, type ArtifactFile } from "./artifact-files.ts";
import { packagingErrors } from "./errors.ts";
import { readArtifact } from "./read-artifact.ts";

export interface Unpacked {
  readonly kind: Kind;
  /** Relative paths, in the artifact's order. */
  readonly files: readonly string[];
}

/**
 * Writes an artifact's files into a directory that is new or empty.
 * A model gives its files, an agent `agent.yaml`, a skill `<name>/…`, an mcp-server what lies in `/app` of its image.
 * @throws `artifact.target-exists`, `archive.unsafe`, `archive.too-large`, `archive.damaged`, `artifact.malformed`
 */
export async function unpackArtifact(o: {
  repository: Repository;
  ref: string;
  directory: string;
  /** Takes the place of a directory that is there, which is removed once the new one stands. */
  replace?: boolean;
}): Promise<Unpacked> {
  const target = resolve(o.directory);
  if (o.replace !== true) await requireFree(target);
  const info = await readArtifact(o.repository, o.ref);
  const parent = dirname(target);
  await ensureDirectory(parent);
  await removeLeftovers(parent, basename(target));
  const partial = partialOf(target);
  await mkdir(partial, { mode: 0o755 });
  try {
    const files: string[] = [];
    const directories = new Set([partial]);
    for await (const file of filesOf(o.repository, info)) {
      await writeEntry(partial, file, directories);
      files.push(file.path);
    }
    if (files.length === 0) {
      const reference = `${o.repository.name}@${info.descriptor.digest}`;
      throw packagingErrors("artifact.malformed", { reference, kind: info.kind, reason: "it holds no files" });
    }
    for (const directory of directories) await syncDirectory(directory);
    if (o.replace === true) await rename(target, partialOf(target)).catch(ignoreAbsent);
    await rename(partial, target).catch((error: unknown) => {
      throw isOccupied(error) ? packagingErrors("artifact.target-exists", { directory: target }) : error;
    });
    await syncDirectory(parent);
    if (o.replace === true) await removeLeftovers(parent, basename(target));
    return { kind: info.kind, files };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw isPratiqueError(error) ? error : fileError(error, target);
  }
}

/** A name beside the target that `removeLeftovers` knows. */
function partialOf(target: string): string {
  return join(dirname(target), `.${basename(target)}.${randomBytes(6).toString("hex")}.unpacking`);
}

function ignoreAbsent(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
}

async function requireFree(target: string): Promise<void> {
  const found = await lstat(target).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isDirectory() || (await readdir(target)).length > 0) {
    throw packagingErrors("artifact.target-exists", { directory: target });
  }
}

function isOccupied(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOTEMPTY" || code === "EEXIST" || code === "ENOTDIR";
}

/** What an interrupted unpacking into the same directory left. */
async function removeLeftovers(parent: string, name: string): Promise<void> {
  const prefix = `.${name}.`;
  for (const entry of await readdir(parent)) {
    if (!entry.startsWith(prefix) || !/^[0-9a-f]{12}\.unpacking$/.test(entry.slice(prefix.length))) continue;
    await rm(join(parent, entry), { recursive: true, force: true });
  }
}

async function writeEntry(root: string, file: ArtifactFile, directories: Set<string>): Promise<void> {
  let directory = root;
  for (const part of file.path.split("/").slice(0, -1)) {
    directory = join(directory, part);
    if (directories.has(directory)) continue;
    // Fails when a file of the archive stands there: names are unique as paths, not as prefixes.
    await mkdir(directory, { mode: 0o755 }).catch((cause: unknown) => {
      throw packagingErrors(
        "archive.unsafe",
        { entry: file.path, reason: "a file stands where its directory should be" },
        { cause },
      );
    });
    directories.add(directory);
  }
  // "wx": nothing that is there is followed or replaced.
  const handle = await open(join(root, file.path), "wx", file.executable ? 0o755 : 0o644).catch((cause: unknown) => {
    throw isOccupied(cause) || (cause instanceof Error && "code" in cause && cause.code === "EISDIR")
      ? packagingErrors("archive.unsafe", { entry: file.path, reason: "it is there twice" }, { cause })
      : cause;
  });
  try {
    for await (const chunk of file.body) await handle.writeFile(chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
