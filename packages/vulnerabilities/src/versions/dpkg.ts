// Debian's version order: deb-version(7), policy manual §5.6.12.
import { compareDigits } from "./digits.ts";
import type { VersionOrder } from "./version-order.ts";

export interface DpkgVersion {
  readonly epoch: string;
  readonly upstream: string;
  readonly revision: string;
}

export const dpkgOrder: VersionOrder<DpkgVersion> = {
  parse(text) {
    const trimmed = text.trim();
    // `dpkg` takes letters, digits and these.
    if (!/^[A-Za-z0-9.+~:-]+$/.test(trimmed)) return undefined;
    const colon = trimmed.indexOf(":");
    const epoch = colon < 0 ? "0" : trimmed.slice(0, colon);
    if (!/^\d+$/.test(epoch)) return undefined;
    const rest = trimmed.slice(colon + 1);
    const dash = rest.lastIndexOf("-");
    const upstream = dash < 0 ? rest : rest.slice(0, dash);
    const revision = dash < 0 ? "" : rest.slice(dash + 1);
    return upstream === "" || revision.includes(":") ? undefined : { epoch, upstream, revision };
  },
  compare: (a, b) =>
    compareDigits(a.epoch, b.epoch) || compareRuns(a.upstream, b.upstream) || compareRuns(a.revision, b.revision),
};

/** A run of non-digits, then a run of digits, in turn. */
function compareRuns(a: string, b: string): number {
  let left = 0;
  let right = 0;
  while (left < a.length || right < b.length) {
    while ((left < a.length && !isDigit(a, left)) || (right < b.length && !isDigit(b, right))) {
      const order = rank(a, left) - rank(b, right);
      if (order !== 0) return order;
      left += 1;
      right += 1;
    }
    const leftEnd = digitsEnd(a, left);
    const rightEnd = digitsEnd(b, right);
    const order = compareDigits(a.slice(left, leftEnd), b.slice(right, rightEnd));
    if (order !== 0) return order;
    left = leftEnd;
    right = rightEnd;
  }
  return 0;
}

/** `~` before the end and digits, then letters, then everything else. */
function rank(text: string, at: number): number {
  if (at >= text.length || isDigit(text, at)) return 0;
  const code = text.charCodeAt(at);
  if (code === 126) return -1;
  return isLetter(code) ? code : code + 256;
}

function isLetter(code: number): boolean {
  return (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function digitsEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && isDigit(text, at)) at += 1;
  return at;
}
