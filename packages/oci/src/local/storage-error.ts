// Gives a failed file operation its code: a full disk is one that people can mend.
import { isPratiqueError } from "@pratique/core";
import { fileError, systemCode } from "@pratique/store";
import { ociErrors } from "../errors.ts";

/** Runs file operations of the content store. @throws `oci.storage-full`, `store.not-writable`, `store.io` */
export async function storing<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    throw storageError(error, path);
  }
}

/** The coded form of a file error; an error that has a code already passes unchanged. */
export function storageError(error: unknown, path: string): Error {
  const code = systemCode(error) ?? "";
  if (code === "ENOSPC" || code === "EDQUOT" || isPratiqueError(error, "store.full")) {
    return ociErrors("oci.storage-full", {}, { cause: error });
  }
  return isPratiqueError(error) ? error : fileError(error, path);
}

/** True for the error of a file that is not there. */
export function isMissing(error: unknown): boolean {
  const code = systemCode(error);
  return code === "ENOENT" || code === "ENOTDIR";
}
