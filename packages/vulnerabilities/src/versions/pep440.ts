// Python's version order: PEP 440, with the spellings that it normalises.
import { compareDigits, compareLists, compareText, withoutZeros } from "./digits.ts";
import type { VersionOrder } from "./version-order.ts";

export interface PythonVersion {
  readonly epoch: string;
  readonly release: readonly string[];
  readonly pre: Tag | undefined;
  readonly post: string | undefined;
  readonly dev: string | undefined;
  readonly local: readonly string[] | undefined;
}

interface Tag {
  readonly word: string;
  readonly number: string;
}

/** PEP 440, appendix B. */
const FORM =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d*))?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d*))?(?:[-_.]?(dev)[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/;

const WORDS: Readonly<Record<string, string>> = { alpha: "a", beta: "b", preview: "rc", pre: "rc", c: "rc" };

export const pep440Order: VersionOrder<PythonVersion> = {
  parse(text) {
    const match = FORM.exec(text.trim().toLowerCase());
    if (match === null) return undefined;
    const [, epoch = "0", release = "", pre, preNumber = "", implicitPost, post, postNumber = "", dev, devNumber = ""] =
      match;
    return {
      epoch,
      release: withoutTrailingZeros(release.split(".").map(withoutZeros)),
      pre: pre === undefined ? undefined : { word: WORDS[pre] ?? pre, number: preNumber },
      post: implicitPost ?? (post === undefined ? undefined : postNumber),
      dev: dev === undefined ? undefined : devNumber,
      local: match[10]?.split(/[-_.]/),
    };
  },
  compare: (a, b) =>
    compareDigits(a.epoch, b.epoch) ||
    compareLists(a.release, b.release, compareDigits, "") ||
    phase(a) - phase(b) ||
    compareText(a.pre?.word ?? "", b.pre?.word ?? "") ||
    compareDigits(a.pre?.number ?? "", b.pre?.number ?? "") ||
    compareWithNone(a.post, b.post, -1) ||
    compareWithNone(a.dev, b.dev, 1) ||
    compareLocal(a.local, b.local),
};

/** The version without its local part (`+cu118`): what advisories name. */
export function publicVersion(version: string): string {
  const plus = version.indexOf("+");
  return plus < 0 ? version : version.slice(0, plus);
}

/** A `.dev` of the release itself is before its alphas; a release is after them. */
function phase({ pre, post, dev }: PythonVersion): number {
  if (pre !== undefined) return 1;
  return post === undefined && dev !== undefined ? 0 : 2;
}

/** `none` is where a version without it stands: -1 below those with, 1 above. */
function compareWithNone(a: string | undefined, b: string | undefined, none: 1 | -1): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? none : -none;
  return compareDigits(a, b);
}

function compareLocal(a: readonly string[] | undefined, b: readonly string[] | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const order = compareLocalSegment(a[at] ?? "", b[at] ?? "");
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Words are below numbers, other than in SemVer. */
function compareLocalSegment(a: string, b: string): number {
  const aIsNumber = /^\d+$/.test(a);
  const bIsNumber = /^\d+$/.test(b);
  if (aIsNumber && bIsNumber) return compareDigits(a, b);
  return aIsNumber === bIsNumber ? compareText(a, b) : Number(aIsNumber) - Number(bIsNumber);
}

function withoutTrailingZeros(numbers: readonly string[]): string[] {
  const last = numbers.findLastIndex((number) => number !== "");
  return numbers.slice(0, last + 1);
}
