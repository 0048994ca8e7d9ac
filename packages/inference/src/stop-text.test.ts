import * as fc from "fast-check";
import { expect, it } from "vitest";
import { StopText } from "./stop-text.ts";

it("passes text on up to the first stop string, however it arrives", () => {
  const unit = fc.constantFrom("a", "b", "c");
  fc.assert(
    fc.property(fc.string({ unit }), fc.array(fc.string({ unit, minLength: 1, maxLength: 3 })), (text, stops) => {
      const reader = new StopText(stops);
      const out = [...text].map((piece) => reader.push(piece)).join("") + reader.end();
      // The earliest end of a stop string decides, since text ends as soon as one is complete.
      const ends = stops.flatMap((stop) => (text.includes(stop) ? [text.indexOf(stop) + stop.length] : []));
      const end = Math.min(...ends);
      const first = stops.filter((stop) => text.indexOf(stop) + stop.length === end && text.includes(stop));
      const expected = ends.length === 0 ? text : text.slice(0, Math.min(...first.map((stop) => text.indexOf(stop))));
      expect(out).toBe(expected);
      expect(reader.stopped).toBe(ends.length > 0);
    }),
  );
});
