// What people declare as a licence → an SPDX expression, or a reference to the words they used.
import deprecatedIds from "spdx-license-ids/deprecated.json" with { type: "json" };
import exceptions from "spdx-exceptions/index.json" with { type: "json" };
import listedIds from "spdx-license-ids/index.json" with { type: "json" };
import { LICENCE_ALIASES } from "./licence-aliases.ts";
import { formatLicenceExpression, parseLicenceExpression } from "./licence-expression.ts";

export interface NormalisedLicence {
  /** A valid SPDX expression; what could not be mapped stands in it as `LicenseRef-…`. */
  readonly expression: string;
  /** By `LicenseRef-…` in it, the words that were declared. */
  readonly references: ReadonlyMap<string, string>;
}

const LIMIT_CHARS = 2048;
const KEPT = 4096;
const REFERENCE_CHARS = 96;

const IDS: ReadonlyMap<string, string> = new Map(
  [...deprecatedIds, ...listedIds].map((id) => [id.toLowerCase(), id] as const),
);
const EXCEPTIONS: ReadonlyMap<string, string> = new Map(exceptions.map((id) => [id.toLowerCase(), id] as const));

/** SPDX gave `GPL-2.0` and its like up for names that say whether later versions count, too. */
const GNU = /^(A?GPL|LGPL|GFDL)-(\d\.\d)(\+)?$/;

/** Says the same of the same text; words nobody knows become a reference, and never a guess. */
export function normaliseLicence(text: string): NormalisedLicence | undefined {
  const declared = text.replace(/\s+/g, " ").trim().slice(0, LIMIT_CHARS);
  if (declared === "" || /^(?:NOASSERTION|NONE|unknown|n\/a)$/i.test(declared)) return undefined;
  const known = wholeName(declared);
  if (known !== undefined) return { expression: known, references: NO_REFERENCES };
  const tokens = tokensOf(declared);
  const expression = tokens === undefined ? undefined : compound(tokens);
  if (expression !== undefined) return expression;
  const reference = referenceTo(declared);
  return { expression: reference, references: new Map([[reference, declared]]) };
}

const NO_REFERENCES: ReadonlyMap<string, string> = new Map();

/** Remembers what it normalised: thousands of components share a few dozen licences. */
export class LicenceNormaliser {
  readonly #known = new Map<string, NormalisedLicence | undefined>();

  of(text: string): NormalisedLicence | undefined {
    if (text.length > LIMIT_CHARS) return normaliseLicence(text);
    if (this.#known.has(text)) return this.#known.get(text);
    const normalised = normaliseLicence(text);
    if (this.#known.size < KEPT) this.#known.set(text, normalised);
    return normalised;
  }

  /** Several declarations of one component: all of them count. */
  all(texts: readonly string[]): NormalisedLicence | undefined {
    if (texts.length === 1) return this.of(texts[0]!);
    const parts = texts.flatMap((text) => this.of(text) ?? []);
    const joined = parts.map(({ expression }) => (/ OR /.test(expression) ? `(${expression})` : expression));
    if (joined.length === 0) return undefined;
    const parsed = parseLicenceExpression(joined.join(" AND "));
    const references = new Map(parts.flatMap((part) => [...part.references]));
    const [only] = joined;
    if (parsed === undefined) return joined.length === 1 && only !== undefined ? parts[0] : undefined;
    return { expression: formatLicenceExpression(parsed), references };
  }
}

/** A `LicenseRef-` for words that are no licence of the list (SPDX 2.3 §10.1). */
export function referenceTo(words: string): string {
  const slug = words
    .normalize("NFKD")
    .replace(/[^A-Za-z0-9.]+/g, "-")
    .replace(/^[-.]+|[-.]+$/g, "")
    .slice(0, REFERENCE_CHARS);
  return `LicenseRef-${slug === "" ? "unnamed" : slug}`;
}

function wholeName(text: string): string | undefined {
  const classifier = /^License :: (?:OSI Approved :: )?(.+)$/.exec(text)?.[1] ?? text;
  return oneLicence(classifier);
}

/** An id, in any case, or an alias. */
function oneLicence(text: string): string | undefined {
  const lower = text.toLowerCase();
  const gnu = GNU.exec(IDS.get(lower.replace(/\+$/, "")) ?? "");
  if (gnu !== null) return `${gnu[1]}-${gnu[2]}-${lower.endsWith("+") || gnu[3] === "+" ? "or-later" : "only"}`;
  const id = IDS.get(lower);
  if (id !== undefined) return id;
  const base = lower.endsWith("+") ? IDS.get(lower.slice(0, -1)) : undefined;
  if (base !== undefined) return `${base}+`;
  const alias = LICENCE_ALIASES.get(lower);
  if (alias !== undefined) return alias;
  return /^(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+$/.test(text) ? text : undefined;
}

type Token = "(" | ")" | "AND" | "OR" | "WITH" | { readonly words: string };

/** Words between operators; `/` and `|` are how crates and old manifests wrote OR. */
function tokensOf(text: string): Token[] | undefined {
  // A slash inside a word that is a name of its own, such as MIT/X11, was found before.
  const spaced = text.replace(/[()]/g, " $& ").replace(/\s*(?:\/|\|\|?)\s*/g, " OR ");
  const tokens: Token[] = [];
  for (const part of spaced.split(/\s+|(?<=\S)(?=,\s)/).filter((one) => one !== "")) {
    const operator = /^(?:and|or|with)$/i.test(part) ? part.toUpperCase() : part;
    const last = tokens.at(-1);
    if (operator === "(" || operator === ")" || operator === "AND" || operator === "OR" || operator === "WITH") {
      tokens.push(operator);
    } else if (typeof last === "object") tokens[tokens.length - 1] = { words: `${last.words} ${part}` };
    else tokens.push({ words: part });
  }
  return tokens.length > 1 && tokens.length <= 400 ? tokens : undefined;
}

/** Names with operators between them; undefined when what comes out is no expression. */
function compound(tokens: readonly Token[]): NormalisedLicence | undefined {
  const references = new Map<string, string>();
  const parts: string[] = [];
  let known = 0;
  for (const [at, token] of tokens.entries()) {
    if (typeof token === "string") {
      parts.push(token);
      continue;
    }
    if (tokens[at - 1] === "WITH") {
      const exception = EXCEPTIONS.get(token.words.toLowerCase());
      if (exception === undefined) return undefined;
      parts.push(exception);
      continue;
    }
    const licence = oneLicence(token.words);
    if (licence !== undefined) known += 1;
    const named = licence ?? referenceTo(token.words);
    if (licence === undefined) references.set(named, token.words);
    parts.push(named);
  }
  // Without one known name, `and` and `or` are words of a sentence.
  const parsed = known === 0 ? undefined : parseLicenceExpression(parts.join(" "));
  return parsed === undefined ? undefined : { expression: formatLicenceExpression(parsed), references };
}

/** True for one id of the SPDX list, without operators. */
export function isPlainId(expression: string): boolean {
  return IDS.get(expression.toLowerCase()) === expression;
}
