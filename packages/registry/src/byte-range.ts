// Byte ranges: `Range` of a download (RFC 9110 §14.1.2) and `Content-Range` of a chunk (distribution-spec 1.1, end-5).
import { registryErrors } from "./errors.ts";

/** Part of something: first byte and how many. */
export interface Slice {
  readonly start: number;
  readonly length: number;
}

const SINGLE = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/;
const CHUNK = /^(\d{1,15})-(\d{1,15})$/;

/**
 * The part of `sizeBytes` that a `Range` header asks for. Undefined means all of it: no header, another unit,
 * several ranges at once or no range at all, which RFC 9110 lets a server ignore.
 * @throws `registry.range-unsatisfiable`
 */
export function parseRange(header: string | undefined, sizeBytes: number): Slice | undefined {
  const match = header === undefined ? null : SINGLE.exec(header);
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return undefined;
  const unsatisfiable = (): Error => registryErrors("registry.range-unsatisfiable", { sizeBytes });
  if (first === "") {
    const length = Math.min(Number(last), sizeBytes);
    if (length === 0) throw unsatisfiable();
    return { start: sizeBytes - length, length };
  }
  const start = Number(first);
  const end = last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  // `500-0` is malformed rather than unsatisfiable; the conformance suite wants 416 for it.
  if (start >= sizeBytes || end < start) throw unsatisfiable();
  return { start, length: end - start + 1 };
}

/** The place of a chunk in its blob; undefined when it comes without one (streamed). @throws `registry.range-malformed` */
export function parseContentRange(header: string | undefined): Slice | undefined {
  if (header === undefined) return undefined;
  const match = CHUNK.exec(header.trim());
  const start = Number(match?.[1]);
  const end = Number(match?.[2]);
  if (match === null || end < start) {
    throw registryErrors("registry.range-malformed", { range: header.slice(0, 80) });
  }
  return { start, length: end - start + 1 };
}
