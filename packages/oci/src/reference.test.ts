// References, by example and by property.
import { digestOf, isPratiqueError } from "@pratique/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatReference, isRepositoryName, isTag, parseReference, type Reference } from "./reference.ts";

const digest = digestOf("x");
const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const component = fc.tuple(word, fc.constantFrom("", ".", "_", "__", "-", "---"), word).map((parts) => parts.join(""));
const repository = fc.array(component, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/"));
const registry = fc.constantFrom(
  "localhost",
  "localhost:7340",
  "ghcr.io",
  "127.0.0.1:5000",
  "[::1]:5000",
  "reg.example:443",
);
const tag = fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/);
const reference = fc.record(
  { registry, repository, tag, digest: fc.constantFrom(digest, digestOf("x", "sha512")) },
  { requiredKeys: ["registry", "repository"] },
);

describe("parseReference", () => {
  it("reads registry, repository, tag and digest", () => {
    expect(parseReference("localhost:7340/tools/weather:1.0")).toEqual({
      registry: "localhost:7340",
      repository: "tools/weather",
      tag: "1.0",
    });
    expect(parseReference(`ghcr.io/a/b:v1@${digest}`)).toEqual({
      registry: "ghcr.io",
      repository: "a/b",
      tag: "v1",
      digest,
    });
  });

  it("fills in what the text leaves out", () => {
    expect(parseReference("voyage/model", { registry: "localhost:7340", tag: "latest" })).toEqual({
      registry: "localhost:7340",
      repository: "voyage/model",
      tag: "latest",
    });
    expect(parseReference(`a/b@${digest}`, { registry: "r.io", tag: "latest" }).tag).toBeUndefined();
    expect(parseReference("weather:1", { registry: "localhost:7340" })).toMatchObject({
      repository: "weather",
      tag: "1",
    });
    expect(parseReference("docker.io/alpine:3").repository).toBe("library/alpine");
  });

  it.each([
    "",
    "weather:1.0",
    "a/b:1",
    "localhost/A",
    "localhost/a/../b",
    "localhost//a",
    "localhost/a:",
    "localhost/a@sha256:12",
    "localhost/a@md5:d41d8cd98f00b204e9800998ecf8427e",
    "localhost:0/a",
    "localhost:99999/a",
    "http://localhost/a",
    "user@host.io/a",
    "host.io/a b",
    "-bad.io/a",
    `host.io/${"a".repeat(300)}`,
  ])("refuses %s", (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: "reference.invalid" }));
  });

  it("reads back what it writes", () => {
    fc.assert(fc.property(reference, (value) => void expect(parseReference(formatReference(value))).toEqual(value)));
  });

  it("gives a well-formed reference or one coded error for any text", () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."aA0./:@-_[]%\\ \n") }));
    fc.assert(
      fc.property(text, (value) => {
        const parsed = read(value);
        if (parsed === undefined) return;
        expect(isRepositoryName(parsed.repository)).toBe(true);
        expect(parsed.tag === undefined || isTag(parsed.tag)).toBe(true);
        expect(parseReference(formatReference(parsed))).toEqual(parsed);
      }),
      { numRuns: 1000 },
    );
  });
});

/** Undefined for the one error that a text may cause. */
function read(text: string): Reference | undefined {
  try {
    return parseReference(text, { registry: "localhost" });
  } catch (error) {
    if (isPratiqueError(error, "reference.invalid")) return undefined;
    throw error;
  }
}
