// The delta format: compressed payloads, then the table of frames, then a trailer that says where the table is.
import { promisify } from "node:util";
import { zstdCompressSync, zstdDecompress } from "node:zlib";
import { isJsonObject } from "@pratique/core";
import { deltaErrors } from "./errors.ts";

/** One run of the target. `base`: bytes from the start of the base. `stored`: bytes of the payload. */
export type Frame =
  | { readonly type: "copy"; readonly length: number; readonly base: number }
  | {
      readonly type: "xor";
      readonly length: number;
      readonly base: number;
      readonly width: number;
      readonly stored: number;
    }
  | { readonly type: "planes"; readonly length: number; readonly width: number; readonly stored: number }
  | { readonly type: "raw"; readonly length: number };

export interface FrameTable {
  readonly baseBytes: number;
  readonly targetBytes: number;
  readonly frames: readonly Frame[];
}

/** Most bytes of the target that one compressed frame makes, so that rebuilding needs little memory. */
export const FRAME_LIMIT_BYTES = 4 * 1024 * 1024;
export const WIDTH_LIMIT = 512;
const TABLE_LIMIT_BYTES = 64 * 1024 * 1024;
const MAGIC = "PRDELTA1";
export const TRAILER_BYTES = MAGIC.length + 4;

/** Table and trailer, to be written behind the payloads. */
export function encodeTable(table: FrameTable): Buffer {
  const rows = table.frames.map((frame) => {
    switch (frame.type) {
      case "copy":
        return [0, frame.length, frame.base];
      case "xor":
        return [1, frame.length, frame.base, frame.width, frame.stored];
      case "planes":
        return [2, frame.length, frame.width, frame.stored];
      case "raw":
        return [3, frame.length];
    }
  });
  const json = JSON.stringify({ base: table.baseBytes, target: table.targetBytes, frames: rows });
  const body = zstdCompressSync(Buffer.from(json));
  const trailer = Buffer.alloc(TRAILER_BYTES);
  trailer.writeUInt32LE(body.length, 0);
  trailer.write(MAGIC, 4, "latin1");
  return Buffer.concat([body, trailer]);
}

/** Bytes of the table, from the trailer. @throws `delta.invalid` */
export function tableBytes(trailer: Buffer): number {
  if (trailer.length !== TRAILER_BYTES || trailer.toString("latin1", 4) !== MAGIC)
    throw invalid("its trailer is not one");
  const bytes = trailer.readUInt32LE(0);
  if (bytes > TABLE_LIMIT_BYTES) throw invalid("its table is too long");
  return bytes;
}

/**
 * Reads a table and checks every number in it against the sizes that are known.
 * @param payloadBytes bytes before the table @throws `delta.invalid`
 */
export async function decodeTable(body: Buffer, payloadBytes: number): Promise<FrameTable> {
  let value: unknown;
  try {
    value = JSON.parse((await decompress(body, { maxOutputLength: TABLE_LIMIT_BYTES })).toString("utf8"));
  } catch (cause) {
    throw invalid("its table cannot be read", cause);
  }
  if (!isJsonObject(value)) throw invalid("its table is no object");
  const { base, target, frames: rows } = value;
  if (!isSize(base) || !isSize(target) || !Array.isArray(rows)) throw invalid("its table lacks sizes or frames");
  const frames = rows.map((row, place) => frameOf(row, place, base));
  let made = 0;
  let stored = 0;
  for (const frame of frames) {
    made += frame.length;
    stored += payloadOf(frame);
  }
  if (made !== target) throw invalid(`its frames make ${made} bytes, not ${target}`);
  if (stored !== payloadBytes) throw invalid(`its frames need ${stored} bytes of payload, not ${payloadBytes}`);
  return { baseBytes: base, targetBytes: target, frames };
}

/** Bytes that a frame has in the payload. */
export function payloadOf(frame: Frame): number {
  if (frame.type === "copy") return 0;
  return frame.type === "raw" ? frame.length : frame.stored;
}

export const decompress = promisify(zstdDecompress);

function frameOf(row: unknown, place: number, baseBytes: number): Frame {
  const wrong = (): Error => invalid(`frame ${place} is not one`);
  if (!Array.isArray(row) || !row.every(isSize)) throw wrong();
  const [kind, length = 0, a = 0, b = 0, c = 0] = row as number[];
  if (length === 0) throw wrong();
  const isBounded = length <= FRAME_LIMIT_BYTES;
  const fits = (width: number): boolean => width > 0 && width <= WIDTH_LIMIT && length % width === 0;
  if (kind === 0 && row.length === 3 && a + length <= baseBytes) return { type: "copy", length, base: a };
  if (kind === 1 && row.length === 5 && isBounded && a + length <= baseBytes && fits(b)) {
    return { type: "xor", length, base: a, width: b, stored: c };
  }
  if (kind === 2 && row.length === 4 && isBounded && fits(a)) return { type: "planes", length, width: a, stored: b };
  if (kind === 3 && row.length === 2 && isBounded) return { type: "raw", length };
  throw wrong();
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function invalid(reason: string, cause?: unknown): Error {
  return deltaErrors("delta.invalid", { reason }, cause === undefined ? {} : { cause });
}
