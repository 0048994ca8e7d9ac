// Takes secrets out of text and JSON before they reach a record, a log, an error or a trace.
import { isJsonObject, type Json } from "./json.ts";

/** One thing that was taken out: what kind it was, and a short digest that tells two apart without showing them. */
export interface Redaction {
  readonly kind: string;
  /** First 12 hex characters of the SHA-256 of the secret. */
  readonly digest: string;
}

/** Well-known token shapes. Anchored by their prefixes, bounded in length, so they cost little and match little else. */
const TOKEN_SHAPES: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ["github-token", /\bgh[pousr]_[A-Za-z0-9]{36,255}\b/g],
  ["github-fine-grained-token", /\bgithub_pat_[A-Za-z0-9_]{22,255}\b/g],
  ["gitlab-token", /\bglpat-[A-Za-z0-9_-]{20,64}\b/g],
  ["aws-access-key", /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g],
  ["anthropic-key", /\bsk-ant-[A-Za-z0-9_-]{20,200}\b/g],
  ["openai-key", /\bsk-(?:proj-)?[A-Za-z0-9_-]{20,200}\b/g],
  ["slack-token", /\bxox[abposr]-[A-Za-z0-9-]{10,200}\b/g],
  ["google-api-key", /\bAIza[A-Za-z0-9_-]{35}\b/g],
  ["npm-token", /\bnpm_[A-Za-z0-9]{36}\b/g],
  ["pratique-token", /\bprq_[A-Za-z0-9_-]{20,400}(?:\.[A-Za-z0-9_-]{20,200})?/g],
  // Begun at a word's start only, so that a text of `-eyJ-eyJ…` costs no more than another.
  ["jwt", /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{8,4000}/g],
  // One that stands right after a hyphen keeps its header, which is no secret, and loses the rest.
  ["jwt", /(?<=[A-Za-z0-9_-]{8})\.eyJ[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]{8,4000}/g],
  [
    "private-key",
    /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:(?!-----BEGIN )[\s\S]){0,8192}?-----END [A-Z ]{0,30}PRIVATE KEY-----/g,
  ],
  ["bearer-token", /(?<=\bbearer )[A-Za-z0-9._~+/=-]{16,4096}/gi],
  ["url-password", /(?<=:\/\/[^\s:@/]{1,128}:)[^\s@/]{1,256}(?=@)/g],
];

/** Without any of these no shape fits, which is true of most texts: one look in place of many. */
const MAY_FIT =
  /gh[pousr]_|github_pat_|glpat-|AKIA|ASIA|sk-|xox|AIza|npm_|prq_|eyJ|-----BEGIN |[Bb][Ee][Aa][Rr][Ee][Rr] |:\/\//;

const SECRET_KEY =
  /^(?:.*[_-])?(?:password|passwd|secret|token|api[_-]?key|authorization|private[_-]?key|credential)s?$/i;

function mask(kind: string, secret: string, found: Redaction[]): string {
  // Taken when it is needed: whoever finds nothing, such as a command at its start, does not wait for it.
  const { createHash } = process.getBuiltinModule("node:crypto");
  const digest = createHash("sha256").update(secret).digest("hex").slice(0, 12);
  found.push({ kind, digest });
  return `«${kind}:${digest.slice(0, 4)}»`;
}

/** Replaces well-known secrets in a text; `found` collects what was replaced. */
export function redactText(text: string, found: Redaction[] = []): string {
  if (!MAY_FIT.test(text)) return text;
  let result = text;
  for (const [kind, pattern] of TOKEN_SHAPES) {
    result = result.replace(pattern, (secret) => mask(kind, secret, found));
  }
  return result;
}

/** Replaces secrets in every string of a JSON value, and the whole value under keys such as `password`. */
export function redactJson(value: Json, found: Redaction[] = [], depth = 0): Json {
  if (depth > 64) return "«too deep»";
  if (typeof value === "string") return redactText(value, found);
  if (Array.isArray(value)) return value.map((item: Json) => redactJson(item, found, depth + 1));
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]): [string, Json | undefined] => {
    if (item === undefined) return [key, item];
    if (typeof item === "string" && item !== "" && SECRET_KEY.test(key)) return [key, mask("keyed", item, found)];
    return [redactText(key, found), redactJson(item, found, depth + 1)];
  });
  return Object.fromEntries(entries);
}
