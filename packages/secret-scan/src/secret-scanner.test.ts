// What is found where, what is left alone, and what it costs to be lied to.
import { gzipSync } from "node:zlib";
import type { Json, Redaction } from "@pratique/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KnownValues, SecretScanner } from "./index.ts";

const TOKEN = `ghp_${"A1b2".repeat(9)}`;
/** With a valid checksum. */
const PROVEN = "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";
const KEY = `-----BEGIN PRIVATE KEY-----\n${"MC4CAQAwBQYDK2VwBCIEIHKj".repeat(3)}\n-----END PRIVATE KEY-----`;
const scanner = new SecretScanner();

function kindsIn(text: string): string[] {
  return scanner.find(text).flatMap(({ found }) => found.map(({ kind }) => kind));
}

describe("in text", () => {
  it.each([
    ["private-key", KEY],
    ["private-key", JSON.stringify(KEY)],
    ["private-key", KEY.slice(0, 90)],
    ["url-password", "postgres://app:s3cr3t-pw@db:5432/x"],
    ["url-password", "redis://:s3cr3t-pw@cache"],
    ["bearer-token", "Authorization: Bearer 8f7Hs92kdLLq0Zx7Gh3kP0qs"],
    ["basic-credential", `Authorization: Basic ${Buffer.from("alice:Tr0ub4dor&3").toString("base64")}`],
    ["aws-secret-key", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYzZ9Q8r7T6y"],
    ["datadog-key", "DD_API_KEY: 3f2a9c81d7e64b05a8c1f0e92b7d6a34"],
    ["assigned-secret", 'client_secret: "k9Fq2-Zx81LmQ0p7RtY5vB3n"'],
    ["assigned-secret", "<apiKey>k9Fq2Zx81LmQ0p7RtY5vB3n</apiKey>"],
    ["jwt", `eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.${"s".repeat(43)}`],
    ["github-token", `a%3D${TOKEN}`],
    ["github-token", [...TOKEN].map((one) => `%${one.charCodeAt(0).toString(16)}`).join("")],
    ["github-token", [...TOKEN].map((one) => `\\u00${one.charCodeAt(0).toString(16)}`).join("")],
    ["github-token", `data:text/plain;base64,${Buffer.from(TOKEN).toString("base64url")}`],
    ["github-token", Buffer.from(Buffer.from(`x ${TOKEN}`).toString("base64")).toString("base64")],
    ["github-token", gzipSync(`some text with ${TOKEN}`).toString("base64")],
    ["url-password", Buffer.from("url: https://me:hunter22@host/").toString("base64")],
  ])("finds a %s in %s", (kind, text) => {
    expect(kindsIn(text)).toEqual([kind]);
    expect(scanner.redactText(text)).toContain(text.slice(0, 0));
    expect(kindsIn(scanner.redactText(text))).toEqual([]);
  });

  it.each([
    "sha512-Iup/aYTNu5U92gcTaHZGuDZoEX0jZdY9z1Bc9mEnPWDqv9p6jeOgSEb4ySqDaYNGNhWlLZ8RGP6fXnKZ3xWqsA==",
    "commit 9fceb02d0ae598e95dc970b74767f19372d6",
    "id: 123e4567-e89b-12d3-a456-426614174000, token_type: bearer",
    '"nextPageToken": "CAUQAA8f7Hs92kdLLq0Zx7Gh3kP0qs"',
    "password: ${DB_PASSWORD}",
    "https://user:password@example.com and https://USER:PASS@host",
    "Authorization: Bearer YOUR_ACCESS_TOKEN_GOES_HERE_1",
    "AKIAIOSFODNN7EXAMPLE",
    "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    "a token is required; see the secret-management-guide-2024 for api-key-rotation",
    "https://hooks.example.com/api/webhooks/list?sort=asc&after=2026-11-01",
  ])("leaves %j alone", (text) => expect(scanner.find(text)).toEqual([]));

  it("takes a token that proves itself out of the midst of a word", () => {
    expect(kindsIn(`token${TOKEN}`)).toEqual([]);
  });

  it("leaves the rest of base64 as it was", () => {
    const bytes = Buffer.concat([Buffer.from([0xff, 0xd8, 0]), Buffer.from(` ${TOKEN} `), Buffer.from([0xfe, 7])]);
    const clean = Buffer.from(scanner.redactText(bytes.toString("base64")), "base64");
    expect(clean.subarray(0, 4)).toEqual(bytes.subarray(0, 4));
    expect(clean.at(-1)).toBe(7);
    expect(clean.includes("ghp_")).toBe(false);
  });
});

describe("in JSON", () => {
  it("looks at every text and every key, and says what it took", () => {
    const found: Redaction[] = [];
    const value: Json = {
      content: [
        { type: "text", text: TOKEN },
        { type: "resource", resource: { uri: `x://${TOKEN}`, blob: Buffer.from(TOKEN).toString("base64") } },
      ],
      structuredContent: { [TOKEN]: 1, password: "hunter22" },
      _meta: { deep: [[{ a: TOKEN }]] },
    };
    const clean = scanner.redactJson(value, found);
    expect(JSON.stringify(clean)).not.toMatch(/ghp_|hunter22|Z2hwX/);
    expect(found).toHaveLength(6);
  });

  it("gives back the very same value when nothing is in it", () => {
    const value = { a: ["x".repeat(40), { b: null, c: 1.5 }], d: { __proto__: null } };
    expect(scanner.redactJson(value)).toBe(value);
  });

  it("finds a secret that two blocks of content share", () => {
    const found: Redaction[] = [];
    const blocks = [TOKEN.slice(0, 12), TOKEN.slice(12)].map((text) => ({ type: "text", text }));
    expect(JSON.stringify(scanner.redactJson({ content: blocks }, found))).not.toMatch(/ghp_|A1b2/);
    expect(found).toHaveLength(1);
  });

  it("finds a secret wherever it stands", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.string(), (value, text) => {
        const wrapped = { outer: [value as Json, { [`k ${text} ${TOKEN}`]: `${text} ${TOKEN} ${text}` }] };
        expect(JSON.stringify(scanner.redactJson(wrapped))).not.toContain(TOKEN);
      }),
    );
  });

  it("cuts off what nests without end", () => {
    let deep: Json = TOKEN;
    for (let level = 0; level < 5000; level++) deep = [deep];
    expect(JSON.stringify(scanner.redactJson(deep))).toContain("too deep");
  });
});

