// From what is in an artifact to what is known against it, and how far that goes.
import type { DatabaseStatus, Finding, PackageComponent, ScanStatus, VulnerabilityFacts } from "@pratique/contracts";
import type { Examination } from "../database/advisory-database.ts";
import { componentKeys } from "../database/component-keys.ts";
import { applyVex, type VexSource, type VexSubject } from "../vex/apply-vex.ts";
import type { IgnoredStatement } from "../vex/vex-statement.ts";
import { countFindings, compareFindings } from "./count-findings.ts";
import { coverageOf, type Coverage } from "./coverage.ts";

/** The database as far as an assessment asks it. */
export interface AssessingDatabase {
  readonly version: string;
  status(): DatabaseStatus;
  examine(components: readonly PackageComponent[]): Examination;
}

export interface AssessmentInput {
  /** Undefined: nobody could say what is in it. */
  readonly components: readonly PackageComponent[] | undefined;
  /** How many files could not be read when the list was made. */
  readonly unread: number;
  /** An empty list says that nothing is in it only when somebody signed it. */
  readonly isSigned: boolean;
  readonly database: AssessingDatabase | undefined;
  /** There is a database, and it cannot be opened. */
  readonly isBroken: boolean;
  readonly vex: readonly VexSource[];
  readonly subject: VexSubject;
  readonly now: Date;
}

export interface Assessment {
  readonly status: ScanStatus;
  readonly reasons: readonly string[];
  readonly facts: VulnerabilityFacts;
  readonly findings: readonly Finding[];
  readonly coverage: Coverage;
  readonly ignoredVex: readonly IgnoredStatement[];
}

const NO_DATABASE = "none";

export function assess(input: AssessmentInput): Assessment {
  const { components = [], database, vex, subject, now } = input;
  const examination = isThere(database) ? database.examine(components) : undefined;
  const { findings, ignored } = applyVex(examination?.findings ?? [], vex, { ...subject, components }, now);
  const coverage =
    examination === undefined ? { ecosystems: [], missing: 0, unsupported: 0 } : coverageOf(components, examination);
  const { status, reasons } = judge(input, examination, coverage);
  return {
    status,
    reasons,
    findings: findings.toSorted(compareFindings),
    facts: factsOf(findings, status, coverage, input),
    coverage,
    ignoredVex: ignored,
  };
}

function isThere(database: AssessingDatabase | undefined): database is AssessingDatabase {
  return database !== undefined && database.version !== NO_DATABASE;
}

const NOTHING_FOUND = "no packages were found in it";

interface Verdict {
  readonly status: ScanStatus;
  readonly reasons: readonly string[];
}

function judge(input: AssessmentInput, examination: Examination | undefined, coverage: Coverage): Verdict {
  const { components, unread, isSigned, isBroken } = input;
  if (isBroken) return { status: "unavailable", reasons: ["the advisory database cannot be opened"] };
  if (examination === undefined) {
    return {
      status: "not-checked",
      reasons: ["no advisories were imported: pratique db update, or pratique db import PATH"],
    };
  }
  if (components === undefined) return { status: "not-checked", reasons: ["nobody could say what is in it"] };
  if (components.length === 0 && !isSigned) return { status: "not-checked", reasons: [NOTHING_FOUND] };
  const gaps = gapsOf(coverage, unread);
  const inScope = components.length - outOfScope(coverage);
  // Nothing in it that advisories could be about, and somebody signed that: there is nothing to look up.
  if (inScope === 0 && gaps.length === 0) {
    return isSigned ? { status: "checked", reasons: [] } : { status: "not-checked", reasons: [NOTHING_FOUND] };
  }
  if (examination.checked === 0) return { status: "not-checked", reasons: gaps };
  if (examination.freshness === "unavailable")
    return { status: "unavailable", reasons: ["the advisories are old, and their source cannot be reached", ...gaps] };
  if (examination.freshness !== "current")
    return { status: "stale", reasons: ["the advisories are older than the configuration allows", ...gaps] };
  return gaps.length === 0 ? { status: "checked", reasons: [] } : { status: "partly", reasons: gaps };
}

function gapsOf({ ecosystems, missing, unsupported }: Coverage, unread: number): string[] {
  const gaps =
    missing + unsupported === 0
      ? []
      : ecosystems.flatMap((one) => {
          if (one.unchecked === 0) return [];
          return [`${one.unchecked} of ${one.components} ${one.ecosystem}: ${one.reasons.join("; ")}`];
        });
  if (unread > 0) gaps.push(`${unread} ${unread === 1 ? "file" : "files"} could not be read`);
  return gaps;
}

function outOfScope({ ecosystems, missing, unsupported }: Coverage): number {
  return ecosystems.reduce((sum, { unchecked }) => sum + unchecked, 0) - missing - unsupported;
}

/** For policy there are four answers. What nobody has advisories on does not take the others away; all else does. */
function factsOf(
  findings: readonly Finding[],
  status: ScanStatus,
  { missing }: Coverage,
  { unread, database, now, components = [] }: AssessmentInput,
): VulnerabilityFacts {
  const known = isThere(database) ? database.status() : undefined;
  const time = databaseTime(known, components, now);
  const isWhole = missing === 0 && unread === 0;
  return {
    status: status === "partly" ? (isWhole ? "checked" : "not-checked") : status,
    ...countFindings(findings),
    checkedAt: now.toISOString(),
    ...(known === undefined ? {} : { databaseVersion: known.version }),
    ...(time === undefined ? {} : { databaseTime: time }),
  };
}

/** As old as the oldest source that speaks for packages of these kinds; of all kinds when it speaks for none. */
function databaseTime(
  status: DatabaseStatus | undefined,
  components: readonly PackageComponent[],
  now: Date,
): string | undefined {
  const used = new Set(
    components.flatMap((component) => {
      const keys = componentKeys(component);
      return typeof keys === "string" ? [] : keys.keys.map(({ ecosystem }) => ecosystem);
    }),
  );
  const speaking = (status?.sources ?? []).filter(({ ecosystems }) => ecosystems.length > 0);
  const concerned = speaking.filter(({ ecosystems }) => ecosystems.some((ecosystem) => used.has(ecosystem)));
  const ages = (concerned.length === 0 ? speaking : concerned).flatMap(({ ageSeconds }) => ageSeconds ?? []);
  return ages.length === 0 ? undefined : new Date(now.getTime() - Math.max(...ages) * 1000).toISOString();
}
