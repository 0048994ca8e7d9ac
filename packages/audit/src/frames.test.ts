// What a journal tells after it was cut or damaged.
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { decodeFrames, encodeFrame } from "./frames.ts";

const entry = fc.json().map((text) => Buffer.from(text));
const journal = fc.array(entry, { minLength: 1, maxLength: 8 });
const bytesOf = (entries: readonly Buffer[]) => Buffer.concat(entries.map(encodeFrame));

it("gives back what was written", () => {
  fc.assert(
    fc.property(journal, (entries) => {
      const bytes = bytesOf(entries);
      expect(decodeFrames(bytes)).toEqual({ entries, soundBytes: bytes.length, tail: "none" });
    }),
  );
});

it("takes a cut at any byte for a torn write, and keeps what is whole before it", () => {
  fc.assert(
    fc.property(journal, fc.nat(), (entries, seed) => {
      const bytes = bytesOf(entries);
      const { entries: kept, soundBytes, tail } = decodeFrames(bytes.subarray(0, seed % bytes.length));
      expect(kept).toEqual(entries.slice(0, kept.length));
      expect(tail).toBe(soundBytes === seed % bytes.length ? "none" : "torn");
    }),
  );
});

it("never takes a flipped bit for a torn write", () => {
  fc.assert(
    fc.property(journal, fc.nat(), fc.nat(7), (entries, seed, bit) => {
      const bytes = bytesOf(entries);
      bytes[seed % bytes.length]! ^= 1 << bit;
      expect(decodeFrames(bytes).tail).toBe("damaged");
    }),
  );
});

it("takes blocks that never reached the disk for a torn write", () => {
  const whole = encodeFrame(Buffer.from('{"a":1}'));
  const lost = encodeFrame(Buffer.from(JSON.stringify({ text: "x".repeat(100) }))).fill(0, 40);
  expect(decodeFrames(Buffer.concat([whole, lost]))).toMatchObject({ soundBytes: whole.length, tail: "torn" });
  expect(decodeFrames(Buffer.concat([whole, Buffer.alloc(4096)]))).toMatchObject({
    soundBytes: whole.length,
    tail: "torn",
  });
});