describe("values of the house", () => {
  const value = "correct horse: battery/staple?";
  const known = new KnownValues([{ name: "db-password", value }]);
  const own = new SecretScanner({ known: () => known });

  it.each([
    ["itself", value],
    ["JSON", JSON.stringify({ a: `${value}"` })],
    ["an address", encodeURIComponent(value)],
    ["hexadecimal", Buffer.from(value).toString("hex")],
    ["base64", Buffer.from(`so: ${value}`).toString("base64")],
    ["base64 of bytes", Buffer.from(`\u0000\u0001${value}`, "latin1").toString("base64url")],
  ])("are found as %s", (_form, text) => {
    expect(own.find(`before ${text} after`).flatMap(({ found }) => found)[0]?.kind).toBe("db-password");
  });

  it("are found among many others, in any text", () => {
    const values = Array.from({ length: 200 }, (_, at) => ({ name: `n${at}`, value: `value-${at}-${at * 7919}` }));
    const many = new SecretScanner({ known: () => known200 });
    const known200 = new KnownValues(values);
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.integer({ min: 0, max: 199 }), (before, after, at) => {
        expect(many.redactText(`${before} ${values[at]!.value} ${after}`)).not.toContain(values[at]!.value);
      }),
    );
  });
});

it("lets through what is allowed by its fingerprint", () => {
  const [finding] = scanner.find(TOKEN);
  const digest = finding?.found[0]?.digest;
  const lenient = new SecretScanner({ isAllowed: (redaction) => redaction.digest === digest });
  expect(lenient.redactText(`${TOKEN} ${PROVEN}`)).toMatch(/^ghp_A1b2.* «github-token:.{4}»$/);
});

it.each([
  "-eyJ",
  "eyJhbGci-",
  "-eyJhbGci",
  ".eyJ",
  ".eyJaaaaaaaa",
  "-----BEGIN PRIVATE KEY-----",
  "-----BEGIN PRIVATE KEY-----MC4C",
  "sk-ant-",
  "://a:",
  "bearer ",
  "prq_a",
  "ghp_",
  "AKIA/",
  "PuTTY-User-Key-File-2",
  "Z2hwX",
  "H4sIAAAAAAAA",
  "%67",
  "%67 ",
  "\\u0067",
  "aaaaaaaaaaaaaaaa\n",
  "api_key=",
  "token: aaaaaaaaaaaaaaa1b2 ",
])(
  "does not stall on a text of many %j",
  // What takes quadratic time would still be at it when the test's own deadline comes.
  (piece) => expect(scanner.redactText(piece.repeat(Math.ceil(300_000 / piece.length)))).not.toBe(""),
);

describe("an attack", () => {
  const VALUE = "hunter2hunter2hunter2abcd";
  const known = new KnownValues([{ name: "secret:x", value: VALUE }]);
  const guarded = new SecretScanner({ known: () => known });

  it("does not get a value through beside a secret in base64 that is encoded again", () => {
    const encoded = Buffer.from(`some words and then ${TOKEN} and more`).toString("base64url");
    for (const gap of ["", "A", "AA", "AAA"]) {
      const found: Redaction[] = [];
      expect(guarded.redactText(`${VALUE}${gap}${encoded}`, found)).not.toContain(VALUE);
      expect(found.map(({ kind }) => kind)).toContain("secret:x");
    }
  });

  it("does not get a secret through in many small pieces", () => {
    for (const size of [1, 3, 7, 13, 30]) {
      const pieces = [...TOKEN.matchAll(new RegExp(`.{1,${size}}`, "g"))].map(([piece]) => piece);
      for (const list of [
        ["some", ...pieces, "."].map((text, at) => (at === 0 ? `${text} ` : text)),
        pieces.map((text) => ({ type: "text", text })),
        ["x".repeat(3000), ` ${pieces[0]}`, ...pieces.slice(1)],
      ]) {
        const found: Redaction[] = [];
        const clean: Json = scanner.redactJson<Json>(list, found);
        expect(found).toHaveLength(1);
        expect(JSON.stringify(clean).replace(/[^\w«]/g, "")).not.toMatch(/A1|1b|b2A/);
      }
    }
  });
});
