// Reading a file that holds a secret: through one handle, so that what was checked is what is read.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { fileError, systemCode } from "@pratique/store";
import { secretErrors } from "../errors.ts";

const LIMIT_BYTES = 256 * 1024;

export interface PrivateFileOptions {
  /** Links are followed, and others may read it: files that a cluster or a service manager mounts. */
  readonly isMounted?: boolean;
}

/**
 * The bytes of a file that only its owner may read; undefined when there is none.
 * @throws `secrets.keys-unusable`
 */
export async function readPrivateFile(
  path: string,
  { isMounted = false }: PrivateFileOptions = {},
): Promise<Buffer | undefined> {
  const unusable = (reason: string): Error => secretErrors("secrets.keys-unusable", { place: path, reason });
  try {
    const link = isMounted ? 0 : constants.O_NOFOLLOW;
    const file = await open(path, constants.O_RDONLY | link | constants.O_NONBLOCK);
    try {
      const status = await file.stat();
      if (!status.isFile() || status.size > LIMIT_BYTES) throw unusable("it is no small file");
      if (!isMounted && (status.mode & 0o077) !== 0) {
        throw unusable(`its mode ${(status.mode & 0o777).toString(8)} lets others read it; chmod 600 it`);
      }
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    if (systemCode(error) === "ELOOP") throw unusable("it is a link");
    throw fileError(error, path);
  }
}
