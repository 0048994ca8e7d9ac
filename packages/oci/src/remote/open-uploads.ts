// Uploads to other registries that were begun, so that whoever comes after a crash can go on with them.
import { digestOf, hexOf, type Clock } from "@pratique/core";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../local/storage-error.ts";

/** Registries forget uploads after about a week; a location may also carry a signature, which is not kept for long. */
const KEPT_MS = 24 * 60 * 60 * 1000;
const LOCATION_LIMIT = 8192;

/** A file each, readable by its owner only. Losing one costs sending the whole file again, so nothing is synced. */
export class OpenUploads {
  readonly #directory: string;
  readonly #clock: Clock;
  #isSwept = false;

  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /** `key`: registry, repository and what identifies the file with its content. */
  async find(key: string): Promise<string | undefined> {
    try {
      const path = this.#path(key);
      if (this.#isOld((await stat(path)).mtimeMs)) return undefined;
      const location = await readFile(path, "utf8");
      return location.length <= LOCATION_LIMIT ? location : undefined;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async remember(key: string, location: URL): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    if (!this.#isSwept) await this.#sweep();
    await writeFile(this.#path(key), location.href, { mode: 0o600 });
  }

  async forget(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  async #sweep(): Promise<void> {
    this.#isSwept = true;
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      const stats = await stat(path).catch(() => undefined);
      if (stats !== undefined && this.#isOld(stats.mtimeMs)) await rm(path, { force: true });
    }
  }

  #isOld(mtimeMs: number): boolean {
    return this.#clock.now().getTime() - mtimeMs > KEPT_MS;
  }

  #path(key: string): string {
    return join(this.#directory, hexOf(digestOf(key)));
  }
}
