// What the inventory asks of the advisory database.
import type { Finding, PackageComponent } from "@pratique/contracts";
import type { AdvisoryChanges } from "../database/advisory-database.ts";

export interface Advisories {
  /** Another with every change of the content. */
  readonly version: string;
  match(components: readonly PackageComponent[]): readonly Finding[];
  changedSince(version: string): AdvisoryChanges;
}

/** Findings of each component, in their order: two components may have one purl and differ all the same. */
export function matchEach(advisories: Advisories, components: readonly PackageComponent[]): Finding[][] {
  const findings: Finding[][] = components.map(() => []);
  let left = components.map((component, at) => ({ component, at }));
  while (left.length > 0) {
    const round = new Map<string, (typeof left)[number]>();
    const later: typeof left = [];
    for (const one of left) {
      if (round.has(one.component.purl)) later.push(one);
      else round.set(one.component.purl, one);
    }
    for (const finding of advisories.match([...round.values()].map(({ component }) => component))) {
      const one = round.get(finding.purl);
      if (one !== undefined) findings[one.at]!.push(finding);
    }
    left = later;
  }
  return findings;
}
