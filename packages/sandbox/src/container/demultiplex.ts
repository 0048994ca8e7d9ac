// Splits an attached stream into stdout and stderr (Docker Engine API, "Stream format"): frames of one type byte, three
// zeros, a big-endian length and the payload.
import { PassThrough, type Readable, Writable } from "node:stream";

const HEADER_BYTES = 8;
const STDOUT = 1;
const STDERR = 2;

export interface Demultiplexed {
  readonly input: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/** Payloads pass through in pieces, with back-pressure from stdout; stderr that nobody reads is dropped when its buffer is full. */
export function demultiplexer(): Demultiplexed {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const header = Buffer.alloc(HEADER_BYTES);
  let headerBytes = 0;
  let remaining = 0;
  let target = 0;

  const deliver = (piece: Buffer): boolean => {
    if (target === STDERR) {
      if (!stderr.writableNeedDrain) stderr.write(piece);
      return true;
    }
    return target === STDOUT ? stdout.write(piece) : true;
  };

  const take = (chunk: Buffer): boolean => {
    let isFlowing = true;
    let at = 0;
    while (at < chunk.length) {
      if (remaining > 0) {
        const piece = chunk.subarray(at, at + remaining);
        at += piece.length;
        remaining -= piece.length;
        isFlowing = deliver(piece) && isFlowing;
        continue;
      }
      const read = chunk.copy(header, headerBytes, at, at + HEADER_BYTES - headerBytes);
      headerBytes += read;
      at += read;
      if (headerBytes < HEADER_BYTES) break;
      headerBytes = 0;
      target = header[0] ?? 0;
      if (target > STDERR || header[1] !== 0 || header[2] !== 0 || header[3] !== 0)
        throw new Error("the engine's stream is not multiplexed");
      remaining = header.readUInt32BE(4);
    }
    return isFlowing;
  };

  const input = new Writable({
    write(chunk: Buffer, _encoding, done) {
      try {
        if (take(chunk)) done();
        else stdout.once("drain", () => done());
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
    final(done) {
      stdout.end();
      stderr.end();
      done();
    },
    destroy(error, done) {
      // Whatever cut the stream, readers see an end, and `exited` says how it went.
      stdout.end();
      stderr.end();
      done(error);
    },
  });
  // A reader that goes away must not hold up the rest.
  stdout.on("close", () => input.destroy());
  return { input, stdout, stderr };
}
