import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SseEvents } from "./sse-events.ts";

describe("server-sent events", () => {
  it("are found wherever the network cuts them, and pass through byte for byte", () => {
    const line = fc.string({ unit: fc.constantFrom("é", "x", " ", ":") });
    const newline = fc.constantFrom("\n", "\r\n");
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), newline, fc.integer({ min: 1, max: 9 }), (texts, end, size) => {
        const bytes = Buffer.from(texts.map((text) => `data: ${text}${end}${end}`).join(""));
        const reader = new SseEvents();
        const events = [];
        for (let at = 0; at < bytes.length; at += size) events.push(...reader.push(bytes.subarray(at, at + size)));
        expect(events.map((event) => event.data)).toEqual(texts);
        expect(Buffer.concat(events.map((event) => event.bytes))).toEqual(bytes);
        expect(reader.isCut).toBe(false);
      }),
    );
  });

  it("joins several data lines and skips comments", () => {
    expect(new SseEvents().push(Buffer.from(": hi\ndata: a\ndata:b\n\n"))[0]?.data).toBe("a\nb");
  });

  it("are refused when one has no end", () => {
    expect(() => new SseEvents().push(Buffer.alloc(5 * 1024 * 1024, "x"))).toThrow(RangeError);
  });

  it("tell when a stream ended inside one", () => {
    const reader = new SseEvents();
    reader.push(Buffer.from("data: {"));
    expect(reader.isCut).toBe(true);
  });
});
