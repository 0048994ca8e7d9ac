// What passes from a server to a client: bounded, without secrets, and without anything only the gateway may say.
import type { Redaction } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import { DEPTH_LIMIT, RESULT_LIMIT_BYTES } from "../limits.ts";
import { cleanText } from "./clean-text.ts";

/** Keys under this prefix in `_meta` are the gateway's own word. */
const OWN_META_PREFIX = "dev.pratique/";
export const DECISION_META = `${OWN_META_PREFIX}decision`;

export interface CleanResult<T> {
  readonly result: T;
  readonly sizeBytes: number;
  readonly redactions: readonly Redaction[];
}

/** A string that stands under a key (or in a list under it), as it may pass. */
export type TextCleaner = (text: string, key: string | undefined) => string;

/**
 * A copy of a result with every text redacted, wherever it stands: content, structured content, embedded resources, `_meta`,
 * and what decodes from base64.
 * @throws `gateway.result-too-large`
 */
export function cleanResult<T extends object>(result: T, from: { server: string; what: string }): CleanResult<T> {
  const sizeBytes = Buffer.byteLength(JSON.stringify(result));
  if (sizeBytes > RESULT_LIMIT_BYTES)
    throw gatewayErrors("gateway.result-too-large", { ...from, sizeBytes, limitBytes: RESULT_LIMIT_BYTES });
  const redactions: Redaction[] = [];
  const clean = cleanJson(result, (text) => cleanText(text, redactions)) as T;
  return { result: clean, sizeBytes, redactions };
}

/** A copy of a JSON value with every string and key cleaned, and without the gateway's own keys anywhere in a `_meta`. */
export function cleanJson(value: unknown, clean: TextCleaner): unknown {
  return copy(value, clean, { depth: 0, key: undefined, isMeta: false });
}

interface Place {
  readonly depth: number;
  readonly key: string | undefined;
  readonly isMeta: boolean;
}

function copy(value: unknown, clean: TextCleaner, { depth, key, isMeta }: Place): unknown {
  if (depth > DEPTH_LIMIT) return "«too deep»";
  if (typeof value === "string") return clean(value, key);
  if (Array.isArray(value)) return value.map((item: unknown) => copy(item, clean, { depth: depth + 1, key, isMeta }));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .map(([name, item]): [string, unknown] => [
      clean(name, undefined),
      copy(item, clean, { depth: depth + 1, key: name, isMeta: isMeta || name === "_meta" }),
    ])
    .filter(([name]) => !(isMeta && name.toLowerCase().startsWith(OWN_META_PREFIX)));
  return Object.fromEntries(entries);
}

/** True when a value nests no deeper than is allowed. */
export function isShallow(value: unknown, depth = 0): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth >= DEPTH_LIMIT) return false;
  return Object.values(value).every((item) => isShallow(item, depth + 1));
}
