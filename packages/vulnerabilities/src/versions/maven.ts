// Maven's version order: https://maven.apache.org/pom.html#version-order-specification, as of ComparableVersion 3.9.
import { compareDigits, compareText, withoutZeros } from "./digits.ts";
import type { VersionOrder } from "./version-order.ts";

interface MavenItem {
  readonly separator: "." | "-";
  readonly isNumber: boolean;
  /** Digits without leading zeros, or a word in lower case. */
  readonly text: string;
}

const QUALIFIERS: readonly string[] = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];
const RELEASE = QUALIFIERS.indexOf("");
const ALIASES: Readonly<Record<string, string>> = { final: "", ga: "", release: "", cr: "rc" };
/** Only before a number: `1-a1` is an alpha, `1-a` is not. */
const SHORT: Readonly<Record<string, string>> = { a: "alpha", b: "beta", m: "milestone" };

export const mavenOrder: VersionOrder<readonly MavenItem[]> = {
  parse(text) {
    const trimmed = text.trim();
    return trimmed === "" || /[\s,()[\]]/.test(trimmed) ? undefined : trimmedItems(itemsOf(trimmed.toLowerCase()));
  },
  compare(a, b) {
    for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
      const order = compareItems(a[at], b[at]);
      if (order !== 0) return order;
    }
    return 0;
  },
};

/** A change between digits and letters is a hyphen. */
function itemsOf(text: string): MavenItem[] {
  const items: MavenItem[] = [];
  let separator: "." | "-" = ".";
  for (const part of text.split(/([.\-_])/)) {
    if (part === "." || part === "-" || part === "_") {
      separator = part === "." ? "." : "-";
      continue;
    }
    const runs = part === "" ? ["0"] : (part.match(/\d+|\D+/g) ?? []);
    runs.forEach((run, at) => {
      const isNumber = /^\d/.test(run);
      const isBeforeNumber = !isNumber && at + 1 < runs.length;
      items.push({
        separator: at === 0 ? separator : "-",
        isNumber,
        text: isNumber ? withoutZeros(run) : wordOf(run, isBeforeNumber),
      });
    });
    separator = ".";
  }
  return items;
}

function wordOf(word: string, isBeforeNumber: boolean): string {
  if (isBeforeNumber && Object.hasOwn(SHORT, word)) return SHORT[word] ?? word;
  return Object.hasOwn(ALIASES, word) ? (ALIASES[word] ?? word) : word;
}

/** Nothings (0, final) go at the end, and before a hyphen or a word: `1.0.0-rc` is `1-rc`. */
function trimmedItems(items: readonly MavenItem[]): MavenItem[] {
  const kept: MavenItem[] = [];
  let mayDrop = true;
  for (const item of items.toReversed()) {
    if (mayDrop && item.text === "") continue;
    kept.push(item);
    mayDrop = item.separator === "-" || !item.isNumber;
  }
  return kept.toReversed();
}

function compareItems(a: MavenItem | undefined, b: MavenItem | undefined): number {
  if (a === undefined) return b === undefined ? 0 : -compareToNothing(b);
  if (b === undefined) return compareToNothing(a);
  if (a.isNumber !== b.isNumber) return a.isNumber ? 1 : -1;
  if (!a.isNumber) return compareWords(a.text, b.text);
  if (a.separator !== b.separator) return a.separator === "." ? 1 : -1;
  return compareDigits(a.text, b.text);
}

function compareToNothing(item: MavenItem): number {
  return item.isNumber ? compareDigits(item.text, "") : compareWords(item.text, "");
}

function compareWords(a: string, b: string): number {
  const left = rankOf(a);
  const right = rankOf(b);
  return left - right || (left === QUALIFIERS.length ? compareText(a, b) : 0);
}

function rankOf(word: string): number {
  const rank = word === "" ? RELEASE : QUALIFIERS.indexOf(word);
  return rank < 0 ? QUALIFIERS.length : rank;
}
