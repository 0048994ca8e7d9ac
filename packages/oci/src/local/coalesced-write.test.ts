// Coalesced writes, on files that take less than they are given, and on files that fail.
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { writeCoalesced } from "./coalesced-write.ts";

/** A file in memory that takes at most `mostBytes` at once, and nothing at or after `fullAt`. */
class MemoryFile {
  readonly bytes = Buffer.alloc(4 * 1024 * 1024);
  readonly #mostBytes: number;
  readonly #fullAt: number;

  constructor(mostBytes: number, fullAt = Infinity) {
    this.#mostBytes = mostBytes;
    this.#fullAt = fullAt;
  }

  async writev<T extends readonly NodeJS.ArrayBufferView[]>(
    buffers: T,
    position?: number,
  ): Promise<{ bytesWritten: number; buffers: T }> {
    const all = Buffer.concat(buffers.map((view) => Buffer.from(view.buffer, view.byteOffset, view.byteLength)));
    const at = position ?? 0;
    if (at + Math.min(all.length, this.#mostBytes) > this.#fullAt) throw Object.assign(new Error(), { code: "ENOSPC" });
    return { bytesWritten: all.copy(this.bytes, at, 0, Math.min(all.length, this.#mostBytes)), buffers };
  }
}

async function* from(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

const chunks = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 40 });

it("writes every byte once and in order, however little the file takes at once", async () => {
  await fc.assert(
    fc.asyncProperty(chunks, fc.integer({ min: 1, max: 200 }), fc.nat(50), async (given, mostBytes, start) => {
      const file = new MemoryFile(mostBytes);
      const seen: Uint8Array[] = [];
      const result = await writeCoalesced(file, start, from(given), (chunk) => void seen.push(chunk));
      const whole = Buffer.concat(given);
      expect(result).toEqual({ position: start + whole.length });
      expect(file.bytes.subarray(start, result.position).equals(whole)).toBe(true);
      expect(Buffer.concat(seen).equals(whole)).toBe(true);
    }),
  );
});

it("says how far the file is whole when it fails", async () => {
  const given = Array.from({ length: 48 }, (_, index) => Buffer.alloc(64 * 1024, index));
  const file = new MemoryFile(Infinity, 2 * 1024 * 1024);
  const result = await writeCoalesced(file, 0, from(given), () => undefined);
  expect(result).toMatchObject({ position: 2 * 1024 * 1024, writeError: { code: "ENOSPC" } });
  expect(file.bytes.subarray(0, result.position).equals(Buffer.concat(given).subarray(0, result.position))).toBe(true);
});
