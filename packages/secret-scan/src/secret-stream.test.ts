// However a text is cut, the same goes out as when it comes whole; and not later than it must.
import type { Redaction } from "@pratique/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KnownValues, SecretScanner } from "./index.ts";

const TOKEN = `ghp_${"A1b2".repeat(9)}`;
const KEY = `-----BEGIN PRIVATE KEY-----\n${"MC4CAQAwBQYDK2VwBCIEIHKj".repeat(3)}\n-----END PRIVATE KEY-----`;
const HELD = "correct horse: battery";
const known = new KnownValues([{ name: "horse", value: HELD }]);
const scanner = new SecretScanner({ known: () => known });

const SECRETS = [
  TOKEN,
  KEY,
  HELD,
  Buffer.from(`x ${TOKEN}`).toString("base64"),
  "postgres://app:s3cr3t-pw@db/x",
  "Authorization: Bearer 8f7Hs92kdLLq0Zx7Gh3kP0qs",
  'client_secret = "k9Fq2-Zx81LmQ0p7RtY5vB3n"',
];
const word = fc.oneof(fc.constantFrom(...SECRETS), fc.lorem({ maxCount: 4 }), fc.string({ maxLength: 12 }));
const spaced = fc.array(word, { maxLength: 6 }).map((words) => words.join("\n"));
const cuts = fc.array(fc.nat(400), { maxLength: 12 });

function pieces(text: string, at: readonly number[]): string[] {
  const borders = [...new Set([0, ...at.map((one) => one % (text.length + 1)), text.length])].toSorted((a, b) => a - b);
  return borders.slice(1).map((end, index) => text.slice(borders[index], end));
}

describe("a stream", () => {
  it("says the same as the whole, however it is cut", () => {
    fc.assert(
      fc.property(spaced, cuts, (text, at) => {
        const stream = scanner.stream();
        const out = pieces(text, at).map((piece) => stream.push(piece));
        expect(out.join("") + stream.end()).toBe(scanner.redactText(text));
      }),
      { numRuns: 200 },
    );
  });

  it("says the same when it comes letter by letter", () => {
    const text = SECRETS.join(" and then ");
    const found: Redaction[] = [];
    const stream = scanner.stream();
    const out = [...text].map((letter) => stream.push(letter, found)).join("") + stream.end(found);
    expect(out).toBe(scanner.redactText(text));
    expect(found).toHaveLength(SECRETS.length);
  });

  it("holds back the last word and no more", () => {
    const stream = scanner.stream();
    expect(stream.push("The weather in Oslo is fine, and ")).toBe("The weather in Oslo is fine, and ");
    expect(stream.push("tomor")).toBe("");
    expect(stream.push("row ")).toBe("tomorrow ");
    expect(stream.push("gh")).toBe("");
    expect(stream.end()).toBe("gh");
  });

  it("waits for the end of a key, but not for ever", () => {
    const stream = scanner.stream();
    expect(stream.push(`a ${KEY.slice(0, 60)}`)).toBe("a ");
    expect(stream.push(KEY.slice(60))).toBe("");
    expect(stream.push(" b ")).toMatch(/^«private-key:.{4}» b $/);
    expect(stream.push("-----BEGIN ")).toBe("");
    expect(stream.push("x ".repeat(20_000))).toContain("x x x");
  });

  it("does not wait for the end of what is no word", () => {
    const stream = scanner.stream();
    let out = "";
    for (let part = 0; part < 200; part++) out += stream.push("ABCDEFGHIJ".repeat(100));
    expect(out.length).toBeGreaterThan(150_000);
    expect((out + stream.end()).length).toBe(200_000);
  });
});
