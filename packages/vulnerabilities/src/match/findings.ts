// The findings of one component.
import type { Finding, PackageComponent } from "@pratique/contracts";
import type { ComponentKeys, UncheckedReason } from "../database/component-keys.ts";
import { ecosystemFamily } from "../database/ecosystem.ts";
import { versionOrderOf } from "../versions/order-of.ts";
import { publicVersion } from "../versions/pep440.ts";
import type { TextOrder } from "../versions/version-order.ts";
import { JudgedVersion, judgeVersion } from "./in-ranges.ts";
import type { Lookups } from "./lookups.ts";
import { cveOf, groupMatches, severityOf, type Match, type Vulnerability } from "./merge-findings.ts";

export interface ComponentFindings {
  readonly findings: readonly Finding[];
  /** Set when some of what is said could not be judged. */
  readonly unchecked?: UncheckedReason;
}

export function findingsOf(
  component: PackageComponent,
  { keys, version }: ComponentKeys,
  lookups: Lookups,
): ComponentFindings {
  const family = ecosystemFamily(keys[0]?.ecosystem ?? "");
  const order = versionOrderOf(family);
  if (order === undefined) return { findings: [], unchecked: "ecosystem-unsupported" };
  const { matches, isUncertain } = matchesOf(component, { keys, version }, lookups, family, order);
  const findings =
    matches.length === 0 ? [] : groupMatches(matches).map((one) => findingOf(component, one, lookups, order));
  return isUncertain ? { findings, unchecked: "version-unknown" } : { findings };
}

function matchesOf(
  component: PackageComponent,
  { keys, version: installed }: ComponentKeys,
  lookups: Lookups,
  family: string,
  order: TextOrder,
): { matches: Match[]; isUncertain: boolean } {
  const matches: Match[] = [];
  const said = new Map<number, string>();
  let isUncertain = false;
  // Advisories name public versions: torch 2.0.1+cu118 is 2.0.1.
  const version = family === "PyPI" ? publicVersion(installed) : installed;
  const judged = new JudgedVersion(version, family, order, installed);
  for (const { ecosystem, name } of keys) {
    for (const { advisory, versions } of lookups.affected(ecosystem, name)) {
      // The first ecosystem that speaks of it decides: Ubuntu's own release comes before its paid one.
      const earlier = said.get(advisory);
      if (earlier !== undefined && earlier !== ecosystem) continue;
      said.set(advisory, ecosystem);
      if (!isSameModule(component, version, versions.module)) continue;
      const verdict = judgeVersion(versions, judged);
      if (!verdict.isAffected) {
        isUncertain ||= verdict.isUncertain;
        continue;
      }
      const known = lookups.advisory(advisory);
      if (known === undefined) continue;
      const { severity, undetermined = false } = versions;
      matches.push({ ...known, severity, isUndetermined: undetermined, fixes: verdict.fixes });
    }
  }
  return { matches, isUncertain };
}

/** Modular rpms of one name have several streams; a fix in one says nothing of the others. */
function isSameModule(component: PackageComponent, version: string, module: string | undefined): boolean {
  const isModular = version.includes(".module+");
  if (module === undefined) return true;
  const label = /[?&](?:rpmmod|modularitylabel)=([^&#]+)/.exec(component.purl)?.[1];
  if (label === undefined) return isModular;
  return label.replaceAll(/%3a/gi, ":").split(":").slice(0, 2).join(":") === module;
}

function findingOf(
  component: PackageComponent,
  vulnerability: Vulnerability,
  lookups: Lookups,
  order: TextOrder,
): Finding {
  const { id, aliases, matches } = vulnerability;
  const names = [id, ...aliases];
  const cves = [...new Set(names.flatMap((name) => cveOf(name) ?? []))];
  const summary = matches.find(({ facts }) => facts.summary !== undefined)?.facts.summary;
  const probability = maximum(cves.flatMap((cve) => lookups.probability(cve) ?? []));
  return {
    id,
    aliases: [...aliases],
    purl: component.purl,
    locations: [...component.locations],
    ...rated(matches, cves, lookups),
    ...(summary === undefined ? {} : { summary }),
    fixedIn: sortedVersions(new Set(matches.flatMap(({ fixes }) => fixes)), order),
    knownExploited: cves.some((cve) => lookups.isExploited(cve)),
    ...(probability === undefined ? {} : { epss: probability }),
    malicious: matches.some(({ facts }) => facts.malicious === true),
    source: [...new Set(matches.map(({ source }) => source))].toSorted().join(", "),
    state: stateOf(component, names, matches),
  };
}

/** Who gives no severity borrows the score that others give the same CVE. */
function rated(
  matches: readonly Match[],
  cves: readonly string[],
  lookups: Lookups,
): Pick<Finding, "severity" | "score"> {
  const own = severityOf(matches);
  if (own.severity !== "unknown" && own.score !== undefined) return own;
  const score = maximum(cves.flatMap((cve) => lookups.scoreOf(cve) ?? []));
  if (score === undefined) return own;
  const borrowed = severityOf([...matches, { ...BORROWED, facts: { score } }]);
  return own.severity === "unknown" ? borrowed : { ...own, score };
}

const BORROWED = { id: "", source: "", isUndetermined: false, fixes: [] };

function stateOf(component: PackageComponent, names: readonly string[], matches: readonly Match[]): Finding["state"] {
  const fixed = component.fixedVulnerabilities ?? [];
  if (fixed.length > 0 && names.some((name) => fixed.includes(name))) return "fixed";
  return matches.every(({ isUndetermined }) => isUndetermined) ? "under_investigation" : "affected";
}

function sortedVersions(versions: ReadonlySet<string>, order: TextOrder): string[] {
  return [...versions].toSorted((a, b) => order.compare(a, b) ?? (a < b ? -1 : 1));
}

function maximum(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : Math.max(...values);
}
