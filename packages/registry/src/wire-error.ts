// Errors as the distribution API writes them (distribution-spec 1.1, "Error Codes").
import { isJsonObject, isPratiqueError, type JsonObject } from "@pratique/core";

export interface WireError {
  readonly status: number;
  /** One of the codes of the specification; for 5xx, where it names none, `UNAVAILABLE` or `UNKNOWN`. */
  readonly code: string;
  readonly message: string;
  readonly detail: JsonObject;
}

/** By our code. containers/image tries another manifest format when it reads MANIFEST_INVALID, so 415 carries it too. */
const CODES: Readonly<Record<string, string>> = {
  "reference.invalid": "NAME_INVALID",
  "digest.invalid": "DIGEST_INVALID",
  "digest.mismatch": "DIGEST_INVALID",
  "size.mismatch": "SIZE_INVALID",
  "manifest.invalid": "MANIFEST_INVALID",
  "manifest.unsupported": "MANIFEST_INVALID",
  "manifest.too-large": "MANIFEST_INVALID",
  "manifest.blob-missing": "MANIFEST_BLOB_UNKNOWN",
  "manifest.not-found": "MANIFEST_UNKNOWN",
  "manifest.in-use": "DENIED",
  "blob.not-found": "BLOB_UNKNOWN",
  "blob.in-use": "DENIED",
  "upload.not-found": "BLOB_UPLOAD_UNKNOWN",
  "upload.wrong-offset": "BLOB_UPLOAD_INVALID",
  "input.too-large": "SIZE_INVALID",
  "policy.denied": "DENIED",
  "registry.credentials-required": "UNAUTHORIZED",
  "registry.route-unknown": "UNSUPPORTED",
  "registry.method-not-allowed": "UNSUPPORTED",
  "registry.name-invalid": "NAME_INVALID",
  "registry.repository-unknown": "NAME_UNKNOWN",
  "registry.tag-invalid": "MANIFEST_INVALID",
  "registry.tags-too-many": "UNSUPPORTED",
  "registry.algorithm-unsupported": "DIGEST_INVALID",
  "registry.digest-required": "DIGEST_INVALID",
  "registry.range-malformed": "BLOB_UPLOAD_INVALID",
  "registry.length-wrong": "SIZE_INVALID",
  "registry.range-unsatisfiable": "SIZE_INVALID",
  "registry.page-invalid": "UNSUPPORTED",
  "registry.precondition-failed": "MANIFEST_INVALID",
  // 403 and 409 alike: clients print the message of a DENIED, and do not try again.
  "registry.tag-immutable": "DENIED",
  "registry.quota-exceeded": "DENIED",
  "registry.scope-missing": "UNAUTHORIZED",
  "registry.service-unknown": "UNSUPPORTED",
  "registry.grant-unsupported": "UNSUPPORTED",
  "registry.upstream-unknown": "DENIED",
  "registry.upstream-read-only": "DENIED",
  "registry.upstream-denied": "DENIED",
  "registry.upstream-resting": "TOOMANYREQUESTS",
  "registry.body-stalled": "BLOB_UPLOAD_INVALID",
};

/** What a client is told. Of an error without a code it learns only that there was one. */
export function wireError(error: unknown): WireError {
  if (!isPratiqueError(error)) {
    return { status: 500, code: "UNKNOWN", message: "the registry failed; its log says why", detail: {} };
  }
  const { status } = error;
  const code = CODES[error.code] ?? (status >= 500 ? "UNAVAILABLE" : "UNSUPPORTED");
  const facts = error.code === "registry.quota-exceeded" && isJsonObject(error.details) ? error.details : {};
  const detail = { code: error.code, ...facts, ...(error.hint === undefined ? {} : { hint: error.hint }) };
  // Clients print the message and drop the detail: a denial has to say there what would help.
  const message =
    error.code === "policy.denied" && error.hint !== undefined ? `${error.message}; ${error.hint}` : error.message;
  return { status, code, message, detail };
}
