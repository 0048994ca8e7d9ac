// What passes from a server to a client: bounded, without secrets, and without anything only the gateway may say.
import { redactText, type Redaction } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import { DEPTH_LIMIT, RESULT_LIMIT_BYTES } from "../limits.ts";

/** Keys under this prefix in `_meta` are the gateway's own word. */
const OWN_META_PREFIX = "dev.pratique/";
export const DECISION_META = `${OWN_META_PREFIX}decision`;

export interface CleanResult<T> {
  readonly result: T;
  readonly sizeBytes: number;
  readonly redactions: readonly Redaction[];
}

/**
 * A copy of a result with every text redacted, wherever it stands: content, structured content, embedded resources, `_meta`.
 * Base64 of images and blobs is passed on as it is.
 * @throws `gateway.result-too-large`
 */
export function cleanResult<T extends object>(result: T, from: { server: string; what: string }): CleanResult<T> {
  const sizeBytes = Buffer.byteLength(JSON.stringify(result));
  if (sizeBytes > RESULT_LIMIT_BYTES)
    throw gatewayErrors("gateway.result-too-large", { ...from, sizeBytes, limitBytes: RESULT_LIMIT_BYTES });
  const redactions: Redaction[] = [];
  const clean = redact(result, redactions, 0) as T;
  return { result: clean, sizeBytes, redactions };
}

function redact(value: unknown, found: Redaction[], depth: number, key?: string): unknown {
  if (depth > DEPTH_LIMIT) return "«too deep»";
  if (typeof value === "string") return redactText(value, found);
  if (Array.isArray(value)) return value.map((item: unknown) => redact(item, found, depth + 1));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([name]) => !(key === "_meta" && name.startsWith(OWN_META_PREFIX)))
    .map(([name, item]): [string, unknown] => [
      redactText(name, found),
      isBinary(value, name) ? item : redact(item, found, depth + 1, name),
    ]);
  return Object.fromEntries(entries);
}

/** The base64 of an image, a sound or a blob resource. */
function isBinary(holder: object, key: string): boolean {
  if (key === "blob") return "uri" in holder;
  return key === "data" && "type" in holder && (holder.type === "image" || holder.type === "audio");
}

/** True when a value nests no deeper than is allowed. */
export function isShallow(value: unknown, depth = 0): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth >= DEPTH_LIMIT) return false;
  return Object.values(value).every((item) => isShallow(item, depth + 1));
}
