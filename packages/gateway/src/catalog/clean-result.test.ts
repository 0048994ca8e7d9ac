// What passes from a server to a client.
import { expect, it } from "vitest";
import { cleanResult, isShallow } from "./clean-result.ts";

const SECRET = `ghp_${"A1b2".repeat(9)}`;
const from = { server: "s", what: "w" };

it("redacts text, structured content, embedded resources and metadata, and says what it took", () => {
  const { result, redactions } = cleanResult(
    {
      content: [{ type: "resource", resource: { uri: `x://${SECRET}`, text: SECRET } }],
      structuredContent: { data: SECRET, [SECRET]: 1 },
      _meta: { other: SECRET },
    },
    from,
  );
  expect(JSON.stringify(result)).not.toContain(SECRET);
  expect(redactions).toHaveLength(5);
});

it("leaves images and blobs as they are", () => {
  const whole = {
    content: [
      { type: "image", data: SECRET, mimeType: "image/png" },
      { uri: "x://y", blob: SECRET },
    ],
  };
  expect(cleanResult(whole, from).result).toEqual(whole);
});

it("takes out of _meta what only the gateway may say, and nothing else", () => {
  const result = {
    _meta: { "dev.pratique/decision": 1, "other/key": 2 },
    structuredContent: { "dev.pratique/decision": 3 },
  };
  expect(cleanResult(result, from).result).toEqual({
    _meta: { "other/key": 2 },
    structuredContent: { "dev.pratique/decision": 3 },
  });
});

it("refuses what is too large", () => {
  expect(() => cleanResult({ text: "x".repeat(2 ** 20) }, from)).toThrow(
    expect.objectContaining({ code: "gateway.result-too-large" }),
  );
});

it("knows how deep is too deep", () => {
  const nested = (depth: number): unknown => (depth === 0 ? "end" : [nested(depth - 1)]);
  expect(isShallow(nested(64))).toBe(true);
  expect(isShallow(nested(65))).toBe(false);
});
