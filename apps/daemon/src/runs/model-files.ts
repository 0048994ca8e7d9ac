// Weights as files that an engine can open: blobs where they lie, or taken out of a tar once and kept.
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, link, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { hexOf, SingleFlight, type Digest } from "@pratique/core";
import type { LocalFile } from "@pratique/oci";
import type { CanonicalModel, ModelFile } from "@pratique/packaging";
import { ggufWeights } from "@pratique/packaging";
import { ensureDirectory, syncDirectory } from "@pratique/store";
import type { Found } from "../artifacts/find-artifact.ts";
import { daemonErrors } from "../errors.ts";

export interface WeightsOnDisk {
  /** Of several parts the first; the others lie beside it. */
  readonly path: string;
  /** Of all parts. */
  readonly sizeBytes: number;
}

const PARTIAL = ".partial";

/** Hands out the weights of models, for as long as the daemon runs. */
export class ModelFiles {
  readonly #directory: string;
  readonly #making = new SingleFlight<string>();
  #cleaned: Promise<void> | undefined;
  readonly #held = new Map<Digest, LocalFile>();

  /** @param directory ours alone; it is filled on demand and may be removed while the daemon is down */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @throws `model.not-runnable`, `archive.damaged` */
  async weights({ repository, reference, descriptor }: Found, model: CanonicalModel): Promise<WeightsOnDisk> {
    const parts = ggufWeights(model);
    const [first] = parts ?? [];
    if (parts === undefined || first === undefined) {
      throw daemonErrors("model.not-runnable", { reference, format: model.metadata.format ?? "unknown" });
    }
    const sizeBytes = parts.reduce((sum, { size }) => sum + size, 0);
    // The engine may open a file again at any time, so it is held for as long as we run.
    const held = await Promise.all(
      parts.map((part) => (part.blobIn === undefined ? undefined : this.#hold(repository, part))),
    );
    if (parts.length === 1 && held[0] !== undefined) return { path: held[0].path, sizeBytes };
    const directory = join(this.#directory, hexOf(descriptor.digest));
    await this.#making.run(directory, () => this.#make(directory, parts, held));
    return { path: join(directory, basename(first.path)), sizeBytes };
  }

  /** Once: what a killed daemon left. */
  #clean(): Promise<void> {
    this.#cleaned ??= removePartials(this.#directory);
    return this.#cleaned;
  }

  async #hold(repository: Found["repository"], { digest }: ModelFile): Promise<LocalFile> {
    const held = this.#held.get(digest);
    if (held !== undefined) return held;
    const file = await repository.localFile(digest);
    // Somebody who asked meanwhile holds the same file.
    const first = this.#held.get(digest);
    if (first === undefined) this.#held.set(digest, file);
    else file.release();
    return first ?? file;
  }

  /** All parts under the names by which they find each other, whole or not there. */
  async #make(
    directory: string,
    parts: readonly ModelFile[],
    held: readonly (LocalFile | undefined)[],
  ): Promise<string> {
    if (await hasAll(directory, parts)) return directory;
    await this.#clean();
    const partial = `${directory}.${randomBytes(6).toString("hex")}${PARTIAL}`;
    await mkdir(partial, { mode: 0o700 });
    try {
      for (const [at, part] of parts.entries()) {
        const target = join(partial, basename(part.path));
        const file = held[at];
        if (file === undefined) await extract(part, target);
        else await linkOrCopy(file.path, target);
      }
      await syncDirectory(partial);
      await rm(directory, { recursive: true, force: true });
      await rename(partial, directory);
      await syncDirectory(this.#directory);
      return directory;
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
  }
}

async function removePartials(directory: string): Promise<void> {
  await ensureDirectory(directory);
  for (const name of await readdir(directory)) {
    if (name.endsWith(PARTIAL)) await rm(join(directory, name), { recursive: true, force: true });
  }
}

async function hasAll(directory: string, parts: readonly ModelFile[]): Promise<boolean> {
  for (const { path, size } of parts) {
    const found = await stat(join(directory, basename(path))).catch(() => undefined);
    if (found?.size !== size) return false;
  }
  return true;
}

/** Node cannot clone a range of a file, so what lies in a tar is copied, and checked on the way. */
async function extract(part: ModelFile, target: string): Promise<void> {
  const file = await open(target, "wx", 0o400);
  try {
    for await (const chunk of part.open()) await file.writeFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch {
    // Another file system, or one without links: cloned where it can, else copied.
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}
