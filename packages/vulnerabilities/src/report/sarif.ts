// A scan as SARIF 2.1.0, as code-scanning services read it. What was not checked is a notification, never a clean run.
import type { ScanFinding, ScanResult, Severity } from "@pratique/contracts";
import { digestOf, hexOf, type JsonObject } from "@pratique/core";
import { isOpen } from "./count-findings.ts";

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

const LEVELS: Readonly<Record<Severity, "error" | "warning" | "note">> = {
  critical: "error",
  high: "error",
  medium: "warning",
  unknown: "warning",
  low: "note",
  none: "note",
};

/** What such services sort by when nobody gave a score (CVSS 3.1 §5, the lower ends). */
const SCORES: Readonly<Record<Severity, number>> = { critical: 9, high: 7, medium: 4, low: 0.1, unknown: 4, none: 0 };

export function sarifOf(result: ScanResult, version: string): JsonObject {
  const rules = new Map<string, ScanFinding>();
  for (const finding of result.findings) if (!rules.has(finding.id)) rules.set(finding.id, finding);
  const ids = [...rules.keys()];
  const isDone = result.status !== "not-checked" && result.status !== "unavailable";
  return {
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "pratique",
            semanticVersion: version,
            informationUri: "https://pratique.dev",
            rules: [...rules.values()].map(ruleOf),
          },
        },
        automationDetails: { id: `pratique/${result.reference ?? result.file ?? "scan"}` },
        invocations: [
          {
            executionSuccessful: isDone,
            endTimeUtc: result.time,
            toolExecutionNotifications: result.reasons.map((reason) => ({
              level: isDone ? "warning" : "error",
              message: { text: `${result.status}: ${reason}` },
            })),
          },
        ],
        columnKind: "utf16CodeUnits",
        results: result.findings.map((finding) => resultOf(finding, ids.indexOf(finding.id), result)),
        properties: {
          status: result.status,
          ...(result.digest === undefined ? {} : { digest: result.digest }),
          ...(result.database === undefined ? {} : { databaseVersion: result.database.version }),
        },
      },
    ],
  };
}

function ruleOf({ id, aliases, summary, severity, score, malicious, knownExploited }: ScanFinding): JsonObject {
  return {
    id,
    shortDescription: { text: summary === undefined || summary === "" ? id : summary },
    ...(aliases.length === 0 ? {} : { fullDescription: { text: `${id} (${aliases.join(", ")})` } }),
    ...addressOf(id),
    defaultConfiguration: { level: malicious ? "error" : LEVELS[severity] },
    properties: {
      "security-severity": (malicious ? 10 : (score ?? SCORES[severity])).toFixed(1),
      tags: [
        "security",
        "vulnerability",
        ...(malicious ? ["malicious"] : []),
        ...(knownExploited ? ["known-exploited"] : []),
      ],
    },
  };
}

function addressOf(id: string): JsonObject {
  return /^[A-Za-z]+-[\w:.-]+$/.test(id) ? { helpUri: `https://osv.dev/vulnerability/${encodeURIComponent(id)}` } : {};
}

function resultOf(finding: ScanFinding, ruleIndex: number, { digest }: ScanResult): JsonObject {
  const { id, purl, severity, malicious, vex, state, locations, layers } = finding;
  return {
    ruleId: id,
    ruleIndex,
    level: malicious ? "error" : LEVELS[severity],
    message: { text: messageOf(finding) },
    locations: (locations.length === 0 ? [""] : locations.slice(0, 10)).map((path) => ({
      // Services want a file and a line; of a package that lies nowhere it is the artifact.
      physicalLocation: {
        artifactLocation: { uri: uriOf(path === "" ? (digest ?? "artifact") : path) },
        region: { startLine: 1 },
      },
      logicalLocations: [{ fullyQualifiedName: purl, kind: "module" }],
    })),
    partialFingerprints: { "pratique/v1": hexOf(digestOf(JSON.stringify([id, purl]))) },
    ...(isOpen(finding)
      ? {}
      : {
          suppressions: [
            {
              kind: "external",
              status: "accepted",
              justification: vex === undefined ? `${state} by its distribution` : explain(vex, state),
            },
          ],
        }),
    properties: { state, installed: finding.installed, fixedIn: finding.fixedIn, layers },
  };
}

function messageOf({ id, package: name, installed, fixedIn, malicious, summary, knownExploited }: ScanFinding): string {
  const what = malicious ? "is malicious" : `is affected by ${id}`;
  const fix = fixedIn.length === 0 ? "no version is known that mends it" : `fixed in ${fixedIn.join(", ")}`;
  const exploited = knownExploited ? "; known to be exploited" : "";
  return `${name} ${installed} ${what}${exploited}; ${fix}${summary === undefined ? "" : `. ${summary}`}`;
}

function explain(vex: NonNullable<ScanFinding["vex"]>, state: string): string {
  const { author, justification, time, expires } = vex;
  return [
    `${state}, says ${author}`,
    ...(justification === undefined ? [] : [`because ${justification}`]),
    ...(time === undefined ? [] : [`at ${time}`]),
    ...(expires === undefined ? [] : [`until ${expires}`]),
  ].join(", ");
}

/** A relative reference (RFC 3986 §4.2): each part by itself, so that a colon makes no scheme. */
function uriOf(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
