// Reading a file that holds a secret: through one handle, so that what was checked is what is read.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { fileError, systemCode } from "@pratique/store";
import { evidenceErrors } from "../errors.ts";
import { signingErrors } from "./errors.ts";

/** The largest key is some kilobytes. */
const LIMIT_BYTES = 16 * 1024;

/**
 * The text of a file that only its owner may read, unless `mayBeRead` says that its content protects itself;
 * undefined when there is none. Links are not followed.
 * @throws `key.exposed`, `key.unusable`
 */
export async function readSecretFile(
  path: string,
  mayBeRead: (text: string) => boolean = () => false,
): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const status = await file.stat();
      if (!status.isFile() || status.size > LIMIT_BYTES) {
        throw signingErrors("key.unusable", { where: path, reason: "it is no small file" });
      }
      const text = await file.readFile("utf8");
      if ((status.mode & 0o077) !== 0 && !mayBeRead(text)) {
        throw evidenceErrors("key.exposed", { path, mode: (status.mode & 0o777).toString(8) });
      }
      return text;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    if (systemCode(error) === "ELOOP") {
      throw signingErrors("key.unusable", { where: path, reason: "it is a link" }, { cause: error });
    }
    throw fileError(error, path);
  }
}
