// The default policies against their tables of cases.
import { readdirSync, readFileSync } from "node:fs";
import { loadPolicySet, PolicyCase, runPolicyTests } from "@pratique/policy";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

const DIRECTORY = new URL("../../../policies/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, DIRECTORY), "utf8");
const names = readdirSync(DIRECTORY).filter((name) => name.endsWith(".cedar"));
const set = loadPolicySet({
  schema: read("pratique.cedarschema"),
  files: Object.fromEntries(names.map((name) => [name, read(name)])),
});
const tables = readdirSync(new URL("tests/", DIRECTORY)).map((name) => ({
  name,
  cases: PolicyCase.array().parse(parse(read(`tests/${name}`))),
}));

describe("the default policies", () => {
  describe.each(tables)("$name", ({ cases }) => {
    it.each(runPolicyTests(set, cases).cases.map((line) => [line.name, line] as const))("%s", (_, line) => {
      expect(line).toMatchObject({ ok: true });
    });
  });

  it("each decides at least one case", () => {
    const all = tables.flatMap(({ cases }) => cases);
    expect(runPolicyTests(set, all).untested).toEqual([]);
  });

  it("each says why it is there and what helps", () => {
    const silent = set.policies.filter(({ reason, remedy }) => reason === undefined || remedy === undefined);
    expect(silent).toEqual([]);
  });

  it("are the ones that the documentation names", () => {
    expect(set.policies.map(({ id }) => id).toSorted()).toEqual([
      "access.non-destructive",
      "access.read-only",
      "agents-use-tools",
      "approvals.by-persons",
      "approvals.remembered-briefly",
      "clearance.required",
      "drift.held",
      "egress-declared",
      "egress-learning",
      "egress.private-address",
      "egress.undeclared",
      "isolation.required",
      "no-writes",
      "owner-may",
      "pickle.forbidden",
      "profile.members",
      "provenance.required",
      "requirements.unmet",
      "sbom.required",
      "signature.required",
      "sigstore.clients-log",
      "sigstore.identities-sign",
      "tags.immutable",
      "vulnerabilities.critical-with-fix",
      "vulnerabilities.known-exploited",
      "vulnerabilities.malicious",
      "vulnerabilities.unavailable",
    ]);
  });
});
