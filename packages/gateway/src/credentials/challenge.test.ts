import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coversScope, parseChallenge, scopeUnion } from "./challenge.ts";

describe("a challenge", () => {
  it.each([
    [
      'Bearer resource_metadata="https://a.example/.well-known/oauth-protected-resource", scope="a b"',
      { resourceMetadata: "https://a.example/.well-known/oauth-protected-resource", scope: "a b" },
    ],
    ['Bearer error="insufficient_scope",scope="write"', { error: "insufficient_scope", scope: "write" }],
    ['Basic realm="x", Bearer scope=one, error=invalid_token', { scope: "one", error: "invalid_token" }],
    [
      "bearer resource_metadata=https://a.example/x?y=z, error=e",
      { resourceMetadata: "https://a.example/x?y=z", error: "e" },
    ],
    ['Bearer realm="a \\"quoted\\", scope=\\"no\\"", scope="yes"', { scope: "yes" }],
    ['Bearer scope="a", scope="b"', { scope: "a" }],
    ['Basic realm="Bearer scope=x"', {}],
    ["Bearer", {}],
    ["Bearer resource_metadata=nowhere", {}],
    ['Bearer scope="a\\\\b"', {}],
    ["", {}],
  ])("%s is read", (header, expected) => {
    expect(parseChallenge(header)).toEqual(expected);
  });

  it("never makes the reader fail, or take long", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => void parseChallenge(`Bearer ${text}`)),
      { numRuns: 500 },
    );
    expect(parseChallenge(`Bearer ${'x="'.repeat(2000)}`)).toEqual({});
  });
});

it("joins scopes, and compares them", () => {
  expect(scopeUnion("a b", undefined, "b c", "")).toBe("a b c");
  expect(scopeUnion(undefined, "")).toBeUndefined();
  expect([
    coversScope("a b", "b"),
    coversScope("a", "a b"),
    coversScope(undefined, "a"),
    coversScope("a", undefined),
  ]).toEqual([true, false, false, true]);
});
