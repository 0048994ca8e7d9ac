// What the database says of packages and vulnerabilities, decoded once and kept while its version stands.
import type { AdvisoryFile } from "@pratique/store";
import {
  decodeAffected,
  decodeFacts,
  plainId,
  type AdvisoryFacts,
  type AffectedVersions,
} from "../database/advisory.ts";

export interface KnownAdvisory {
  readonly id: string;
  readonly source: string;
  readonly facts: AdvisoryFacts;
}

export interface KnownAffected {
  readonly advisory: number;
  readonly versions: AffectedVersions;
}

/** Entries kept in memory; then all are dropped, since what is asked once is mostly asked for all artifacts. */
const KEPT = 200_000;
const NOTHING: readonly KnownAffected[] = [];

export class Lookups {
  readonly #file: AdvisoryFile;
  /** By ecosystem, then name. */
  readonly #affected = new Map<string, Map<string, readonly KnownAffected[]>>();
  readonly #advisories = new Map<number, KnownAdvisory | undefined>();
  readonly #scores = new Map<string, number | undefined>();
  readonly #probabilities = new Map<string, number | undefined>();
  #exploited: ReadonlySet<string> | undefined;
  #hasProbabilities: boolean | undefined;

  constructor(file: AdvisoryFile) {
    this.#file = file;
  }

  /** Called when the content changed. */
  forget(): void {
    this.#affected.clear();
    this.#advisories.clear();
    this.#scores.clear();
    this.#probabilities.clear();
    this.#exploited = undefined;
    this.#hasProbabilities = undefined;
  }

  affected(ecosystem: string, name: string): readonly KnownAffected[] {
    const names = kept(this.#affected, ecosystem, () => new Map<string, readonly KnownAffected[]>());
    return kept(names, name, () => {
      const rows = this.#file.affected(ecosystem, name);
      if (rows.length === 0) return NOTHING;
      return rows.map(({ advisory, body }) => ({ advisory, versions: decodeAffected(body) }));
    });
  }

  advisory(key: number): KnownAdvisory | undefined {
    return kept(this.#advisories, key, () => {
      const row = this.#file.advisory(key);
      return row === undefined ? undefined : { id: plainId(row.id), source: row.source, facts: decodeFacts(row.body) };
    });
  }

  /** The highest CVSS score that any advisory gives a vulnerability. */
  scoreOf(id: string): number | undefined {
    return kept(this.#scores, id, () => {
      const scores = this.#file.advisoriesNamed(id).flatMap((row) => {
        const facts = decodeFacts(row.body);
        // One about several vulnerabilities scores the worst of them.
        const isAlone = (facts.upstream ?? []).length <= 1;
        return isAlone ? (facts.score ?? []) : [];
      });
      return scores.length === 0 ? undefined : Math.max(...scores);
    });
  }

  namesOf(id: string): string[] {
    const names = this.#file
      .advisoriesNamed(id)
      .flatMap((row) => [plainId(row.id), ...(decodeFacts(row.body).aliases ?? [])]);
    return [...new Set([id, ...names])].toSorted();
  }

  isExploited(id: string): boolean {
    this.#exploited ??= new Set(this.#file.exploited());
    return this.#exploited.has(id);
  }

  probability(id: string): number | undefined {
    this.#hasProbabilities ??= this.#file.hasProbabilities();
    return this.#hasProbabilities ? kept(this.#probabilities, id, () => this.#file.probability(id)) : undefined;
  }
}

function kept<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined || map.has(key)) return known as V;
  const made = make();
  if (map.size >= KEPT) map.clear();
  map.set(key, made);
  return made;
}
