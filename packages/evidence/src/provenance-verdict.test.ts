// How far provenance is believed.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PROVENANCE_PREDICATE } from "./predicates.ts";
import { fitsUri, type TrustedBuilder } from "./provenance-builders.ts";
import { judgeProvenance } from "./provenance-verdict.ts";

const BUILDER = "https://github.com/team/ci/.github/workflows/release.yml@refs/tags/v1.2.0";

function statement(changes: {
  builder?: string;
  signer?: string;
  slsaLevel?: number;
  repository?: string;
  parameters?: object;
}) {
  const {
    builder = BUILDER,
    signer = "ci",
    slsaLevel = 1,
    repository = "https://github.com/team/app",
    parameters,
  } = changes;
  return {
    predicateType: PROVENANCE_PREDICATE,
    predicate: {
      buildDefinition: {
        buildType: "https://actions.github.io/buildtypes/workflow/v1",
        externalParameters: { workflow: { repository, ref: "refs/tags/v3", path: "release.yml" }, ...parameters },
        resolvedDependencies: [],
      },
      runDetails: { builder: { id: builder } },
    },
    signer: { id: `id of ${signer}`, name: signer },
    trust: { clears: false, slsaLevel },
  };
}

const trusted: TrustedBuilder = {
  name: "our-ci",
  id: "https://github.com/team/ci/.github/workflows/*@refs/tags/v*",
  signers: ["ci"],
  slsaLevel: 3,
  sources: ["https://github.com/team/*"],
};
const judged = (changes: Parameters<typeof statement>[0], builders: readonly TrustedBuilder[] = [trusted]) =>
  judgeProvenance(statement(changes), builders);

describe("judgeProvenance", () => {
  it("believes a build platform up to its level when its own identity signed", () => {
    expect(judged({})).toMatchObject({ slsaLevel: 3, builderName: "our-ci", unmet: [] });
  });

  it("believes a platform that nobody named as far as whoever signed", () => {
    expect(judged({ builder: "https://builder.example", slsaLevel: 2 })).toMatchObject({ slsaLevel: 2, unmet: [] });
  });

  it("believes nobody else who speaks for a platform, whatever that key may otherwise", () => {
    const verdict = judged({ signer: "vendor", slsaLevel: 3 });
    expect(verdict).toMatchObject({ slsaLevel: 0 });
    expect(verdict?.unmet).toEqual(["vendor signed it, and for this build platform only ci may"]);
  });

  it("does not take a branch for a tag, nor another owner's source", () => {
    expect(judged({ builder: BUILDER.replace("tags/v1.2.0", "heads/main") })?.builderName).toBeUndefined();
    const elsewhere = judged({ repository: "https://github.com/evil/app" });
    expect(elsewhere).toMatchObject({ slsaLevel: 0, builderName: "our-ci" });
    expect(elsewhere?.unmet).toEqual(["its source https://github.com/evil/app is not one of our-ci"]);
    expect(judged({ repository: "https://github.com/team/app/../../evil/x" })?.slsaLevel).toBe(0);
  });

  it("wants every parameter named, and each as expected", () => {
    const parameters = {
      "workflow.repository": ["https://github.com/team/**"],
      "workflow.ref": ["refs/tags/v*"],
      "workflow.path": ["release.yml"],
    };
    const strict = [{ ...trusted, parameters }];
    expect(judged({}, strict)).toMatchObject({ slsaLevel: 3, unmet: [] });
    expect(judged({ parameters: { inputs: { debug: "true" } } }, strict)?.unmet).toEqual([
      "its parameter inputs.debug is not expected",
    ]);
    const other = judged({}, [{ ...trusted, parameters: { ...parameters, "workflow.path": ["ci.yml"], more: ["*"] } }]);
    expect(other?.unmet).toEqual(['its parameter workflow.path is "release.yml"', "its parameter more is missing"]);
  });

  it("checks every value whose path reads the same", () => {
    const workflow = { "workflow.repository": ["**"], "workflow.ref": ["**"], "workflow.path": ["**"] };
    const strict = [{ ...trusted, parameters: { ...workflow, "inputs.target": ["release"] } }];
    expect(judged({ parameters: { inputs: { target: "release" } } }, strict)?.unmet).toEqual([]);
    const twice = { "inputs.target": "debug", inputs: { target: "release" } };
    expect(judged({ parameters: twice }, strict)?.unmet).toEqual(['its parameter inputs.target is "debug"']);
  });

  it("takes no source whose path leads elsewhere", () => {
    const wide = [{ ...trusted, sources: ["https://github.com/team/**"] }];
    expect(judged({ repository: "https://github.com/team/group/app" }, wide)?.unmet).toEqual([]);
    for (const path of ["../evil/app", "%2E./evil/app", "x/..\\..\\evil", "app/.."]) {
      expect(judged({ repository: `https://github.com/team/${path}` }, wide)?.slsaLevel).toBe(0);
    }
  });

  it("takes the best of several entries for one platform", () => {
    const low = { ...trusted, name: "low", slsaLevel: 1, sources: undefined };
    expect(judged({}, [low, trusted])).toMatchObject({ slsaLevel: 3, builderName: "our-ci" });
    expect(judged({ repository: "https://github.com/evil/app" }, [low, trusted])).toMatchObject({ slsaLevel: 1 });
  });
});

describe("fitsUri", () => {
  it("keeps `*` inside of one part of a path, and ends where the pattern does", () => {
    expect(fitsUri("https://github.com/team/*", "https://github.com/team/app")).toBe(true);
    expect(fitsUri("https://github.com/team/*", "https://github.com/team/app/more")).toBe(false);
    expect(fitsUri("https://github.com/team/**", "https://github.com/team/app/more")).toBe(true);
    expect(fitsUri("https://github.com/team", "https://github.com/team-evil")).toBe(false);
    expect(fitsUri("*", "")).toBe(true);
  });

  it("decides as a regular expression would", () => {
    const letter = fc.constantFrom("a", "b", "/", "*");
    fc.assert(
      fc.property(
        fc.string({ unit: letter, maxLength: 8 }),
        fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 8 }),
        (pattern, text) => {
          const source = pattern
            .split(/(\*{1,2})/)
            .map((part) => (part === "**" ? "[^]*" : part === "*" ? "[^/]*" : part));
          expect(fitsUri(pattern, text)).toBe(new RegExp(`^(?:${source.join("")})$`).test(text));
        },
      ),
    );
  });

  it("is done soon with a hostile text", () => {
    expect(fitsUri("**a**a**a**a**a**a**b", "a".repeat(2000))).toBe(false);
  });
});
