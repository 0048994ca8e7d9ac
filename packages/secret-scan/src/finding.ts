// What a scan finds, and what stands in its place afterwards.
import { createHash } from "node:crypto";
import type { Redaction } from "@pratique/core";

export interface Finding {
  readonly start: number;
  readonly end: number;
  /** What stands in its place: a mask, or, where it was encoded, the rest of it encoded the same way. */
  readonly replacement: string;
  readonly found: readonly Redaction[];
}

/** One secret by its kind and the first 12 hex characters of its SHA-256: what records, logs and allow-lists call it. */
export function fingerprintOf(kind: string, secret: string): Redaction {
  return { kind, digest: createHash("sha256").update(secret).digest("hex").slice(0, 12) };
}

export function maskOf({ kind, digest }: Redaction): string {
  return `«${kind}:${digest.slice(0, 4)}»`;
}

/** The text with each finding replaced. They are in order and apart. */
export function redacted(text: string, findings: readonly Finding[]): string {
  let result = "";
  let from = 0;
  for (const { start, end, replacement } of findings) {
    result += text.slice(from, start) + replacement;
    from = end;
  }
  return result + text.slice(from);
}

/** In order, and apart: of those that overlap one is made. */
export function apart(findings: readonly Finding[]): readonly Finding[] {
  if (findings.length < 2) return findings;
  const sorted = findings.toSorted((a, b) => a.start - b.start || b.end - a.end);
  const result: Finding[] = [];
  for (const next of sorted) {
    const last = result.at(-1);
    if (last === undefined || next.start >= last.end) {
      result.push(next);
    } else if (next.end > last.end || !isMask(last)) {
      // What was encoded again holds the other one still: nothing of either stays.
      const found = [...last.found, ...next.found];
      const [first] = found;
      const replacement = first === undefined ? "" : maskOf(first);
      result[result.length - 1] = { start: last.start, end: Math.max(last.end, next.end), replacement, found };
    }
  }
  return result;
}

function isMask({ replacement, found: [first] }: Finding): boolean {
  return first !== undefined && replacement === maskOf(first);
}
