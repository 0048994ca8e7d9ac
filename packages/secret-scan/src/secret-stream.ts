// Finds secrets in a text that comes in parts, whatever is split, and holds back no more than may still become one.
import type { Redaction } from "@pratique/core";
import { redacted } from "./finding.ts";
import type { KnownValues } from "./known-values.ts";
import type { TextScanner } from "./text-scanner.ts";

/** What was let out already and is looked at again, for what it says of what follows: names, `Bearer`, an address. */
const CONTEXT = 128;
/** A longer word is let out but for its end: it is data, and nobody could wait for it. */
const WORD_LIMIT = 16_384;
const WORD_TAIL = 4096;
/** As far as a private key's end is waited for. */
const KEY_LIMIT = 32_768;
const KEY_BEGIN = "-----BEGIN ";
const KEY_END = /-----END [A-Z0-9 _-]{0,60}-----/;

export class SecretStream {
  readonly #texts: TextScanner;
  readonly #known: () => KnownValues | undefined;
  #context = "";
  #held = "";
  /** Held when it was last looked at: a word that only grows is looked at again when it has doubled. */
  #looked = 0;

  constructor(texts: TextScanner, known: () => KnownValues | undefined) {
    this.#texts = texts;
    this.#known = known;
  }

  /** What may go on of all that came so far. */
  push(part: string, found: Redaction[] = []): string {
    this.#held += part;
    if (this.#looked > 0 && this.#held.length < 2 * this.#looked && !hasGap(part)) return "";
    return this.#letOut(found, false);
  }

  /** The rest. */
  end(found: Redaction[] = []): string {
    return this.#letOut(found, true);
  }

  #letOut(found: Redaction[], isEnd: boolean): string {
    const text = this.#context + this.#held;
    const start = this.#context.length;
    const findings = this.#texts.scan(text).filter(({ end }) => end > start);
    let border = isEnd ? text.length : Math.max(start, openStart(text, this.#known()));
    for (const one of findings) {
      // What reaches the end may go on; what begins in text that is out already is masked from here on.
      if (!isEnd && one.end > border && one.start < border) border = Math.max(start, one.start);
    }
    const inside = findings.filter(({ end }) => end <= border);
    for (const one of inside) found.push(...one.found);
    const moved = inside.map((one) => ({ ...one, start: Math.max(0, one.start - start), end: one.end - start }));
    const out = redacted(this.#held.slice(0, border - start), moved);
    this.#held = this.#held.slice(border - start);
    this.#looked = this.#held.length;
    this.#context = text.slice(Math.max(0, border - CONTEXT), border);
    return out;
  }
}

/** Where the last word begins, the last key that has no end yet, or the last text that may become a known value. */
function openStart(text: string, known: KnownValues | undefined): number {
  let word = text.length;
  while (word > 0 && text.length - word < WORD_LIMIT && !isGap(text.charCodeAt(word - 1))) word--;
  if (text.length - word >= WORD_LIMIT) word = text.length - WORD_TAIL;
  return Math.min(word, openKey(text), known?.openStart(text) ?? text.length);
}

function openKey(text: string): number {
  const begin = text.lastIndexOf(KEY_BEGIN);
  if (begin === -1 || text.length - begin > KEY_LIMIT) return text.length;
  const end = text.indexOf("-----END ", begin);
  if (end === -1) return begin;
  return KEY_END.test(text.slice(end, end + 100)) ? text.length : begin;
}

function hasGap(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (isGap(text.charCodeAt(at))) return true;
  return false;
}

/** A space, a quote, `<` or `>`: no token goes over it. */
function isGap(code: number): boolean {
  return code <= 32 || code === 34 || code === 39 || code === 60 || code === 62 || code === 96;
}
