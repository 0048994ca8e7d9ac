// How much of an artifact could be looked up, by ecosystem: what could not is named, and never counts as sound.
import type { PackageComponent, ScanCoverage } from "@pratique/contracts";
import type { Examination } from "../database/advisory-database.ts";
import type { UncheckedReason } from "../database/component-keys.ts";

/** What nobody publishes advisories on: artifacts that are checked by themselves, and what is no program. */
const OUT_OF_SCOPE: ReadonlySet<string> = new Set(["huggingface", "mlflow", "agentskills", "oci", "docker"]);

const WORDS: Readonly<Record<UncheckedReason, string>> = {
  "ecosystem-unsupported": "no advisories are understood for it",
  "distribution-unknown": "nobody says of which distribution it is",
  "no-data": "the database has no advisories for it",
  "version-unknown": "its version cannot be put in order",
};

export interface Coverage {
  readonly ecosystems: readonly ScanCoverage[];
  /** Components that ought to have been looked up and were not. */
  readonly missing: number;
  /** Components of ecosystems that no source of advisories has. */
  readonly unsupported: number;
}

export function coverageOf(
  components: readonly PackageComponent[],
  { unchecked }: Pick<Examination, "unchecked">,
): Coverage {
  const reasons = new Map(unchecked.map(({ purl, reason }) => [purl, reason]));
  const found = new Map<string, { components: number; unchecked: number; reasons: Set<string> }>();
  let [missing, unsupported] = [0, 0];
  for (const component of components) {
    const name = ecosystemOf(component);
    const entry = found.get(name) ?? { components: 0, unchecked: 0, reasons: new Set<string>() };
    found.set(name, entry);
    entry.components += 1;
    const reason = reasons.get(component.purl);
    if (reason === undefined) continue;
    entry.unchecked += 1;
    const isOutOfScope = reason === "ecosystem-unsupported" && OUT_OF_SCOPE.has(component.type);
    entry.reasons.add(isOutOfScope ? "there are no advisories on such things" : WORDS[reason]);
    if (isOutOfScope) continue;
    if (reason === "ecosystem-unsupported") unsupported += 1;
    else missing += 1;
  }
  const ecosystems = [...found].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    ecosystems: ecosystems.map(([ecosystem, entry]) => ({
      ecosystem,
      ...entry,
      reasons: [...entry.reasons].toSorted(),
    })),
    missing,
    unsupported,
  };
}

function ecosystemOf({ type, distribution }: PackageComponent): string {
  return [type, distribution?.id, distribution?.version].filter((part) => part !== undefined && part !== "").join(" ");
}
