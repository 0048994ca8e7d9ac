// Alpine's version order, as apk-tools has it.
import { compareDigits, compareText } from "./digits.ts";
import type { VersionOrder } from "./version-order.ts";

export interface ApkVersion {
  readonly numbers: readonly string[];
  /** Empty for none. */
  readonly letter: string;
  readonly suffixes: readonly ApkSuffix[];
  readonly revision: string | undefined;
}

interface ApkSuffix {
  /** Below 0 before the release, above it after. */
  readonly rank: number;
  readonly number: string | undefined;
}

const RANKS: Readonly<Record<string, number>> = {
  alpha: -4,
  beta: -3,
  pre: -2,
  rc: -1,
  cvs: 1,
  svn: 2,
  git: 3,
  hg: 4,
  p: 5,
};
const END: ApkSuffix = { rank: 0, number: undefined };

export const apkOrder: VersionOrder<ApkVersion> = {
  parse(text) {
    // A commit hash (`~abc`) does not count.
    const match = /^(\d+(?:\.\d+)*)([a-z]?)((?:_[a-z]+\d*)*)(?:~[0-9a-f]+)?(?:-r(\d+))?$/.exec(text.trim());
    if (match === null) return undefined;
    const [, numbers = "", letter = "", words = "", revision] = match;
    const suffixes: ApkSuffix[] = [];
    for (const [, word = "", number] of words.matchAll(/_([a-z]+)(\d*)/g)) {
      const rank = Object.hasOwn(RANKS, word) ? RANKS[word] : undefined;
      if (rank === undefined) return undefined;
      suffixes.push({ rank, number: number === "" ? undefined : number });
    }
    return { numbers: numbers.split("."), letter, suffixes, revision };
  },
  compare: (a, b) =>
    compareNumbers(a.numbers, b.numbers) ||
    compareText(a.letter, b.letter) ||
    compareSuffixes(a.suffixes, b.suffixes) ||
    compareOptional(a.revision, b.revision),
};

function compareNumbers(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const order = compareNumber(a[at] ?? "", b[at] ?? "", at === 0);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** After the first, one with a leading zero is a fraction: compared as text. */
function compareNumber(a: string, b: string, isFirst: boolean): number {
  return !isFirst && (a.startsWith("0") || b.startsWith("0")) ? compareText(a, b) : compareDigits(a, b);
}

function compareSuffixes(a: readonly ApkSuffix[], b: readonly ApkSuffix[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const left = a[at] ?? END;
    const right = b[at] ?? END;
    const order = left.rank - right.rank || compareOptional(left.number, right.number);
    if (order !== 0) return order;
  }
  return 0;
}

/** None is below every number. */
function compareOptional(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return compareDigits(a, b);
}
