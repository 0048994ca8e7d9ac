import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "./json.ts";
import { PratiqueError } from "./pratique-error.ts";
import { redactJson, redactText, type Redaction } from "./redact.ts";

const GITHUB = `ghp_${"a1B2".repeat(9)}`;

describe("text", () => {
  it.each([
    ["github-token", GITHUB],
    ["aws-access-key", "AKIAIOSFODNN7EXAMPLE"],
    ["openai-key", `sk-proj-${"x".repeat(40)}`],
    ["anthropic-key", `sk-ant-api03-${"x".repeat(40)}`],
    ["jwt", `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.${"s".repeat(43)}`],
    ["private-key", "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----"],
    ["pratique-token", `prq_${"A".repeat(43)}`],
  ])("takes out a %s, and says what it was", (kind, secret) => {
    const found: Redaction[] = [];
    const text = redactText(`before ${secret} after`, found);
    expect(text).not.toContain(secret);
    expect(text).toMatch(/^before «.*» after$/);
    expect(found.map((entry) => entry.kind)).toEqual([kind]);
  });

  it.each([
    `glpat-${"x".repeat(20)}`,
    `github_pat_${"x".repeat(22)}`,
    `xoxb-${"1".repeat(12)}`,
    `AIza${"x".repeat(35)}`,
    `npm_${"x".repeat(36)}`,
    `ASIA${"X".repeat(16)}`,
    `BEARER ${"x".repeat(20)}`,
    `bEaReR ${"x".repeat(20)}`,
    "x://y:z@",
  ])("looks closely at %s", (text) => {
    const found: Redaction[] = [];
    redactText(text, found);
    expect(found).toHaveLength(1);
  });

  it("takes a password out of an address and leaves the rest", () => {
    expect(redactText("https://me:hunter22@host/path")).toMatch(/^https:\/\/me:«url-password:[0-9a-f]{4}»@host\/path$/);
  });

  it("gives the same secret the same mask, and another one another", () => {
    expect(redactText(GITHUB)).toBe(redactText(GITHUB));
    expect(redactText(GITHUB)).not.toBe(redactText(GITHUB.replace("a1", "z9")));
  });

  it("finds a JWT after a hyphen", () => {
    const payload = "eyJzdWIiOiJhbGljZSJ9";
    expect(redactText(`x-eyJhbGciOiJFUzI1NiJ9.${payload}.${"s".repeat(43)}`)).not.toContain(payload);
  });

  it.each([
    "-eyJ",
    "eyJ",
    ".eyJ",
    "eyJaaaaaaaa.",
    "-----BEGIN PRIVATE KEY-----",
    "sk-",
    "://a:",
    "bearer ",
    "prq_a",
    "ghp_",
  ])(
    "does not stall on a text of many %j",
    // A pattern that takes quadratic time would still be at it when the test's own deadline comes.
    (piece) => expect(redactText(piece.repeat(200_000))).not.toBe(""),
  );

  it("leaves ordinary text alone", () => {
    for (const text of [
      "Oslo: rain, 7 C",
      "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4",
      "0197a3c2-1111-7222-8333-444455556666",
    ]) {
      expect(redactText(text)).toBe(text);
    }
  });
});

describe("JSON", () => {
  it("masks values under telling keys and tokens anywhere", () => {
    const masked = JSON.stringify(
      redactJson({ password: "hunter2", nested: [{ api_key: "k", note: `use ${GITHUB}` }], city: "Oslo" }),
    );
    expect(masked).not.toMatch(/hunter2|ghp_/);
    expect(masked).toContain('"city":"Oslo"');
  });

  it("never lets a token through, wherever it stands", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.string(), (value, text) => {
        const wrapped = { outer: [value as Json, { [`k${text}`]: `${text} ${GITHUB} ${text}` }] };
        expect(JSON.stringify(redactJson(wrapped))).not.toContain(GITHUB);
      }),
    );
  });

  it("does not follow a value without end", () => {
    let deep: Json = "x";
    for (let level = 0; level < 5000; level++) deep = [deep];
    expect(() => redactJson(deep)).not.toThrow();
  });
});

it("keeps secrets out of error messages and hints", () => {
  const error = new PratiqueError({ code: "a.b", message: `token ${GITHUB}`, hint: `not ${GITHUB}` });
  expect(`${error.message} ${error.hint}`).not.toContain(GITHUB);
});
