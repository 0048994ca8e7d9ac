import * as fc from "fast-check";
import { expect, it } from "vitest";
import { TokenText } from "./token-text.ts";

it("puts characters together that span tokens, and loses none", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      // One token a byte: the worst case.
      const tokens = [...Buffer.from(text)];
      const reader = new TokenText((given) => Buffer.from(given).toString("utf8"));
      const pieces = tokens.map((token) => reader.push(token));
      expect(pieces.join("") + reader.end()).toBe(text);
      expect(pieces.join("").includes("\uFFFD")).toBe(text.includes("\uFFFD"));
    }),
  );
});
