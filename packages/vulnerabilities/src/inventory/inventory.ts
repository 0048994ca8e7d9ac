// Which packages are in which artifacts, and what is known against them: kept as artifacts come and go, and as advisories do.
import { setImmediate as turn } from "node:timers/promises";
import { Mutex, type Clock } from "@pratique/core";
import type { InventoryChangeRow, InventoryPackageRow, InventoryTable, NewInventoryFinding } from "@pratique/store";
import type { AdvisoryChanges } from "../database/advisory-database.ts";
import { matchEach, type Advisories } from "./advisories.ts";
import { componentOf, documentOf, listingOf, lookupOf, packageKeyOf, packageRowOf, type Listing } from "./listing.ts";
import { differenceOf, findingRow, isNews, type FindingDifference } from "./stored-finding.ts";

export interface InventoryOptions {
  readonly table: InventoryTable;
  /** Undefined while there is no database. */
  readonly advisories: () => Advisories | undefined;
  readonly clock: Clock;
  readonly ids: () => string;
}

/** An artifact as it is listed: a manifest in a repository. */
export interface InventoryEntry {
  readonly repository: string;
  readonly digest: string;
  /** Its kind, or `index`. */
  readonly kind: string;
  /** Undefined: nobody could say what is in it. */
  readonly listing: Listing | undefined;
  /** Manifests that an index lists. */
  readonly members: readonly string[];
  /** Digest of the referrer that the list came from. */
  readonly referrer?: string | undefined;
  /** Why there is no list of it. */
  readonly problem?: string | undefined;
}

export interface InventoryUpdate {
  readonly entries?: readonly InventoryEntry[];
  readonly gone?: readonly { readonly repository: string; readonly digest: string }[];
  readonly tags?: readonly { readonly repository: string; readonly tag: string; readonly digest: string | null }[];
  readonly state?: Readonly<Record<string, string>>;
}

/** What a package gained and lost when the advisories changed. */
export interface PackageChange extends FindingDifference {
  readonly package: number;
  readonly purl: string;
}

/** What came of one new version of the advisories. */
export interface InventoryChange {
  readonly id: string;
  readonly time: string;
  /** The version before; absent the first time. */
  readonly from?: string | undefined;
  readonly to: string;
  readonly packages: readonly PackageChange[];
}

const EVALUATED = "evaluated";
/** Indexes in indexes. */
const DEPTH_LIMIT = 4;
/** Matched in one turn of the loop. */
const AT_ONCE = 1000;

export class Inventory {
  readonly #options: InventoryOptions;
  /** Who matches packages that come, and who matches packages that are there, must not miss each other's. */
  readonly #line = new Mutex();

  constructor(options: InventoryOptions) {
    this.#options = options;
  }

  /** The queries, for who only reads. */
  get table(): InventoryTable {
    return this.#options.table;
  }

  /** Takes artifacts in, and out; all of it, or nothing. */
  keep(update: InventoryUpdate): Promise<void> {
    return this.#line.run(() => this.#keep(update));
  }

