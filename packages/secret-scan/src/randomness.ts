// Tells what a machine drew by lot from what a person named.

/** Shannon's entropy of a text, in bits a character. */
export function entropyOf(text: string): number {
  const counts = new Map<number, number>();
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

const UPPER = 1;
const LOWER = 2;
const DIGIT = 3;

function kindOf(code: number): number {
  if (code >= 48 && code <= 57) return DIGIT;
  if (code >= 65 && code <= 90) return UPPER;
  return code >= 97 && code <= 122 ? LOWER : 0;
}

/**
 * True when letters and digits stand in no order that a name, a path, a version or a number has: they change from one kind
 * to the other again and again. Hexadecimal digits do so in about half of all places, names in camel case in a tenth.
 */
export function looksDrawn(text: string, minimumEntropy = 3): boolean {
  let changes = 0;
  let digits = 0;
  let letters = 0;
  let last = 0;
  for (let at = 0; at < text.length; at++) {
    const kind = kindOf(text.charCodeAt(at));
    if (kind === DIGIT) digits++;
    else if (kind !== 0) letters++;
    if (kind !== last && kind !== 0 && last !== 0) changes++;
    last = kind;
  }
  return digits >= 2 && letters >= 2 && changes * 5 >= text.length && entropyOf(text) >= minimumEntropy;
}
