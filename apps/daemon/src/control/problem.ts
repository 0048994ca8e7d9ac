// Errors as RFC 9457 problems. What has no code of ours says nothing of its inside.
import { isPratiqueError } from "@pratique/core";
import type { Problem } from "@pratique/contracts";
import { daemonErrors } from "../errors.ts";

/** The problem that a client sees. */
export function problemOf(error: unknown): Problem {
  const known = isPratiqueError(error) ? error : daemonErrors("control.internal");
  return {
    type: `https://pratique.dev/errors/${known.code}`,
    title: known.message,
    status: known.status,
    code: known.code,
    ...(known.hint === undefined ? {} : { hint: known.hint }),
    ...(known.details === undefined ? {} : { details: known.details }),
  };
}
