// Composer's version order for Packagist: PHP's version_compare on what Composer normalises.
import { compareDigits, compareLists, compareText } from "./digits.ts";
import type { VersionOrder } from "./version-order.ts";

export interface ComposerVersion {
  readonly numbers: readonly string[];
  /** Words and numbers after the leading numbers. */
  readonly rest: readonly string[];
}

const RANKS: Readonly<Record<string, number>> = {
  dev: 0,
  alpha: 1,
  a: 1,
  beta: 2,
  b: 2,
  rc: 3,
  p: 6,
  pl: 6,
  patch: 6,
};
const END_RANK = 4;
const NUMBER_RANK = 5;

export const composerOrder: VersionOrder<ComposerVersion> = {
  parse(text) {
    const bare = text.trim().toLowerCase().replace(/^v/, "");
    const plus = bare.indexOf("+");
    const main = plus < 0 ? bare : bare.slice(0, plus);
    if (!/^\d[0-9a-z._-]*$/.test(main)) return undefined;
    const parts = main.match(/\d+|[a-z]+/g) ?? [];
    const word = parts.findIndex((part) => !/^\d/.test(part));
    const numbers = word < 0 ? parts : parts.slice(0, word);
    const rest = word < 0 ? [] : parts.slice(word).filter((part) => part !== "stable");
    return { numbers, rest };
  },
  compare: (a, b) => compareLists(a.numbers, b.numbers, compareDigits, "") || compareRest(a.rest, b.rest),
};

function compareRest(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const left = a[at];
    const right = b[at];
    const rank = rankOf(left);
    const order = rank - rankOf(right);
    if (order !== 0) return order;
    const tie =
      rank === NUMBER_RANK
        ? compareDigits(left ?? "", right ?? "")
        : rank < 0
          ? compareText(left ?? "", right ?? "")
          : 0;
    if (tie !== 0) return tie;
  }
  return 0;
}

function rankOf(part: string | undefined): number {
  if (part === undefined) return END_RANK;
  if (/^\d/.test(part)) return NUMBER_RANK;
  return Object.hasOwn(RANKS, part) ? (RANKS[part] ?? -1) : -1;
}
