// Gives a failed system call the code that says what to do about it.
import { isPratiqueError, type PratiqueError } from "@pratique/core";
import { storeErrors } from "./errors.ts";

const FULL = new Set(["ENOSPC", "EDQUOT"]);
const DENIED = new Set(["EACCES", "EPERM", "EROFS", "ENOTDIR", "EISDIR"]);

/** The system's code of an error (`ENOSPC`), when it has one. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Wraps a failed read or write of `path`; an error that has a stable code already passes unchanged. */
export function fileError(error: unknown, path: string): PratiqueError {
  if (isPratiqueError(error)) return error;
  const code = systemCode(error) ?? "";
  if (FULL.has(code)) return storeErrors("store.full", { path }, { cause: error });
  if (DENIED.has(code)) return storeErrors("store.not-writable", { path }, { cause: error });
  const reason = code === "" ? (error instanceof Error ? error.message : String(error)) : code;
  return storeErrors("store.io", { path, reason }, { cause: error });
}
