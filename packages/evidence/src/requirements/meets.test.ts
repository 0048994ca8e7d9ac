// Requirements over statements: types, signers, thresholds.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CYCLONEDX_PREDICATE, OPENVEX_PREDICATES, SIGNATURE_PREDICATE } from "../predicates.ts";
import { meets, requirementsFor, unmetOf } from "./meets.ts";
import { matchesPattern } from "./pattern.ts";

const ISSUER = "https://token.actions.githubusercontent.com";
const byKey = (name: string, predicateType = SIGNATURE_PREDICATE) => ({
  predicateType,
  signer: { id: `id of ${name}`, name },
});
const byIdentity = (subject: string, issuer = ISSUER) => ({
  predicateType: SIGNATURE_PREDICATE,
  signer: { id: `${issuer} ${subject}`, name: "ci", issuer, subject },
});

describe("meets", () => {
  it("asks for nothing where nothing is required", () => {
    expect(meets({ verified: [] }, [])).toEqual({ met: true, missing: [] });
  });

  it("does not take a signed SBOM for a signature", () => {
    const verification = { verified: [byKey("release", CYCLONEDX_PREDICATE)] };
    expect(meets(verification, [{ type: "signature" }]).missing).toMatchObject([{ code: "no-statement" }]);
    expect(meets(verification, [{ type: "cyclonedx" }]).met).toBe(true);
    expect(meets(verification, [{ type: CYCLONEDX_PREDICATE }]).met).toBe(true);
  });

  it.each(OPENVEX_PREDICATES)("takes %s for OpenVEX", (type) => {
    expect(meets({ verified: [byKey("release", type)] }, [{ type: "openvex" }]).met).toBe(true);
  });

  it("names who signed instead", () => {
    const { missing } = meets({ verified: [byKey("other")] }, [{ type: "signature", by: [{ key: "release" }] }]);
    expect(missing).toMatchObject([{ code: "other-signer", reason: "the signature is by other, not by key release" }]);
  });

  it("counts different signers, not signatures", () => {
    const twoOfThree = [{ type: "signature", by: ["a", "b", "c"].map((key) => ({ key })), threshold: 2 }];
    expect(meets({ verified: [byKey("a"), byKey("a")] }, twoOfThree).missing).toMatchObject([
      { code: "threshold", wanted: 2, found: 1 },
    ]);
    expect(meets({ verified: [byKey("a"), byKey("x"), byKey("c")] }, twoOfThree).met).toBe(true);
  });

  it("takes one workflow on two branches for one signer", () => {
    const at = (ref: string) =>
      byIdentity(`https://github.com/acme/tool/.github/workflows/release.yml@refs/heads/${ref}`);
    const pattern = (repository: string) => ({ issuer: ISSUER, subject: `https://github.com/acme/${repository}/**` });
    const two = (...by: ReturnType<typeof pattern>[]) => [{ type: "signature", by, threshold: 2 }];
    expect(meets({ verified: [at("a"), at("b")] }, two(pattern("tool"))).missing).toMatchObject([{ found: 1 }]);
    expect(meets({ verified: [at("a"), at("b")] }, two(pattern("tool"), pattern("other"))).met).toBe(false);
    expect(meets({ verified: [at("a"), at("b")] }, [{ type: "signature", threshold: 2 }]).met).toBe(false);
    const both = [at("a"), byIdentity("https://github.com/acme/other/x")];
    expect(meets({ verified: both }, two(pattern("*"), pattern("tool"))).met).toBe(true);
  });

  it("takes an identity by its issuer and a pattern of its subject", () => {
    const by = [{ issuer: ISSUER, subject: "https://github.com/acme/*/.github/workflows/release.yml@refs/tags/**" }];
    const requirements = [{ type: "signature", by }];
    const good = "https://github.com/acme/tool/.github/workflows/release.yml@refs/tags/v1/2";
    expect(meets({ verified: [byIdentity(good)] }, requirements).met).toBe(true);
    expect(meets({ verified: [byIdentity(good, "https://evil.example")] }, requirements).met).toBe(false);
    expect(meets({ verified: [byIdentity(good.replace("/tool/", "/a/b/"))] }, requirements).met).toBe(false);
  });

  it("never takes an identity for the key of the same name", () => {
    const by = [{ key: "ci" }];
    expect(meets({ verified: [byIdentity("someone")] }, [{ type: "signature", by }]).met).toBe(false);
  });

  it("requires all that fits a repository", () => {
    const requirements = [
      { repositories: ["team/*"], statements: [{ type: "signature" }] },
      { repositories: ["**"], statements: [{ type: "cyclonedx" }] },
    ];
    expect(requirementsFor(requirements, "team/tool").map(({ type }) => type)).toEqual(["signature", "cyclonedx"]);
    expect(requirementsFor(requirements, "team/a/b").map(({ type }) => type)).toEqual(["cyclonedx"]);
    expect(unmetOf(requirements, "team/tool", [byKey("a")])).toEqual([
      "no cyclonedx statement by a trusted signer verifies",
    ]);
  });
});

describe("matchesPattern", () => {
  it.each([
    ["team/tool", "team/*", true],
    ["team/a/b", "team/*", false],
    ["team/a/b", "team/**", true],
    ["steam/tool", "team/*", false],
    ["a@acme.com", "*@acme.com", true],
    ["a@acme.com.evil", "*@acme.com", false],
    ["", "**", true],
    ["ab", "a*b*", true],
    ["a/b", "a*b", false],
    ["axxb/yyc", "a*b/*c", true],
  ])("%s like %s: %s", (text, pattern, matches) => {
    expect(matchesPattern(text, pattern)).toBe(matches);
  });

  it("agrees with a regular expression", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "/", "*"), maxLength: 8 });
    fc.assert(
      fc.property(word, word, (text, pattern) => {
        const source = pattern.replace(/\*+|[^*]+/g, (part) =>
          part.startsWith("*") ? (part.length > 1 ? ".*" : "[^/]*") : part,
        );
        expect(matchesPattern(text, pattern)).toBe(new RegExp(`^${source}$`, "s").test(text));
      }),
      { numRuns: 500 },
    );
  });

  it("is not slowed down by many stars", () => {
    const text = `${"a".repeat(1000)}b`;
    expect(matchesPattern(text, `${"*a".repeat(200)}*c`)).toBe(false);
  });
});
