// From packages that gained or lost an advisory to the artifacts that have them, and to what runs from those.
import type { AffectedArtifact, VulnerabilityChange, Workload } from "@pratique/contracts";
import { storedFindingOf, type Inventory, type InventoryChange } from "@pratique/vulnerabilities";

/** Names every artifact and workload that a change concerns. */
export async function impactOf(
  inventory: Inventory,
  change: InventoryChange,
  workloads: readonly Workload[],
): Promise<VulnerabilityChange> {
  const { table } = inventory;
  const changes = new Map(change.packages.map((one) => [one.package, one]));
  const ids = [...changes.keys()];
  const uses = await table.usesOf(ids);
  const artifacts = new Map<string, VulnerabilityChange["artifacts"][number] & Sets>();
  for (const { package: id, repository, digest, kind } of uses) {
    const name = `${repository}@${digest}`;
    const entry = artifacts.get(name) ?? { ...emptyArtifact(repository, digest, kind), ...emptySets() };
    artifacts.set(name, entry);
    const { purl, found, gone, changed } = changes.get(id)!;
    entry.purls.add(purl);
    for (const advisory of [...found, ...changed]) entry.gained.add(advisory);
    for (const advisory of gone) entry.lost.add(advisory);
  }
  const named = await nameArtifacts(inventory, [...artifacts.values()]);
  const digests = new Set(named.map(({ digest }) => digest));
  return {
    id: change.id,
    time: change.time,
    ...(change.from === undefined ? {} : { from: change.from }),
    to: change.to,
    found: await gainedAdvisories(inventory, change),
    gone: lostAdvisories(change),
    artifacts: named.map(({ purls, gained, lost, ...artifact }) => ({
      ...artifact,
      packages: [...purls].toSorted(),
      found: [...gained].toSorted(),
      gone: [...lost].toSorted(),
    })),
    workloads: workloads.filter(({ digest }) => digests.has(digest)),
  };
}

interface Sets {
  readonly purls: Set<string>;
  readonly gained: Set<string>;
  readonly lost: Set<string>;
}

function emptySets(): Sets {
  return { purls: new Set(), gained: new Set(), lost: new Set() };
}

function emptyArtifact(repository: string, digest: string, kind: string) {
  return { repository, digest, kind, tags: [], packages: [], found: [], gone: [] };
}

/** With the tags under which it is found; in order of their names. */
export async function nameArtifacts<T extends Pick<AffectedArtifact, "repository" | "digest">>(
  { table }: Inventory,
  artifacts: readonly T[],
): Promise<(T & Pick<AffectedArtifact, "tags">)[]> {
  const tags = await table.tagsOf(artifacts);
  return artifacts
    .map((artifact) => {
      const name = `${artifact.repository}@${artifact.digest}`;
      return { ...artifact, tags: tags.get(name) ?? [] };
    })
    .toSorted((a, b) =>
      a.repository < b.repository ? -1 : a.repository > b.repository ? 1 : a.digest < b.digest ? -1 : 1,
    );
}

async function gainedAdvisories(
  { table }: Inventory,
  { packages }: InventoryChange,
): Promise<VulnerabilityChange["found"]> {
  const purls = new Map(packages.map((one) => [one.package, one]));
  const found = new Map<string, VulnerabilityChange["found"][number] & { packages: string[] }>();
  for (const row of await table.findingsOf([...purls.keys()])) {
    const change = purls.get(row.package)!;
    if (!change.found.includes(row.advisory) && !change.changed.includes(row.advisory)) continue;
    const { severity, malicious, knownExploited } = storedFindingOf(row);
    const { advisory } = row;
    const entry = found.get(advisory) ?? { advisory, severity, malicious, knownExploited, packages: [] };
    entry.packages.push(change.purl);
    found.set(advisory, entry);
  }
  return [...found.values()];
}

function lostAdvisories({ packages }: InventoryChange): VulnerabilityChange["gone"] {
  const gone = new Map<string, string[]>();
  for (const { purl, gone: advisories } of packages) {
    for (const advisory of advisories) gone.set(advisory, [...(gone.get(advisory) ?? []), purl]);
  }
  return [...gone].map(([advisory, purls]) => ({ advisory, packages: purls }));
}
