// Finds secrets anywhere in a JSON value: texts, keys, and texts that only together make one.
import { isJsonObject, type Json, type Redaction } from "@pratique/core";
import { redacted, type Finding } from "./finding.ts";
import type { KnownValues } from "./known-values.ts";
import { SecretStream } from "./secret-stream.ts";
import { SYMBOLS } from "./runs.ts";
import { TextScanner, type TextScannerOptions } from "./text-scanner.ts";

/** Deeper values are cut off: nothing passes that was not looked at. */
const DEPTH_LIMIT = 128;
/** How much of two neighbours is looked at together. */
const BORDER = 400;
const SHORTEST = 8;

export class SecretScanner {
  readonly #texts: TextScanner;
  readonly #known: () => KnownValues | undefined;

  constructor(options: TextScannerOptions = {}) {
    this.#texts = new TextScanner(options);
    this.#known = options.known ?? (() => undefined);
  }

  /** For a text that comes in parts. */
  stream(): SecretStream {
    return new SecretStream(this.#texts, this.#known);
  }

  /** What is in a text, in order and apart. */
  find(text: string): readonly Finding[] {
    return this.#texts.scan(text);
  }

  /** The text without secrets: the very same one when there are none. */
  redactText(text: string, found: Redaction[] = []): string {
    return this.#redact(text, undefined, found);
  }

  /** The value without secrets: the very same one when there are none. */
  redactJson<T extends Json>(value: T, found: Redaction[] = []): T {
    // What takes a string's place is a string, and a list's a list.
    return this.#value(value, undefined, found, 0) as T;
  }

  #redact(text: string, name: string | undefined, found: Redaction[]): string {
    if (text.length < SHORTEST) return text;
    const findings = this.#texts.scan(text, name);
    if (findings.length === 0) return text;
    for (const finding of findings) found.push(...finding.found);
    return redacted(text, findings);
  }

  #value(value: Json | undefined, name: string | undefined, found: Redaction[], depth: number): Json | undefined {
    if (typeof value === "string") return this.#redact(value, name, found);
    if (typeof value !== "object" || value === null) return value;
    if (depth >= DEPTH_LIMIT) {
      found.push({ kind: "too-deep", digest: "0".repeat(12) });
      return "«too deep»";
    }
    return isJsonObject(value) ? this.#object(value, found, depth) : this.#list(value, name, found, depth);
  }

  #object(
    value: { readonly [key: string]: Json | undefined },
    found: Redaction[],
    depth: number,
  ): { readonly [key: string]: Json | undefined } {
    let copy: [string, Json | undefined][] | undefined;
    const keys = Object.keys(value);
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at]!;
      const member = value[key];
      const cleanKey = this.#redact(key, undefined, found);
      const clean = this.#value(member, key, found, depth + 1);
      if (copy === undefined && (clean !== member || cleanKey !== key)) {
        copy = keys.slice(0, at).map((earlier) => [earlier, value[earlier]]);
      }
      copy?.push([cleanKey, clean]);
    }
    return copy === undefined ? value : Object.fromEntries(copy);
  }

  #list(value: readonly Json[], name: string | undefined, found: Redaction[], depth: number): readonly Json[] {
    let copy: Json[] | undefined;
    for (let at = 0; at < value.length; at++) {
      const item = value[at]!;
      const clean = this.#value(item, name, found, depth + 1) ?? null;
      if (copy === undefined && clean !== item) copy = value.slice(0, at);
      copy?.push(clean);
    }
    return this.#joined(copy ?? value, found);
  }

  /** A secret that one text of a list begins and a later one ends, as blocks of content may. */
  #joined(list: readonly Json[], found: Redaction[]): readonly Json[] {
    let copy: Json[] | undefined;
    for (let first = 0; first < list.length;) {
      let end = first + 1;
      for (let before = textOf(list[first]); before !== undefined && end < list.length; end++) {
        const next = textOf(list[end]);
        if (next === undefined || !goesOn(before, next)) break;
        before = next;
      }
      if (end - first > 1) {
        const texts = list.slice(first, end).map((item) => textOf(item) ?? "");
        const clean = this.#withoutSpread(texts, found);
        if (clean !== texts) copy ??= [...list];
        clean.forEach((text, at) => {
          if (text !== texts[at]) copy![first + at] = withText(list[first + at], text);
        });
      }
      first = end;
    }
    return copy ?? list;
  }

  /** Texts that go on in one another, without secrets over their borders: the mask stands where a secret begins. */
  #withoutSpread(texts: readonly string[], found: Redaction[]): readonly string[] {
    let joined = "";
    /** Of each text its place in what is looked at, and how much of its middle is not. */
    const places = texts.map((text) => {
      const start = joined.length;
      const omitted = Math.max(0, text.length - 2 * BORDER);
      joined += omitted === 0 ? text : `${text.slice(0, BORDER)}${text.slice(-BORDER)}`;
      return { text, start, end: joined.length, omitted };
    });
    const over = this.#texts
      .scan(joined)
      .filter(({ start, end }) => places.some((place) => start < place.start && end > place.start));
    if (over.length === 0) return texts;
    for (const one of over) found.push(...one.found);
    return places.map(({ text, start, end, omitted }) => {
      const inner = (at: number): number => (at - start <= BORDER || omitted === 0 ? at - start : at - start + omitted);
      let clean = "";
      let from = 0;
      for (const one of over) {
        if (one.end <= start || one.start >= end) continue;
        if (one.start >= start) clean += text.slice(from, inner(one.start)) + one.replacement;
        from = one.end >= end ? text.length : inner(one.end);
      }
      return clean + text.slice(from);
    });
  }

  /** Two texts that follow each other, without a secret that goes over their border; undefined when there is none. */
  border(before: string, after: string, found: Redaction[] = []): { before: string; after: string } | undefined {
    if (!goesOn(before, after)) return undefined;
    const kept = before.slice(0, -BORDER);
    const tail = before.slice(kept.length);
    const border = tail.length;
    const findings = this.#texts.scan(tail + after.slice(0, BORDER));
    const over = findings.find(({ start, end }) => start < border && end > border);
    if (over === undefined) return undefined;
    found.push(...over.found);
    return {
      before: kept + tail.slice(0, over.start) + over.replacement,
      after: after.slice(over.end - border),
    };
  }
}

function textOf(item: Json | undefined): string | undefined {
  if (typeof item === "string") return item;
  if (!isJsonObject(item)) return undefined;
  const { text } = item;
  return typeof text === "string" ? text : undefined;
}

function withText(item: Json | undefined, text: string): Json {
  return isJsonObject(item) ? { ...item, text } : text;
}

/** Both sides of the border are of what tokens are made of. */
function goesOn(before: string, after: string): boolean {
  if (before === "" || after === "") return false;
  const last = before.charCodeAt(before.length - 1);
  const first = after.charCodeAt(0);
  return last < 128 && first < 128 && SYMBOLS[last] !== 64 && SYMBOLS[first] !== 64;
}
