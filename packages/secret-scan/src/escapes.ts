// Parts of a text that are written in escapes: of addresses (`%67`), of JSON and JavaScript (`\u0067`, `\x67`).

export interface UnescapedPart {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** The way back. */
  escape(text: string): string;
}

const PERCENT = /%([0-9A-Fa-f]{2})/g;
const BACKSLASH = /\\(?:u\{?00([2-7][0-9A-Fa-f])\}?|x([2-7][0-9A-Fa-f]))/g;

/** False: there are none, and nothing more need be done. */
export function hasEscapes(text: string): boolean {
  return text.includes("%") || text.includes("\\u") || text.includes("\\x");
}

/** Each word that has such escapes, with what it says. */
export function* unescapedParts(text: string): Iterable<UnescapedPart> {
  yield* parts(text, "%", PERCENT, fromPercent, toPercent);
  yield* parts(text, "\\u", BACKSLASH, fromBackslash, toBackslash);
  yield* parts(text, "\\x", BACKSLASH, fromBackslash, toBackslash);
}

function* parts(
  text: string,
  mark: string,
  form: RegExp,
  decode: (part: string) => string,
  escape: (part: string) => string,
): Iterable<UnescapedPart> {
  const pattern = new RegExp(form, "y");
  for (let at = text.indexOf(mark); at !== -1;) {
    pattern.lastIndex = at;
    let end = at + mark.length;
    if (pattern.test(text)) {
      let start = at;
      while (start > 0 && !isGap(text.charCodeAt(start - 1))) start--;
      while (end < text.length && !isGap(text.charCodeAt(end))) end++;
      if (end - start >= 16) yield { start, end, text: decode(text.slice(start, end)), escape };
    }
    at = text.indexOf(mark, end);
  }
}

/** A space, a quote, `<` or `>`. */
function isGap(code: number): boolean {
  return code <= 32 || code === 34 || code === 39 || code === 60 || code === 62 || code === 96;
}

function fromPercent(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part.replace(PERCENT, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
}

function fromBackslash(part: string): string {
  return part.replace(BACKSLASH, (_, four?: string, two?: string) =>
    String.fromCharCode(Number.parseInt(four ?? two ?? "", 16)),
  );
}

function toPercent(part: string): string {
  return encodeURI(part.toWellFormed());
}

function toBackslash(part: string): string {
  return JSON.stringify(part).slice(1, -1);
}
