// SARIF that code-scanning services take: valid by the official schema, whatever is in it.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Ajv } from "ajv";
import addFormatsModule from "ajv-formats";
import type { ScanFinding, ScanResult } from "@pratique/contracts";
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { sarifOf } from "./sarif.ts";

let validate: (json: unknown) => string[];

beforeAll(async () => {
  const main = createRequire(import.meta.url).resolve("@microsoft/jest-sarif");
  // Written for draft 4, whose words for its own name ajv no longer knows; everything else means the same.
  const {
    $schema: _draft,
    id: _id,
    ...schema
  } = JSON.parse(await readFile(join(dirname(main), "schemas", "sarif-2.1.0-rtm.5.json"), "utf8")) as Record<
    string,
    unknown
  >;
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false });
  addFormatsModule.default(ajv);
  const check = ajv.compile(schema);
  validate = (json) =>
    check(json) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
});

const FINDING: ScanFinding = {
  id: "CVE-2026-1",
  aliases: ["GHSA-1"],
  purl: "pkg:npm/left-pad@1.3.0",
  locations: ["app/node_modules/left-pad/package.json"],
  severity: "critical",
  score: 9.8,
  summary: "Prototype pollution",
  fixedIn: ["1.3.1"],
  knownExploited: true,
  epss: 0.5,
  malicious: false,
  source: "osv",
  state: "affected",
  package: "left-pad",
  installed: "1.3.0",
  layers: [`sha256:${"a".repeat(64)}`],
};

function result(facts: Partial<ScanResult> = {}): ScanResult {
  return {
    reference: "localhost:7340/team/weather:1.0",
    digest: `sha256:${"b".repeat(64)}`,
    time: "2026-11-24T12:00:00.000Z",
    status: "checked",
    reasons: [],
    lists: [],
    components: 1,
    coverage: [],
    unread: [],
    facts: {
      status: "checked",
      critical: 1,
      high: 0,
      medium: 0,
      low: 0,
      unknown: 0,
      criticalWithFix: 1,
      knownExploited: 1,
      malicious: 0,
    },
    findings: [FINDING],
    ignoredVex: [],
    ...facts,
  };
}

interface Run {
  readonly results: { readonly level: string; readonly suppressions?: { readonly justification: string }[] }[];
  readonly invocations: { readonly executionSuccessful: boolean; readonly toolExecutionNotifications: object[] }[];
}

const runOf = (facts: Partial<ScanResult>): Run =>
  (JSON.parse(JSON.stringify(sarifOf(result(facts), "0.1.0"))) as { runs: [Run] }).runs[0];

it("is valid, and says where it is and what mends it", () => {
  const sarif = sarifOf(result(), "0.1.0");
  expect(validate(sarif)).toEqual([]);
  expect(sarif).toMatchObject({
    runs: [
      {
        tool: { driver: { rules: [{ id: "CVE-2026-1", properties: { "security-severity": "9.8" } }] } },
        results: [
          {
            ruleIndex: 0,
            level: "error",
            message: { text: expect.stringContaining("fixed in 1.3.1") },
            locations: [{ physicalLocation: { artifactLocation: { uri: "app/node_modules/left-pad/package.json" } } }],
          },
        ],
      },
    ],
  });
});

it("shows what was explained away as suppressed, with who said so", () => {
  const vex = { author: "owner", statement: "x#1", justification: "component_not_present", expires: "2027-01-01" };
  const { results } = runOf({ findings: [{ ...FINDING, state: "not_affected", vex }] });
  expect(results[0]?.suppressions?.[0]?.justification).toContain(
    "not_affected, says owner, because component_not_present",
  );
});

it("is no success when nothing was checked", () => {
  const { invocations } = runOf({ status: "not-checked", reasons: ["no advisories were imported"], findings: [] });
  expect(invocations[0]).toMatchObject({
    executionSuccessful: false,
    toolExecutionNotifications: [{ level: "error", message: { text: "not-checked: no advisories were imported" } }],
  });
});

it("calls malice an error whatever its severity", () => {
  expect(runOf({ findings: [{ ...FINDING, malicious: true, severity: "none" }] }).results[0]?.level).toBe("error");
});

it("stays valid for any names and paths", () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string()), fc.string(), (id, locations, summary) => {
      const findings = [{ ...FINDING, id, locations, summary }];
      expect(validate(sarifOf(result({ findings }), "0.1.0"))).toEqual([]);
    }),
    { numRuns: 50 },
  );
});
