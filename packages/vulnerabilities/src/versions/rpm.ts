// RPM's version order: rpmvercmp of rpm 4.15 and later, with `~` and `^`.
import { compareText, withoutZeros } from "./digits.ts";
import type { VersionOrder } from "./version-order.ts";

export interface RpmVersion {
  readonly epoch: string;
  readonly version: string;
  /** Undefined where there is none: then releases do not count. */
  readonly release: string | undefined;
}

export const rpmOrder: VersionOrder<RpmVersion> = {
  parse(text) {
    const trimmed = text.trim();
    if (trimmed === "" || /\s/.test(trimmed)) return undefined;
    const colon = trimmed.indexOf(":");
    const epoch = colon > 0 && /^\d+$/.test(trimmed.slice(0, colon)) ? trimmed.slice(0, colon) : undefined;
    const rest = epoch === undefined ? trimmed : trimmed.slice(colon + 1);
    const dash = rest.lastIndexOf("-");
    return {
      epoch: epoch ?? "0",
      version: dash < 0 ? rest : rest.slice(0, dash),
      release: dash < 0 ? undefined : rest.slice(dash + 1),
    };
  },
  compare: (a, b) =>
    compareSegments(a.epoch, b.epoch) ||
    compareSegments(a.version, b.version) ||
    // A missing release sorts first: the order stays total, and a fix named without one covers every release.
    compareRelease(a.release, b.release),
};

function compareRelease(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  return compareSegments(a, b);
}

/** One step after another through both: separators, `~`, `^`, then a run of digits or of letters. */
export function compareSegments(a: string, b: string): number {
  let left = 0;
  let right = 0;
  for (;;) {
    left = skipSeparators(a, left);
    right = skipSeparators(b, right);
    const leftTilde = a[left] === "~";
    const rightTilde = b[right] === "~";
    if (leftTilde || rightTilde) {
      if (!leftTilde) return 1;
      if (!rightTilde) return -1;
      left += 1;
      right += 1;
      continue;
    }
    const leftCaret = a[left] === "^";
    const rightCaret = b[right] === "^";
    if (leftCaret || rightCaret) {
      if (left >= a.length) return -1;
      if (right >= b.length) return 1;
      if (!leftCaret) return 1;
      if (!rightCaret) return -1;
      left += 1;
      right += 1;
      continue;
    }
    if (left >= a.length || right >= b.length) break;
    const numeric = isDigit(a.charCodeAt(left));
    const leftEnd = runEnd(a, left, numeric);
    const rightEnd = runEnd(b, right, numeric);
    // A number is newer than letters.
    if (rightEnd === right) return numeric ? 1 : -1;
    const order = compareRun(a.slice(left, leftEnd), b.slice(right, rightEnd), numeric);
    if (order !== 0) return order;
    left = leftEnd;
    right = rightEnd;
  }
  return Number(left < a.length) - Number(right < b.length);
}

function compareRun(a: string, b: string, numeric: boolean): number {
  if (!numeric) return compareText(a, b);
  const left = withoutZeros(a);
  const right = withoutZeros(b);
  return left.length - right.length || compareText(left, right);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

function skipSeparators(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (isDigit(code) || isLetter(code) || code === 126 || code === 94) break;
    at += 1;
  }
  return at;
}

function runEnd(text: string, from: number, numeric: boolean): number {
  const belongs = numeric ? isDigit : isLetter;
  let at = from;
  while (at < text.length && belongs(text.charCodeAt(at))) at += 1;
  return at;
}
