// Rebuilds a layer from its base and a delta. What comes out is to be checked against the layer's digest.
import { open } from "node:fs/promises";
import { deltaErrors } from "./errors.ts";
import { FileWindow } from "./file-window.ts";
import { decodeTable, decompress, payloadOf, tableBytes, TRAILER_BYTES, type Frame } from "./frame.ts";
import { joinPlanes, xorInto } from "./planes.ts";

export interface RebuildOptions {
  /** Path of the delta. */
  readonly delta: string;
  /** Path of the base. */
  readonly base: string;
  /** Size of the layer that is wanted: a delta that makes more or less is refused before it begins. */
  readonly targetBytes: number;
}

const COPY_BYTES = 1024 * 1024;

/** The bytes of the target, in order. @throws `delta.invalid`, `delta.wrong-base` */
export async function* rebuildDelta(options: RebuildOptions): AsyncGenerator<Buffer> {
  const deltaFile = await open(options.delta, "r");
  try {
    const baseFile = await open(options.base, "r");
    try {
      yield* rebuild(await FileWindow.of(deltaFile), await FileWindow.of(baseFile), options.targetBytes);
    } finally {
      await baseFile.close();
    }
  } finally {
    await deltaFile.close();
  }
}

async function* rebuild(delta: FileWindow, base: FileWindow, targetBytes: number): AsyncGenerator<Buffer> {
  if (delta.size < TRAILER_BYTES) throw deltaErrors("delta.invalid", { reason: "it is too short" });
  const bodyBytes = tableBytes(await delta.read(delta.size - TRAILER_BYTES, TRAILER_BYTES));
  const payloadBytes = delta.size - TRAILER_BYTES - bodyBytes;
  if (payloadBytes < 0) throw deltaErrors("delta.invalid", { reason: "its table is longer than it is" });
  // The table comes compressed; even as stored bytes it is never much longer than the layer has frames.
  const table = await decodeTable(await delta.read(payloadBytes, bodyBytes), payloadBytes);
  if (table.targetBytes !== targetBytes) {
    throw deltaErrors("delta.invalid", { reason: `it makes ${table.targetBytes} bytes, not ${targetBytes}` });
  }
  if (table.baseBytes !== base.size) {
    throw deltaErrors("delta.wrong-base", { expectedBytes: table.baseBytes, actualBytes: base.size });
  }
  let position = 0;
  for (const frame of table.frames) {
    if (frame.type === "copy") yield* copy(base, frame.base, frame.length);
    else yield await frameBytes(await delta.read(position, payloadOf(frame)), frame, base);
    position += payloadOf(frame);
  }
}

async function* copy(base: FileWindow, start: number, length: number): AsyncGenerator<Buffer> {
  for (let done = 0; done < length; done += COPY_BYTES) {
    yield await base.read(start + done, Math.min(COPY_BYTES, length - done));
  }
}

async function frameBytes(payload: Buffer, frame: Exclude<Frame, { type: "copy" }>, base: FileWindow): Promise<Buffer> {
  if (frame.type === "raw") return payload;
  let planes: Buffer;
  try {
    planes = await decompress(payload, { maxOutputLength: frame.length });
  } catch (cause) {
    throw deltaErrors("delta.invalid", { reason: "a frame cannot be decompressed" }, { cause });
  }
  if (planes.length !== frame.length) throw deltaErrors("delta.invalid", { reason: "a frame has another length" });
  const bytes = joinPlanes(planes, frame.width);
  if (frame.type === "xor") xorInto(bytes, await base.read(frame.base, frame.length));
  return bytes;
}
