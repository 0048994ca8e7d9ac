// A file that a person named, on the daemon's machine.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { isPratiqueError, readBounded } from "@pratique/core";
import { scanErrors } from "./errors.ts";

const LIMIT_BYTES = 128 * 1024 * 1024;

/** @throws `scan.no-file` */
export async function readLocalFile(path: string): Promise<Buffer> {
  if (!isAbsolute(path)) throw scanErrors("scan.no-file", { path, reason: "the path is not absolute" });
  try {
    // A pipe would be waited for.
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) throw scanErrors("scan.no-file", { path, reason: "it is not a file" });
      return await readBounded(file.createReadStream({ autoClose: false }), LIMIT_BYTES, path);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isPratiqueError(error)) throw error;
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw scanErrors("scan.no-file", { path, reason }, { cause: error });
  }
}
