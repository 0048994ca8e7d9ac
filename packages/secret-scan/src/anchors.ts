// Where a rule's literal part may stand, in plain text and in base64: a filter of three characters at a time.
import { SYMBOLS } from "./runs.ts";
import type { TokenRule } from "./token-rules.ts";

export interface Anchor {
  readonly literal: string;
  readonly rule: TokenRule;
  /**
   * Undefined: the literal itself. Else it is the part of its base64 that does not depend on its neighbours, which begins
   * `skipped` characters into a group of four, when the literal begins `shift` bytes into the group of three.
   */
  readonly base64: { readonly shift: number; readonly skipped: number } | undefined;
  /** How many characters before the three that it is known by it begins: 0 or 1. */
  readonly offset: number;
}

/** Three characters as one number. */
const CODES = 64 ** 3;

export class AnchorIndex {
  /** 1 where three characters are the first, or the second, three of an anchor. */
  readonly filter: Uint8Array = new Uint8Array(CODES);
  readonly #byCode = new Map<number, Anchor[]>();

  constructor(rules: readonly TokenRule[]) {
    for (const rule of rules) {
      for (const literal of rule.anchors) {
        this.#add({ literal, rule, base64: undefined });
        for (const shift of [0, 1, 2]) this.#addBase64(literal, rule, shift);
      }
    }
  }

  /** Anchors that may begin with these three. */
  at(code: number): readonly Anchor[] {
    return this.#byCode.get(code) ?? [];
  }

  #addBase64(literal: string, rule: TokenRule, shift: number): void {
    const bytes = Buffer.concat([Buffer.alloc(shift), Buffer.from(literal)]);
    const skipped = Math.ceil((shift * 8) / 6);
    const stable = bytes.toString("base64").slice(skipped, Math.floor((bytes.length * 8) / 6));
    if (stable.length < 3) return;
    this.#add({ literal: stable, rule, base64: { shift, skipped } });
    const url = stable.replaceAll("+", "-").replaceAll("/", "_");
    if (url !== stable) this.#add({ literal: url, rule, base64: { shift, skipped } });
  }

  /** By its characters 0 to 2, and 1 to 3: whoever looks at every other place sees one of both. */
  #add(anchor: Omit<Anchor, "offset">): void {
    const { literal } = anchor;
    this.#enter(codeOf(literal.slice(0, 3)), { ...anchor, offset: 0 });
    const second = codeOf(literal.slice(1, 3));
    for (let symbol = 0; symbol < 64; symbol++) {
      if (literal.length === 3 || symbol === codeOf(literal.slice(3, 4))) {
        this.#enter(second * 64 + symbol, { ...anchor, offset: 1 });
      }
    }
  }

  #enter(code: number, anchor: Anchor): void {
    const known = this.#byCode.get(code);
    if (known === undefined) this.#byCode.set(code, [anchor]);
    else known.push(anchor);
    this.filter[code] = 1;
  }
}

/** Up to three characters as one number, six bits each. */
function codeOf(text: string): number {
  let code = 0;
  for (let at = 0; at < text.length; at++) {
    const symbol = SYMBOLS[text.charCodeAt(at)] ?? 64;
    if (symbol === 64) throw new TypeError(`${text} has a character that runs do not have`);
    code = code * 64 + symbol;
  }
  return code;
}
