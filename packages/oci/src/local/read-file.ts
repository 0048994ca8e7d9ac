// Reads blobs with few large buffers (registry.md §4.4: 64 KiB streams cost twice the CPU).
import { open } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { Readable, type Writable } from "node:stream";

const BUFFER_BYTES = 256 * 1024;
const BUFFERS = 3;

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

/**
 * Sends bytes `start` up to, but without, `stop` of a file, through three buffers that are used in turn.
 * Does not end the sink. For sinks that are done with a chunk when its callback comes: sockets, HTTP responses.
 */
export async function sendSpan(path: string, start: number, stop: number, sink: Writable): Promise<void> {
  const file = await open(path, "r");
  try {
    const size = Math.min(BUFFER_BYTES, stop - start);
    const sent: (Promise<void> | undefined)[] = [];
    const buffers: Buffer[] = [];
    let at = start;
    for (let turn = 0; at < stop; turn = (turn + 1) % BUFFERS) {
      await sent[turn];
      const buffer = (buffers[turn] ??= Buffer.allocUnsafe(size));
      const chunk = buffer.subarray(0, Math.min(size, stop - at));
      await fillBuffer(file, chunk, at, path);
      at += chunk.byteLength;
      const written = write(sink, chunk);
      written.catch(() => undefined);
      sent[turn] = written;
    }
    await Promise.all(sent);
  } finally {
    await file.close();
  }
}

function write(sink: Writable, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    if (sink.destroyed) reject(new Error("the reader went away"));
    else {
      const gone = (): void => reject(new Error("the reader went away"));
      sink.once("close", gone);
      sink.write(chunk, (error) => {
        sink.off("close", gone);
        if (error) reject(error);
        else resolve();
      });
    }
  });
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
