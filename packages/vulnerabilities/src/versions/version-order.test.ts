// Version orders: against the ecosystems' own tools, and as total orders.
import fc from "fast-check";
import semver from "semver";
import { describe, expect, it } from "vitest";
import { versionOrderOf } from "./order-of.ts";
import { MAVEN, OTHERS, PYTHON } from "./vectors.fixture.ts";

function compare(family: string, a: string, b: string): number | undefined {
  return versionOrderOf(family)?.compare(a, b);
}

function sign(order: number | undefined): string {
  if (order === undefined) return "?";
  return order < 0 ? "<" : order > 0 ? ">" : "=";
}

describe("order of versions", () => {
  it.each(Object.entries({ PyPI: PYTHON, Maven: MAVEN, ...OTHERS }))("of %s is its own tools'", (family, vectors) => {
    for (const line of vectors.trim().split("\n")) {
      const [a = "", , b = ""] = line.split(" ");
      expect(`${a} ${sign(compare(family, a, b))} ${b}`).toBe(line);
      expect(sign(compare(family, b, a))).toBe(sign(-(compare(family, a, b) ?? NaN)));
    }
  });

  it("of npm is that of the semver package", () => {
    const number = fc.nat(30).map(String);
    const identifier = fc.oneof(number, fc.constantFrom("alpha", "beta", "rc", "x-1", "A"));
    const version = fc
      .tuple(fc.tuple(number, number, number), fc.array(identifier, { maxLength: 3 }), fc.constantFrom("", "+b.1"))
      .map(([numbers, pre, build]) => `${numbers.join(".")}${pre.length === 0 ? "" : `-${pre.join(".")}`}${build}`);
    fc.assert(
      fc.property(version, version, (a, b) => {
        expect(Math.sign(compare("npm", a, b) ?? NaN)).toBe(semver.compare(a, b));
      }),
    );
  });

  it("compares numbers beyond 2^53 by value", () => {
    for (const family of ["npm", "PyPI", "Debian", "Alpine", "Red Hat", "Maven", "RubyGems", "NuGet", "Packagist"]) {
      expect(compare(family, "9007199254740993.0.0", "9007199254740992.0.0")).toBeGreaterThan(0);
      expect(compare(family, "1.20240101000000000001", "1.20240101000000000000")).toBeGreaterThan(0);
    }
  });

  it("is none for what is no version, and none for an ecosystem that is not known", () => {
    expect(compare("npm", "latest", "1.0.0")).toBeUndefined();
    expect(compare("PyPI", "1.0", "not a version")).toBeUndefined();
    expect(compare("Packagist", "dev-master", "1.0")).toBeUndefined();
    expect(compare("Go", "(devel)", "1.0.0")).toBeUndefined();
    expect(compare("Debian", "1.0 1", "1.0")).toBeUndefined();
    expect(versionOrderOf("Atari")).toBeUndefined();
  });

  it("does not take long over a hostile version", () => {
    const hostile = ["1".repeat(100_000), `${"1.".repeat(400)}x`, `1-${"a-".repeat(400)}!`, "~".repeat(1000)];
    for (const family of [
      "npm",
      "PyPI",
      "Debian",
      "Alpine",
      "Red Hat",
      "Maven",
      "RubyGems",
      "NuGet",
      "Packagist",
      "Go",
    ]) {
      for (const text of hostile) expect(() => compare(family, text, "1.0")).not.toThrow();
    }
  });
});

/** Texts that are versions in some ecosystems and nearly so in others. */
const part = fc.constantFrom(
  "0",
  "1",
  "2",
  "10",
  "01",
  "00",
  "a",
  "b",
  "rc",
  "alpha",
  "beta",
  "dev",
  "post",
  "p",
  "pre",
  "sp",
  "foo",
);
const glue = fc.constantFrom(".", "-", "_", "~", "+", "^", "", ":", "!", "-r");
const version = fc
  .tuple(fc.constantFrom("0", "1", "2", "10"), fc.array(fc.tuple(glue, part), { maxLength: 5 }))
  .map(([first, rest]) => first + rest.map(([between, text]) => between + text).join(""));

describe.each([
  "npm",
  "Go",
  "Pub",
  "PyPI",
  "Debian",
  "Alpine",
  "Red Hat",
  "Maven",
  "NuGet",
  "RubyGems",
  "Packagist",
  "CRAN",
])("the order of %s", (family) => {
  const valid = version.filter((text) => versionOrderOf(family)?.isVersion(text) === true);

  it("is total", () => {
    fc.assert(
      fc.property(fc.array(valid, { minLength: 3, maxLength: 4 }), (versions) => {
        const order = (a: string, b: string): number => compare(family, a, b) ?? NaN;
        const triples = versions.flatMap((a) => versions.flatMap((b) => versions.map((c) => [a, b, c] as const)));
        for (const [a, b, c] of triples) {
          expect(order(a, a)).toBe(0);
          expect(Math.sign(order(a, b)) + Math.sign(order(b, a))).toBe(0);
          const isBroken = order(a, b) <= 0 && order(b, c) <= 0 && order(a, c) > 0;
          expect(isBroken ? `${a} ≤ ${b} ≤ ${c} < ${a}` : "total").toBe("total");
        }
      }),
      { numRuns: 100 },
    );
  });
});
