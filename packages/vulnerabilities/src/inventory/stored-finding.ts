// A finding as the inventory keeps it: of a package, wherever that lies, and before anybody's statement on it.
import type { Finding } from "@pratique/contracts";
import type { NewInventoryFinding } from "@pratique/store";

/** `vex` is an artifact's; `purl` and `locations` are the component's. */
export type StoredFinding = Omit<Finding, "purl" | "locations" | "vex">;

export function findingRow({ purl: _purl, locations: _locations, vex: _vex, ...stored }: Finding): NewInventoryFinding {
  return {
    advisory: stored.id,
    body: JSON.stringify(stored),
    aliases: [stored.id, ...stored.aliases].map((name) => name.toUpperCase()),
  };
}

/** What `findingRow` made. */
export function storedFindingOf(row: { readonly body: string }): StoredFinding {
  return JSON.parse(row.body) as StoredFinding;
}

/** Advisories that one package has gained, lost, or that are worse or better for it now. */
export interface FindingDifference {
  readonly found: readonly string[];
  readonly gone: readonly string[];
  readonly changed: readonly string[];
}

interface Row {
  readonly advisory: string;
  readonly body: string;
}

/** Undefined when the rows are the same. Nobody is told that a summary or a probability is another. */
export function differenceOf(before: readonly Row[], after: readonly Row[]): FindingDifference | undefined {
  if (before.length === 0 && after.length === 0) return undefined;
  const [old, now] = [bodies(before), bodies(after)];
  const found = [...now.keys()].filter((advisory) => !old.has(advisory));
  const gone = [...old.keys()].filter((advisory) => !now.has(advisory));
  const other = [...now].filter(([advisory, body]) => old.has(advisory) && old.get(advisory) !== body);
  const isSame = before.length === after.length && found.length + gone.length + other.length === 0;
  if (isSame) return undefined;
  const changed = other.filter(([advisory, body]) => weightOf(old.get(advisory)!) !== weightOf(body));
  return { found, gone, changed: changed.map(([advisory]) => advisory) };
}

/** What the distribution has mended already is nothing to tell of. */
function bodies(rows: readonly Row[]): Map<string, string> {
  const open = rows.filter((row) => storedFindingOf(row).state !== "fixed");
  return new Map(open.map(({ advisory, body }) => [advisory, body]));
}

/** What decides how bad a finding is, and what can be done. */
function weightOf(body: string): string {
  const { severity, fixedIn, knownExploited, malicious, state } = storedFindingOf({ body });
  return JSON.stringify([severity, fixedIn, knownExploited, malicious, state]);
}

export function isNews({ found, gone, changed }: FindingDifference): boolean {
  return found.length + gone.length + changed.length > 0;
}
