// RubyGems' version order: Gem::Version.
import { compareDigits, compareText } from "./digits.ts";
import type { VersionOrder } from "./version-order.ts";

/** Segments in order; a word makes it a pre-release. */
export const rubygemsOrder: VersionOrder<readonly string[]> = {
  parse(text) {
    const trimmed = text.trim();
    if (!/^\d+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/.test(trimmed)) return undefined;
    const segments = trimmed.replaceAll("-", ".pre.").match(/\d+|[A-Za-z]+/g) ?? [];
    const word = segments.findIndex((segment) => !isNumber(segment));
    const numbers = word < 0 ? segments : segments.slice(0, word);
    return [...withoutTrailingZeros(numbers), ...withoutTrailingZeros(word < 0 ? [] : segments.slice(word))];
  },
  compare(a, b) {
    for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
      const order = compareSegment(a[at] ?? "0", b[at] ?? "0");
      if (order !== 0) return order;
    }
    return 0;
  },
};

function compareSegment(a: string, b: string): number {
  const aIsNumber = isNumber(a);
  if (aIsNumber !== isNumber(b)) return aIsNumber ? 1 : -1;
  return aIsNumber ? compareDigits(a, b) : compareText(a, b);
}

function isNumber(segment: string): boolean {
  return /^\d/.test(segment);
}

function withoutTrailingZeros(segments: readonly string[]): string[] {
  const last = segments.findLastIndex((segment) => !/^0+$/.test(segment));
  return segments.slice(0, last + 1);
}
