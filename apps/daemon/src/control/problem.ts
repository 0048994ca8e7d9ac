// Errors as RFC 9457 problems. What has no code of ours says nothing of its inside.
import { isPratiqueError } from "@pratique/core";
import type { Problem } from "@pratique/contracts";
import { storeErrors } from "@pratique/store";
import { daemonErrors } from "../errors.ts";

/** The problem that a client sees. */
export function problemOf(error: unknown): Problem {
  const known = isPratiqueError(error) ? error : isFullDisk(error) ? fullDisk(error) : daemonErrors("control.internal");
  return {
    type: `https://pratique.dev/errors/${known.code}`,
    title: known.message,
    status: known.status,
    code: known.code,
    ...(known.hint === undefined ? {} : { hint: known.hint }),
    ...(known.details === undefined ? {} : { details: known.details }),
  };
}

/** A disk can fill under any write, also under one of a library that knows no codes of ours. */
function isFullDisk(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

function fullDisk(cause: NodeJS.ErrnoException) {
  return storeErrors("store.full", { path: cause.path ?? "the state directory" }, { cause });
}
