// Semantic Versioning 2.0.0 §11, read leniently: a leading `v`, missing parts, numbers of any length.
import { compareDigits, compareText } from "./digits.ts";
import type { VersionOrder } from "./version-order.ts";

export interface SemanticVersion {
  readonly numbers: readonly string[];
  /** Empty for a release. */
  readonly prerelease: readonly string[];
  readonly build: string;
}

/** npm, crates.io, Hex and others. */
export const semverOrder: VersionOrder<SemanticVersion> = {
  parse: (text) => parseSemantic(text.trim()),
  compare: compareSemantic,
};

/** Go: pseudo-versions are ordinary pre-releases; the toolchain calls itself `go1.21rc2`. */
export const goOrder: VersionOrder<SemanticVersion> = {
  parse(text) {
    const toolchain = /^go(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:(beta|rc)(\d+))?(?:[-+ ].*)?$/.exec(text.trim());
    if (toolchain === null) return parseSemantic(text.trim());
    const [, major = "0", minor = "0", patch = "0", word, number = "0"] = toolchain;
    return { numbers: [major, minor, patch], prerelease: word === undefined ? [] : [word, number], build: "" };
  },
  compare: compareSemantic,
};

/** Dart's pub: as SemVer, but the build breaks ties, and one with a build is the later. */
export const pubOrder: VersionOrder<SemanticVersion> = {
  parse: semverOrder.parse,
  compare: (a, b) =>
    compareSemantic(a, b) ||
    Number(a.build !== "") - Number(b.build !== "") ||
    compareIdentifiers(a.build.split("."), b.build.split(".")),
};

/** Splits by hand: a regular expression over hostile text of this shape could take long. */
export function parseSemantic(text: string): SemanticVersion | undefined {
  const bare = /^[vV=]/.test(text) ? text.slice(1) : text;
  const plus = bare.indexOf("+");
  const build = plus < 0 ? "" : bare.slice(plus + 1);
  const main = plus < 0 ? bare : bare.slice(0, plus);
  const dash = main.indexOf("-");
  const numbers = (dash < 0 ? main : main.slice(0, dash)).split(".");
  if (!numbers.every((number) => /^\d+$/.test(number))) return undefined;
  const prerelease = dash < 0 ? [] : main.slice(dash + 1).split(".");
  if (!prerelease.every((identifier) => /^[0-9A-Za-z-]+$/.test(identifier))) return undefined;
  if (build !== "" && !/^[0-9A-Za-z.-]+$/.test(build)) return undefined;
  return { numbers, prerelease, build };
}

export function compareSemantic(a: SemanticVersion, b: SemanticVersion): number {
  const length = Math.max(a.numbers.length, b.numbers.length);
  for (let at = 0; at < length; at += 1) {
    const order = compareDigits(a.numbers[at] ?? "", b.numbers[at] ?? "");
    if (order !== 0) return order;
  }
  const aIsRelease = a.prerelease.length === 0;
  const bIsRelease = b.prerelease.length === 0;
  if (aIsRelease || bIsRelease) return Number(aIsRelease) - Number(bIsRelease);
  return compareIdentifiers(a.prerelease, b.prerelease);
}

function compareIdentifiers(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const order = compareIdentifier(a[at] ?? "", b[at] ?? "");
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Numbers by value and below words; words by ASCII. */
export function compareIdentifier(a: string, b: string): number {
  const aIsNumber = /^\d+$/.test(a);
  const bIsNumber = /^\d+$/.test(b);
  if (aIsNumber && bIsNumber) return compareDigits(a, b);
  if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1;
  return compareText(a, b);
}
