// Which run of the target is compared with which run of the base.
import type { Span } from "./span.ts";

/** A run of the target. With `base` it is compared byte by byte from there; without, by chunks wherever they lie. */
export interface Segment {
  readonly start: number;
  readonly length: number;
  readonly width: number;
  readonly base: number | undefined;
}

export interface Plan {
  /** In order; together they are the whole target. */
  readonly segments: readonly Segment[];
  /** Runs of the base that no tensor of the target is compared with: where chunks are looked for. */
  readonly loose: readonly { readonly start: number; readonly length: number }[];
}

/** Pairs tensors of equal name and type, then lone ones of equal type and length in their order (renamed ones). */
export function planDelta(
  base: { readonly spans: readonly Span[]; readonly size: number },
  target: { readonly spans: readonly Span[]; readonly size: number },
): Plan {
  const pairs = pairSpans(base.spans, target.spans);
  const segments: Segment[] = [];
  let end = 0;
  const add = (segment: Segment): void => {
    if (segment.length > 0) segments.push(segment);
    end = segment.start + segment.length;
  };
  for (const span of target.spans) {
    add({ start: end, length: span.start - end, width: 1, base: undefined });
    const partner = pairs.get(span);
    // A vocabulary that grew keeps its first rows: what is longer than the base stands alone.
    const common = partner === undefined ? 0 : Math.min(span.length, partner.length);
    if (common > 0) add({ start: span.start, length: common, width: span.width, base: partner!.start });
    add({ start: span.start + common, length: span.length - common, width: span.width, base: undefined });
  }
  add({ start: end, length: target.size - end, width: 1, base: undefined });
  return { segments, loose: looseRuns(base, new Set(pairs.values())) };
}

function pairSpans(base: readonly Span[], target: readonly Span[]): Map<Span, Span> {
  const byName = new Map(base.map((span) => [`${span.type} ${span.name}`, span]));
  const pairs = new Map<Span, Span>();
  const rest: Span[] = [];
  for (const span of target) {
    const key = `${span.type} ${span.name}`;
    const partner = byName.get(key);
    if (partner === undefined) rest.push(span);
    else pairs.set(span, partner);
    byName.delete(key);
  }
  const lone = new Map<string, Span[]>();
  for (const span of byName.values()) {
    const key = `${span.type} ${span.length}`;
    lone.set(key, [...(lone.get(key) ?? []), span]);
  }
  for (const span of rest) {
    const partner = lone.get(`${span.type} ${span.length}`)?.shift();
    if (partner !== undefined) pairs.set(span, partner);
  }
  return pairs;
}

function looseRuns(base: { readonly spans: readonly Span[]; readonly size: number }, paired: ReadonlySet<Span>) {
  const runs: { start: number; length: number }[] = [];
  let end = 0;
  for (const span of base.spans) {
    if (!paired.has(span)) continue;
    if (span.start > end) runs.push({ start: end, length: span.start - end });
    end = span.start + span.length;
  }
  if (base.size > end) runs.push({ start: end, length: base.size - end });
  return runs;
}
