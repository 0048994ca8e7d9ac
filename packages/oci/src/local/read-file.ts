// Reads blobs with few large buffers (registry.md §4.4: 64 KiB streams cost twice the CPU).
import { open } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";

const BUFFER_BYTES = 256 * 1024;

/** Bytes `start` up to, but without, `stop` of a file. Small ones come in one piece. */
export async function readSpan(path: string, start: number, stop: number): Promise<Readable> {
  const length = stop - start;
  if (length === 0) return Readable.from([], { objectMode: false });
  if (length > BUFFER_BYTES) return createReadStream(path, { start, end: stop - 1, highWaterMark: BUFFER_BYTES });
  const file = await open(path, "r");
  try {
    const buffer = Buffer.allocUnsafe(length);
    await fillBuffer(file, buffer, start, path);
    return Readable.from([buffer], { objectMode: false });
  } finally {
    await file.close();
  }
}

async function fillBuffer(
  file: Awaited<ReturnType<typeof open>>,
  buffer: Buffer,
  from: number,
  path: string,
): Promise<void> {
  let filled = 0;
  while (filled < buffer.byteLength) {
    const { bytesRead } = await file.read(buffer, filled, buffer.byteLength - filled, from + filled);
    if (bytesRead === 0) throw new Error(`${path} ended early`);
    filled += bytesRead;
  }
}
