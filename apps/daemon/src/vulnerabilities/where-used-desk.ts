// Where a package is, or whatever has a vulnerability: artifacts, their tags, and what runs from them.
import { setTimeout as delay } from "node:timers/promises";
import type { Principal, WhereUsedResult, Workload } from "@pratique/contracts";
import type { Guard } from "@pratique/guard";
import type { InventoryPackageRow } from "@pratique/store";
import { componentOf, parsePurl, purlMatches, storedFindingOf, type Inventory } from "@pratique/vulnerabilities";
import { repositoryResource, systemResource } from "../artifacts/artifacts.ts";
import { nameArtifacts } from "./change-impact.ts";
import type { InventoryKeeper } from "./inventory-keeper.ts";

export interface WhereUsedDeskOptions {
  readonly inventory: Inventory;
  readonly keeper: Pick<InventoryKeeper, "settled">;
  readonly workloads: () => Promise<Workload[]>;
  readonly guard: Guard;
  readonly registry: string;
}

/** Who asks does not wait longer for what came lately: a large store takes long to look through the first time. */
const WAIT_MS = 10_000;

/** Ids of vulnerabilities by who gives them. */
const VULNERABILITY =
  /^(?:CVE-\d{4}-\d+|(?:GHSA|MAL|PYSEC|RUSTSEC|DSA|DLA|DTSA|USN|RHSA|RHBA|RHEA|ALSA|RLSA|SUSE|GO|OSV|BIT|ALPINE|DEBIAN|UBUNTU)-[\w:.-]+)$/i;

export class WhereUsedDesk {
  readonly #options: WhereUsedDeskOptions;

  constructor(options: WhereUsedDeskOptions) {
    this.#options = options;
  }

  async find(principal: Principal, query: string): Promise<WhereUsedResult> {
    const { inventory, keeper, workloads, guard, registry } = this.#options;
    const ended = new AbortController();
    const isBehind = await Promise.race([
      keeper.settled().then(() => false),
      delay(WAIT_MS, true, { ref: false, signal: ended.signal }).catch(() => true),
    ]);
    ended.abort();
    const { table } = inventory;
    const { as, packages } = await this.#packages(query);
    const purls = new Map(packages.map((row) => [row.id, componentOf(row).purl]));
    const uses = await table.usesOf([...purls.keys()]);
    const scope = { type: "Registry", id: registry, attributes: { host: registry } } as const;
    const repositories = [...new Set(uses.map(({ repository }) => repository))];
    const shown = new Set(
      await guard.filter(
        { principal, action: "artifact:pull", scope, details: { what: "where-used", query } },
        repositories,
        (name) => repositoryResource(name, registry),
      ),
    );
    const found = new Map<string, { repository: string; digest: string; kind: string; packages: Set<string> }>();
    for (const { package: id, repository, digest, kind } of uses) {
      if (!shown.has(repository)) continue;
      const name = `${repository}@${digest}`;
      const entry = found.get(name) ?? { repository, digest, kind, packages: new Set() };
      entry.packages.add(purls.get(id)!);
      found.set(name, entry);
    }
    const artifacts = (await nameArtifacts(inventory, [...found.values()])).map(({ packages: some, ...rest }) => ({
      ...rest,
      packages: [...some].toSorted(),
    }));
    const byDigest = new Map(artifacts.map((artifact) => [artifact.digest, artifact.packages]));
    // What runs is shown to who may see how the daemon is.
    const maySee = guard.decide({ principal, action: "admin:read", resource: systemResource }).allow;
    const running = maySee ? (await workloads()).filter(({ digest }) => byDigest.has(digest)) : [];
    const counts = await table.counts();
    return {
      query,
      as,
      artifacts,
      workloads: running.map((workload) => ({ ...workload, packages: byDigest.get(workload.digest) ?? [] })),
      known: counts.artifacts,
      unlisted: counts.unlisted,
      isBehind,
      isFiltered: shown.size < repositories.length || !maySee,
    };
  }

  async #packages(query: string): Promise<{ as: WhereUsedResult["as"]; packages: InventoryPackageRow[] }> {
    const { table } = this.#options.inventory;
    const purl = query.startsWith("pkg:") ? parsePurl(query) : undefined;
    if (purl !== undefined) {
      const named = await table.packagesNamed(purl.name.toLowerCase());
      const packages = named.filter((row) => {
        const component = componentOf(row);
        const there = parsePurl(component.purl);
        if (there !== undefined && purlMatches(purl, there)) return true;
        const { source, type } = component;
        const isSource = there !== undefined && source !== undefined && source.name === purl.name && type === purl.type;
        return isSource && purlMatches(purl, { ...there, name: source.name, version: source.version });
      });
      return { as: "purl", packages };
    }
    if (VULNERABILITY.test(query)) {
      const rows = await table.findingsNamed(query.toUpperCase());
      const open = rows.filter((row) => storedFindingOf(row).state !== "fixed");
      return { as: "vulnerability", packages: await table.packagesOf([...new Set(open.map((row) => row.package))]) };
    }
    const at = query.lastIndexOf("@");
    const [name, version] = at > 0 ? [query.slice(0, at), query.slice(at + 1)] : [query, undefined];
    const packages = await table.packagesNamed(name.toLowerCase().replace(":", "/"));
    const isWanted = (row: InventoryPackageRow): boolean => {
      const component = componentOf(row);
      return version === undefined || component.version === version || component.source?.version === version;
    };
    return { as: "package", packages: packages.filter(isWanted) };
  }
}
