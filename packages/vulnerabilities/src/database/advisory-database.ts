// The advisory database: what is known to be wrong with packages, and how far it can be relied upon.
import type { DatabaseStatus, Finding, Freshness, PackageComponent } from "@pratique/contracts";
import type { Clock } from "@pratique/core";
import { openAdvisoryFile, type AdvisoryFile, type AdvisoryWriter } from "@pratique/store";
import { findingsOf } from "../match/findings.ts";
import { Lookups } from "../match/lookups.ts";
import { componentKeys, type UncheckedReason } from "./component-keys.ts";
import { decodeSource, type SourceState } from "./source-state.ts";
import { bestFreshness, databaseStatus, sourceStatus, worstFreshness } from "./status.ts";

export interface AdvisoryDatabaseOptions {
  readonly clock: Clock;
  /** Whether a damaged file is made anew; true when absent. */
  readonly mayReplace?: boolean;
  /** Older data is stale; seven days when absent. */
  readonly staleAfterMs?: number;
  /** Names of the configured sources: one that was never fetched is shown as not checked. */
  readonly expected?: readonly string[];
}

/** What was found, and for which components nothing could be. */
export interface Examination {
  /** Sorted by purl, then id. State `affected`, `fixed` (the distribution's changelog says so) or `under_investigation`. */
  readonly findings: readonly Finding[];
  /** Components for which advisories were there. */
  readonly checked: number;
  readonly unchecked: readonly { readonly purl: string; readonly reason: UncheckedReason }[];
  /** The worst over the ecosystems of the checked components; `not-checked` when nothing was. */
  readonly freshness: Freshness;
  readonly version: string;
}

/** `all`: the version is not of this database, or too old, so that anything may have changed. */
export type AdvisoryChanges =
  | { readonly all: true }
  | { readonly all: false; readonly names: ReadonlyMap<string, ReadonlySet<string>> };

const WEEK_MS = 7 * 24 * 3600 * 1000;
const NO_VERSION = "none";

/** Opens the database in a file, or makes it. @throws `store.not-writable`, `store.busy`, `store.full` */
export async function openAdvisoryDatabase(path: string, options: AdvisoryDatabaseOptions): Promise<AdvisoryDatabase> {
  return new AdvisoryDatabase(await openAdvisoryFile(path, options), options);
}

export class AdvisoryDatabase {
  readonly #file: AdvisoryFile;
  readonly #clock: Clock;
  readonly #staleAfterMs: number;
  readonly #expected: readonly string[];
  readonly #lookups: Lookups;
  #sources = new Map<string, SourceState>();
  #version = NO_VERSION;
  #changedAt: string | undefined;

  constructor(file: AdvisoryFile, options: AdvisoryDatabaseOptions) {
    this.#file = file;
    this.#clock = options.clock;
    this.#staleAfterMs = options.staleAfterMs ?? WEEK_MS;
    this.#expected = options.expected ?? [];
    this.#lookups = new Lookups(file);
    this.refresh();
  }

  /** Takes note of what another connection wrote. */
  refresh(): void {
    this.#sources = new Map(this.#file.sources().map(({ name, body }) => [name, decodeSource(body)]));
    const latest = this.#file.latest();
    const version = latest === undefined ? NO_VERSION : `${latest.sequence}-${latest.digest.slice(0, 12)}`;
    if (version !== this.#version) this.#lookups.forget();
    this.#version = version;
    this.#changedAt = latest?.time;
  }

  /** Changes with the content; `none` when there is none. */
  get version(): string {
    return this.#version;
  }

  status(): DatabaseStatus {
    const names = new Set([...this.#expected, ...this.#sources.keys()]);
    const now = this.#clock.now();
    const sources = [...names]
      .toSorted()
      .map((name) => sourceStatus(name, this.#sources.get(name), now, this.#staleAfterMs));
    return databaseStatus(this.#version, this.#changedAt, sources);
  }

  /** Where it lies. */
  get file(): string {
    return this.#file.path;
  }

  /** What is remembered of a source. */
  source(name: string): SourceState | undefined {
    return this.#sources.get(name);
  }

  /** The findings alone; `examine` says too what could not be checked. */
  match(components: readonly PackageComponent[]): Finding[] {
    return [...this.examine(components).findings];
  }

  examine(components: readonly PackageComponent[]): Examination {
    const freshness = this.#freshnessByEcosystem();
    const used = new Set<string>();
    const findings: Finding[] = [];
    const unchecked: { purl: string; reason: UncheckedReason }[] = [];
    for (const component of components) {
      const keys = componentKeys(component);
      if (typeof keys === "string") {
        unchecked.push({ purl: component.purl, reason: keys });
        continue;
      }
      const found = findingsOf(component, keys, this.#lookups);
      for (const finding of found.findings) findings.push(finding);
      const covering = keys.keys.map(({ ecosystem }) => ecosystem).filter((ecosystem) => freshness.has(ecosystem));
      const reason = found.unchecked ?? (covering.length === 0 ? "no-data" : undefined);
      if (reason === undefined) for (const ecosystem of covering) used.add(ecosystem);
      else unchecked.push({ purl: component.purl, reason });
    }
    findings.sort((a, b) => (a.purl < b.purl ? -1 : a.purl > b.purl ? 1 : a.id < b.id ? -1 : 1));
    return {
      findings,
      checked: components.length - unchecked.length,
      unchecked,
      freshness: worstFreshness([...used].map((ecosystem) => freshness.get(ecosystem) ?? "not-checked")),
      version: this.#version,
    };
  }

  /** Of the ecosystems that a source speaks for; of several sources the freshest counts. */
  #freshnessByEcosystem(): Map<string, Freshness> {
    const now = this.#clock.now();
    const found = new Map<string, Freshness>();
    for (const [name, state] of this.#sources) {
      if (state.isPartial === true) continue;
      const { freshness } = sourceStatus(name, state, now, this.#staleAfterMs);
      for (const ecosystem of state.ecosystems) {
        const present = found.get(ecosystem);
        found.set(ecosystem, present === undefined ? freshness : bestFreshness([present, freshness]));
      }
    }
    return found;
  }

  /**
   * The packages of which something else is said since a version: names by ecosystem, both as `componentKeys` has
   * them. A probability (EPSS) that moved is no change: it is read afresh with each match.
   */
  changedSince(version: string): AdvisoryChanges {
    const match = /^(\d{1,15})-([0-9a-f]{12})$/.exec(version);
    const known = match === null ? undefined : this.#file.versionAt(Number(match[1]));
    if (known === undefined || !known.digest.startsWith(match?.[2] ?? "-")) return { all: true };
    const names = new Map<string, Set<string>>();
    for (const { ecosystem, name } of this.#file.changedAfter(known.sequence)) {
      const set = names.get(ecosystem) ?? new Set<string>();
      names.set(ecosystem, set.add(name));
    }
    return { all: false, names };
  }

  /** Ids and aliases of every advisory that bears a name, as VEX statements need them. */
  namesOf(id: string): string[] {
    return this.#lookups.namesOf(id);
  }

  /** Writes as a whole or not at all; readers see what was there before until then. */
  async write<T>(act: (writer: AdvisoryWriter) => Promise<T>): Promise<T> {
    try {
      return await this.#file.write(act);
    } finally {
      this.refresh();
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
