// A named run of bytes in a weights file: one tensor, or a file in an uncompressed tar layer.

export interface Span {
  readonly name: string;
  /** Bytes from the start of the layer. */
  readonly start: number;
  readonly length: number;
  /** Element type as the format names it; spans of different types are never compared. */
  readonly type: string;
  /** Bytes of one element (or quantisation block): how far apart bytes of equal meaning lie. */
  readonly width: number;
}

/** Bounds on what a header may ask for. */
export const SPANS_LIMIT = 1_000_000;
export const HEADER_LIMIT_BYTES = 100 * 1024 * 1024;

/** Sorted by place, with what overlaps or leaves the file taken out: a header is a hint here, never trusted. */
export function soundSpans(spans: readonly Span[], sizeBytes: number): Span[] {
  const sound: Span[] = [];
  let end = 0;
  for (const span of spans.toSorted((a, b) => a.start - b.start)) {
    const isWhole = Number.isSafeInteger(span.start) && Number.isSafeInteger(span.length) && span.length > 0;
    if (!isWhole || span.start < end || span.start + span.length > sizeBytes) continue;
    sound.push(span);
    end = span.start + span.length;
  }
  return sound;
}
