// Matches of one component joined to findings, so that one vulnerability is one finding whoever reported it.
import type { Severity } from "@pratique/contracts";
import type { AdvisoryFacts } from "../database/advisory.ts";
import { compareSeverity, severityOfScore } from "./severity.ts";

/** One advisory that matched. */
export interface Match {
  readonly id: string;
  readonly source: string;
  readonly facts: AdvisoryFacts;
  /** The distribution's own word for this package. */
  readonly severity?: Severity | undefined;
  readonly isUndetermined: boolean;
  readonly fixes: readonly string[];
}

/** What the matches say of one vulnerability. */
export interface Vulnerability {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly matches: readonly Match[];
}

const CVE = /(?:^|-)(CVE-\d{4}-\d{4,})$/;

/** The CVE that a name stands for: its own, or the one inside `UBUNTU-CVE-2024-1234`. */
export function cveOf(name: string): string | undefined {
  return CVE.exec(name)?.[1];
}

/** A group for each CVE; what has none is joined by any name that it shares. */
export function groupMatches(matches: readonly Match[]): Vulnerability[] {
  const groups = new Map<string, { names: Set<string>; matches: Match[] }>();
  const cvesByName = new Map<string, Set<string>>();
  for (const match of matches) {
    const cves = cvesOf(match);
    // An advisory about several is a name of none of them alone.
    if (cves.size === 1) for (const name of ownNames(match)) unite(cvesByName, name, cves);
  }
  const representatives = new Map<string, string>();
  for (const match of matches) {
    let cves = cvesOf(match);
    if (cves.size === 0) cves = new Set(ownNames(match).flatMap((name) => [...(cvesByName.get(name) ?? [])]));
    const keys = cves.size > 0 ? [...cves] : [joined(representatives, ownNames(match))];
    for (const key of keys) {
      const group = groups.get(key) ?? { names: new Set<string>(), matches: [] };
      groups.set(key, group);
      group.matches.push(match);
      if (cves.size > 0) group.names.add(key);
      // Of one about several, its aliases are the others' names too.
      for (const name of cves.size > 1 ? [match.id] : ownNames(match)) group.names.add(name);
    }
  }
  return collapsed(groups, representatives).map(({ names, matches: grouped }) => {
    const id = chooseId(names);
    return { id, aliases: [...names].filter((name) => name !== id).toSorted(), matches: grouped };
  });
}

type Group = { names: Set<string>; matches: Match[] };

/** Groups whose keys turned out to be one: a later match may have named both. */
function collapsed(groups: ReadonlyMap<string, Group>, representatives: ReadonlyMap<string, string>): Group[] {
  const merged = new Map<string, Group>();
  for (const [key, group] of groups) {
    const root = rootOf(representatives, key);
    const present = merged.get(root);
    if (present === undefined) merged.set(root, group);
    else {
      for (const name of group.names) present.names.add(name);
      present.matches.push(...group.matches);
    }
  }
  return [...merged.values()];
}

function ownNames({ id, facts }: Match): string[] {
  return [id, ...(facts.aliases ?? [])];
}

function cvesOf(match: Match): Set<string> {
  return new Set([...ownNames(match), ...(match.facts.upstream ?? [])].flatMap((name) => cveOf(name) ?? []));
}

function unite(map: Map<string, Set<string>>, name: string, values: ReadonlySet<string>): void {
  map.set(name, new Set([...(map.get(name) ?? []), ...values]));
}

/** Union-find: the names become one, and its representative is returned. */
function joined(representatives: Map<string, string>, names: readonly string[]): string {
  const roots = names.map((name) => rootOf(representatives, name)).toSorted();
  const root = roots[0] ?? "";
  for (const other of roots) if (other !== root) representatives.set(other, root);
  return root;
}

function rootOf(representatives: ReadonlyMap<string, string>, name: string): string {
  let at = name;
  for (let next = representatives.get(at); next !== undefined; next = representatives.get(at)) at = next;
  return at;
}

const PREFERRED = [/^CVE-/, /^MAL-/, /^GHSA-/] as const;

function chooseId(names: ReadonlySet<string>): string {
  const sorted = [...names].toSorted();
  for (const form of PREFERRED) {
    const found = sorted.find((name) => form.test(name));
    if (found !== undefined) return found;
  }
  return sorted[0] ?? "";
}

/** A distribution's own word wins over a score, since it knows how the package is built and used there. */
export function severityOf(matches: readonly Match[]): { severity: Severity; score?: number } {
  const scores = matches.flatMap(({ facts }) => facts.score ?? []);
  const score = scores.length === 0 ? {} : { score: Math.max(...scores) };
  const own = worst(matches.flatMap(({ severity }) => severity ?? []));
  if (own !== undefined) return { severity: own, ...score };
  if (score.score !== undefined) return { severity: severityOfScore(score.score), ...score };
  return { severity: worst(matches.flatMap(({ facts }) => facts.severity ?? [])) ?? "unknown" };
}

function worst(severities: readonly Severity[]): Severity | undefined {
  const known = severities.filter((severity) => severity !== "unknown");
  return known.toSorted((a, b) => compareSeverity(b, a))[0];
}
