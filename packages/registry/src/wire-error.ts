// Errors as the distribution API writes them (distribution-spec 1.1, "Error Codes").
import { isPratiqueError, type JsonObject } from "@pratique/core";

export interface WireError {
  readonly status: number;
  /** One of the codes of the specification; for 5xx, where it names none, `UNAVAILABLE` or `UNKNOWN`. */
  readonly code: string;
  readonly message: string;
  readonly detail: JsonObject;
}

type Mapping = Readonly<Record<string, readonly [status: number, code: string]>>;

/** By our code. containers/image tries another manifest format when it reads MANIFEST_INVALID, so 415 carries it too. */
const MAPPING: Mapping = {
  "reference.invalid": [400, "NAME_INVALID"],
  "digest.invalid": [400, "DIGEST_INVALID"],
  "digest.mismatch": [400, "DIGEST_INVALID"],
  "size.mismatch": [400, "SIZE_INVALID"],
  "manifest.invalid": [400, "MANIFEST_INVALID"],
  "manifest.unsupported": [415, "MANIFEST_INVALID"],
  "manifest.too-large": [413, "MANIFEST_INVALID"],
  "manifest.blob-missing": [400, "MANIFEST_BLOB_UNKNOWN"],
  "manifest.not-found": [404, "MANIFEST_UNKNOWN"],
  "manifest.in-use": [409, "DENIED"],
  "blob.not-found": [404, "BLOB_UNKNOWN"],
  "blob.in-use": [409, "DENIED"],
  "upload.not-found": [404, "BLOB_UPLOAD_UNKNOWN"],
  "upload.wrong-offset": [416, "BLOB_UPLOAD_INVALID"],
  "input.too-large": [413, "SIZE_INVALID"],
  "policy.denied": [403, "DENIED"],
  "registry.credentials-required": [401, "UNAUTHORIZED"],
  "registry.route-unknown": [404, "UNSUPPORTED"],
  "registry.method-not-allowed": [405, "UNSUPPORTED"],
  "registry.name-invalid": [400, "NAME_INVALID"],
  "registry.repository-unknown": [404, "NAME_UNKNOWN"],
  "registry.tag-invalid": [400, "MANIFEST_INVALID"],
  "registry.tags-too-many": [414, "UNSUPPORTED"],
  "registry.algorithm-unsupported": [400, "DIGEST_INVALID"],
  "registry.digest-required": [400, "DIGEST_INVALID"],
  "registry.range-malformed": [400, "BLOB_UPLOAD_INVALID"],
  "registry.length-wrong": [400, "SIZE_INVALID"],
  "registry.range-unsatisfiable": [416, "SIZE_INVALID"],
  "registry.page-invalid": [400, "UNSUPPORTED"],
  "registry.precondition-failed": [412, "MANIFEST_INVALID"],
  "registry.body-stalled": [408, "BLOB_UPLOAD_INVALID"],
};

/** What a client is told. Of an error without a code it learns only that there was one. */
export function wireError(error: unknown): WireError {
  if (!isPratiqueError(error)) {
    return { status: 500, code: "UNKNOWN", message: "the registry failed; its log says why", detail: {} };
  }
  const known = MAPPING[error.code];
  const status = known?.[0] ?? error.status;
  const code = known?.[1] ?? (status >= 500 ? "UNAVAILABLE" : "UNSUPPORTED");
  const detail = { code: error.code, ...(error.hint === undefined ? {} : { hint: error.hint }) };
  // Clients print the message and drop the detail: a denial has to say there what would help.
  const message =
    error.code === "policy.denied" && error.hint !== undefined ? `${error.message}; ${error.hint}` : error.message;
  return { status, code, message, detail };
}
