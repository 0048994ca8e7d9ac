// Secrets that the house itself holds, found wherever they stand: as they are, escaped, in base64, in hexadecimal.

export interface KnownValue {
  /** What it is called in records. */
  readonly name: string;
  readonly value: string;
}

interface Pattern {
  readonly text: string;
  readonly name: string;
}

/** A shorter value would be found in ordinary words. */
const VALUE_MINIMUM = 8;
/** A shorter part of base64 would be. */
const BASE64_MINIMUM = 10;
const BLOCK = 2;
const BLOCKS = 65_536;

/**
 * Many values at once, most of a text never looked at: Wu and Manber's way (A fast algorithm for multi-pattern searching,
 * 1994), with blocks of two bytes.
 */
export class KnownValues {
  readonly #shifts = new Uint8Array(BLOCKS);
  readonly #byBlock = new Map<number, Pattern[]>();
  readonly #window: number;
  readonly #byFirst: ReadonlyMap<string, readonly Pattern[]>;
  readonly #longest: number;

  constructor(values: Iterable<KnownValue>) {
    const patterns = [...values].flatMap(formsOf);
    this.#window = Math.min(255, ...patterns.map(({ text }) => text.length));
    this.#byFirst = Map.groupBy(patterns, ({ text }) => text[0] ?? "");
    this.#longest = Math.max(0, ...patterns.map(({ text }) => text.length));
    const longest = this.#window - BLOCK + 1;
    this.#shifts.fill(patterns.length === 0 ? 0 : longest);
    for (const pattern of patterns) {
      for (let at = 0; at + BLOCK <= this.#window; at++) {
        const block = blockOf(pattern.text.charCodeAt(at), pattern.text.charCodeAt(at + 1));
        const shift = this.#window - BLOCK - at;
        if (shift < this.#shifts[block]!) this.#shifts[block] = shift;
        if (shift === 0) this.#byBlock.set(block, [...(this.#byBlock.get(block) ?? []), pattern]);
      }
    }
  }

  get isEmpty(): boolean {
    return this.#byBlock.size === 0;
  }

  /** Where the end of a text begins that may become one, when more follows; the text's length when none may. */
  openStart(text: string): number {
    for (let at = Math.max(0, text.length - this.#longest + 1); at < text.length; at++) {
      const rest = text.length - at;
      for (const pattern of this.#byFirst.get(text[at] ?? "") ?? []) {
        if (pattern.text.length > rest && pattern.text.startsWith(text.slice(at))) return at;
      }
    }
    return text.length;
  }

  /** Calls `found` with start and end of each and its name. `bytes` holds the text's codes, cut to a byte. */
  each(
    text: string,
    bytes: Uint8Array,
    length: number,
    found: (start: number, end: number, name: string) => void,
  ): void {
    const window = this.#window;
    let at = window - 1;
    while (at < length) {
      const block = (bytes[at - 1]! << 8) | bytes[at]!;
      const shift = this.#shifts[block]!;
      if (shift > 0) {
        at += shift;
        continue;
      }
      const start = at - window + 1;
      const match = longestAt(text, start, this.#byBlock.get(block) ?? []);
      if (match === undefined) {
        at++;
      } else {
        found(start, start + match.text.length, match.name);
        at = start + match.text.length + window - 1;
      }
    }
  }
}

function longestAt(text: string, start: number, patterns: readonly Pattern[]): Pattern | undefined {
  let longest: Pattern | undefined;
  for (const pattern of patterns) {
    if (longest !== undefined && pattern.text.length <= longest.text.length) continue;
    if (text.startsWith(pattern.text, start)) longest = pattern;
  }
  return longest;
}

function blockOf(first: number, second: number): number {
  return ((first & 255) << 8) | (second & 255);
}

/** A value as it is, and as it looks in JSON, in an address, in a form, in hexadecimal and in base64 at each of three places. */
function formsOf({ name, value }: KnownValue): Pattern[] {
  if (value.length < VALUE_MINIMUM) return [];
  const bytes = Buffer.from(value);
  const forms = new Set([
    value,
    JSON.stringify(value).slice(1, -1),
    percentEncoded(value),
    percentEncoded(value).replaceAll("%20", "+"),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
  ]);
  for (let shift = 0; shift < 3; shift++) {
    const padded = Buffer.concat([Buffer.alloc(shift), bytes]);
    const stable = padded.toString("base64").slice(Math.ceil((shift * 8) / 6), Math.floor((padded.length * 8) / 6));
    if (stable.length < BASE64_MINIMUM) continue;
    forms.add(stable);
    forms.add(stable.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return [...forms].map((text) => ({ text, name }));
}

function percentEncoded(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}
