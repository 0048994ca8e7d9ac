// Values of headers in base64 between marks, and those that need none.
import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeHeaderValue, encodeHeaderValue } from "./header-value.ts";

it.each([
  ["us-west1", "us-west1"],
  ["Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="],
  [" padded ", "=?base64?IHBhZGRlZCA=?="],
  ["line1\nline2", "=?base64?bGluZTEKbGluZTI=?="],
  ["=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="],
])("encodes %j as the specification does", (value, header) => {
  expect(encodeHeaderValue(value)).toBe(header);
  expect(decodeHeaderValue(header)).toBe(value);
});

it("decodes what it encoded, and encodes into what a header may hold", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ unit: "binary-ascii" })), (value) => {
      const header = encodeHeaderValue(value);
      expect(header).toMatch(/^[\x21-\x7e](?:[\x20-\x7e\t]*[\x21-\x7e])?$/);
      expect(decodeHeaderValue(`  ${header}\t`)).toBe(value);
    }),
  );
});

it.each([
  "=?base64?SGVsbG8?=",
  "=?base64?SGVs bG8=?=",
  "=?base64?SGVsbG8==?=",
  "=?base64?/w==?=",
  "ü",
  "a\u0001b",
  "=?base64?Zh==?=",
])("refuses %j", (header) => expect(decodeHeaderValue(header)).toBeUndefined());

it.each(["=?base64?", "SGVsbG8=", "=?BASE64?SGVsbG8=?=", "?=", "=?base64?="])("takes %j for what it says", (header) =>
  expect(decodeHeaderValue(header)).toBe(header),
);
