// Frames of an attached stream, however they are cut.
import { text } from "node:stream/consumers";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { demultiplexer } from "./demultiplex.ts";

function frame(type: number, payload: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = type;
  header.writeUInt32BE(Buffer.byteLength(payload), 4);
  return Buffer.concat([header, Buffer.from(payload)]);
}

it("puts streams together again, wherever the bytes were cut", async () => {
  const frames = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.string({ maxLength: 40 })), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(frames, fc.array(fc.nat(30), { maxLength: 20 }), async (frames, cuts) => {
      const bytes = Buffer.concat(frames.map(([type, payload]) => frame(type, payload)));
      const { input, stdout, stderr } = demultiplexer();
      const both = Promise.all([text(stdout), text(stderr)]);
      let at = 0;
      for (const cut of cuts) {
        input.write(bytes.subarray(at, at + cut));
        at += cut;
      }
      input.end(bytes.subarray(at));
      const of = (wanted: number) => frames.flatMap(([type, payload]) => (type === wanted ? [payload] : [])).join("");
      expect(await both).toEqual([of(1), of(2)]);
    }),
  );
});

it("ends both streams when what comes is not multiplexed", async () => {
  const { input, stdout, stderr } = demultiplexer();
  input.on("error", () => undefined);
  input.write("plain text that is no frame");
  expect(await Promise.all([text(stdout), text(stderr)])).toEqual(["", ""]);
  expect(input.errored?.message).toContain("not multiplexed");
});

it("drops what nobody reads of stderr, and goes on with stdout", async () => {
  const { input, stdout } = demultiplexer();
  const read = text(stdout);
  for (let count = 0; count < 100; count += 1) input.write(frame(2, "x".repeat(4096)));
  input.end(frame(1, "answer"));
  expect(await read).toBe("answer");
});