  async #keep({ entries = [], gone = [], tags = [], state = {} }: InventoryUpdate): Promise<void> {
    const { table, advisories } = this.#options;
    const listings = new Map<string, Listing>();
    for (const { listing } of entries) {
      if (listing === undefined || listings.has(listing.key)) continue;
      if ((await table.document(listing.key)) === undefined) listings.set(listing.key, listing);
    }
    const components = new Map(
      [...listings.values()].flatMap((listing) =>
        listing.components.map((component) => [packageKeyOf(component), component] as const),
      ),
    );
    const known = await table.knownPackages([...components.keys()]);
    const fresh = [...components].filter(([key]) => !known.has(key));
    await table.write({
      packages: fresh.map(([, component]) => packageRowOf(component)),
      documents: [...listings.values()].map(documentOf),
      artifacts: entries.map(({ repository, digest, kind, listing, members, referrer, problem }) => ({
        repository,
        digest,
        kind,
        document: listing?.key ?? null,
        body: JSON.stringify({ referrer, problem }),
        members,
      })),
      gone,
      tags,
      findings: await this.#findings(
        advisories(),
        fresh.map(([, component]) => component),
      ),
      state,
    });
  }

  async #findings(
    advisories: Advisories | undefined,
    components: readonly Parameters<typeof packageKeyOf>[0][],
  ): Promise<Map<string, NewInventoryFinding[]>> {
    const findings = new Map<string, NewInventoryFinding[]>();
    if (advisories === undefined) return findings;
    for (let at = 0; at < components.length; at += AT_ONCE) {
      const some = components.slice(at, at + AT_ONCE);
      const matched = matchEach(advisories, some);
      for (const [index, component] of some.entries())
        findings.set(packageKeyOf(component), matched[index]!.map(findingRow));
      await turn();
    }
    return findings;
  }

  /**
   * Looks at the packages of which the advisories say something else than when they were last looked at. What came of it
   * is written down together with the findings, to be told. Undefined when there is nothing new.
   */
  reevaluate(): Promise<InventoryChange | undefined> {
    return this.#line.run(() => this.#reevaluate());
  }

  async #reevaluate(): Promise<InventoryChange | undefined> {
    const { table, clock, ids } = this.#options;
    const advisories = this.#options.advisories();
    const from = await table.state(EVALUATED);
    if (advisories === undefined || from === advisories.version) return undefined;
    const to = advisories.version;
    const since: AdvisoryChanges = from === undefined ? { all: true } : advisories.changedSince(from);
    const changes: PackageChange[] = [];
    const findings = new Map<string, readonly NewInventoryFinding[]>();
    for await (const rows of since.all ? this.#allPackages() : [await table.packagesUnder(lookupsIn(since.names))]) {
      await this.#compare(advisories, rows, findings, changes);
    }
    // What was matched may be of a later version still, never of an earlier one.
    const body = { ...(from === undefined ? {} : { from }), to, packages: changes };
    const change = { id: ids(), time: clock.now().toISOString(), body: JSON.stringify(body) };
    const hasNews = changes.length > 0;
    await table.write({ findings, ...(hasNews ? { change } : {}), state: { [EVALUATED]: to } });
    return hasNews ? { ...body, id: change.id, time: change.time } : undefined;
  }

  async *#allPackages(): AsyncGenerator<InventoryPackageRow[]> {
    for (let after = 0; ;) {
      const rows = await this.table.packages(after, AT_ONCE);
      const last = rows.at(-1);
      if (last === undefined) return;
      yield rows;
      after = last.id;
    }
  }

  async #compare(
    advisories: Advisories,
    rows: readonly InventoryPackageRow[],
    findings: Map<string, readonly NewInventoryFinding[]>,
    changes: PackageChange[],
  ): Promise<void> {
    const before = Map.groupBy(await this.table.findingsOf(rows.map(({ id }) => id)), (row) => row.package);
    for (let at = 0; at < rows.length; at += AT_ONCE) {
      const some = rows.slice(at, at + AT_ONCE);
      const components = some.map(componentOf);
      const matched = matchEach(advisories, components);
      for (const [index, row] of some.entries()) {
        const after = matched[index]!.map(findingRow);
        const difference = differenceOf(before.get(row.id) ?? [], after);
        if (difference === undefined) continue;
        findings.set(row.key, after);
        if (isNews(difference)) changes.push({ package: row.id, purl: components[index]!.purl, ...difference });
      }
      await turn();
    }
  }

  /** What is to be told still, oldest first. */
  async untold(): Promise<InventoryChange[]> {
    return (await this.table.untold()).map(changeOf);
  }

  /** The list of an artifact in a repository: its own, or those of everything that an index lists. */
  async listings(
    repository: string,
    digest: string,
    depth = DEPTH_LIMIT,
  ): Promise<{ readonly digest: string; readonly listing: Listing }[]> {
    const row = await this.table.artifact(repository, digest);
    if (row === undefined || depth === 0) return [];
    const members = await this.table.membersOf(repository, digest);
    if (members.length === 0) {
      const listing = await this.#listing(row.document);
      return listing === undefined ? [] : [{ digest, listing }];
    }
    const found: { digest: string; listing: Listing }[] = [];
    const unlisted: string[] = [];
    for (const member of members) {
      const lists = await this.listings(repository, member, depth - 1);
      found.push(...lists);
      if (lists.length === 0) unlisted.push(member);
    }
    if (found.length === 0 || unlisted.length === 0) return found;
    // A part that nobody could list must not let the whole look complete.
    const unread = unlisted.map((path) => ({ path, reason: "it was not looked through" }));
    const listing: Listing = { key: `unlisted ${digest}`, origin: "catalogue", components: [], unread };
    return [...found, { digest, listing }];
  }

  async #listing(document: number | null): Promise<Listing | undefined> {
    const row = document === null ? undefined : await this.table.documentOf(document);
    return row === undefined ? undefined : listingOf(row);
  }
}

function lookupsIn(names: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  return [...names].flatMap(([ecosystem, ofIt]) => [...ofIt].map((name) => lookupOf({ ecosystem, name })));
}

function changeOf({ id, time, body }: InventoryChangeRow): InventoryChange {
  return { id, time, ...(JSON.parse(body) as Pick<InventoryChange, "from" | "to" | "packages">) };
}
