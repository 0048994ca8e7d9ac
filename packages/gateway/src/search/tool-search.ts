// Finds tools among those that one caller may see: by words, and by meaning where a model is there.
import { digestOf, type JsonObject, type Log } from "@pratique/core";
import { toolDocument, ToolIndex } from "./tool-index.ts";
import { ToolVectors, type Embed } from "./tool-vectors.ts";

/** Callers with the same tools share an index; of others the oldest goes. */
const KEPT_INDEXES = 16;
/** How deep each ranking is looked at, and how little the first places count over the next (reciprocal rank fusion). */
const FUSED = 50;
const RANK_CONSTANT = 60;

export class ToolSearch {
  readonly #vectors: ToolVectors | undefined;
  readonly #byList = new WeakMap<readonly JsonObject[], ToolIndex>();
  readonly #byContent = new Map<string, ToolIndex>();

  constructor(embed: Embed | undefined, log: Log) {
    this.#vectors = embed === undefined ? undefined : new ToolVectors(embed, log);
  }

  /** Best first. */
  async find(
    offered: readonly JsonObject[],
    query: string,
    limit: number,
    serverOf: (name: string) => string | undefined = () => undefined,
  ): Promise<JsonObject[]> {
    const index = this.#indexOf(offered, serverOf);
    const byWords = index.rank(query, FUSED);
    const byMeaning = (await this.#vectors?.rank(index.documents, query, FUSED)) ?? [];
    return fused([byWords, byMeaning])
      .slice(0, limit)
      .map((at) => offered[at])
      .filter((tool) => tool !== undefined);
  }

  #indexOf(offered: readonly JsonObject[], serverOf: (name: string) => string | undefined): ToolIndex {
    const known = this.#byList.get(offered);
    if (known !== undefined) return known;
    const documents = offered.map((tool) => toolDocument(tool, serverOf(String(tool["name"])) ?? ""));
    const key = digestOf(JSON.stringify(documents));
    const index = this.#byContent.get(key) ?? new ToolIndex(documents);
    this.#byContent.delete(key);
    this.#byContent.set(key, index);
    for (const old of this.#byContent.keys()) if (this.#byContent.size > KEPT_INDEXES) this.#byContent.delete(old);
    this.#byList.set(offered, index);
    return index;
  }
}

/** One ranking of several: what stands high in any is high. */
function fused(rankings: readonly (readonly number[])[]): number[] {
  const scores = new Map<number, number>();
  for (const ranking of rankings) {
    ranking.forEach((at, place) => scores.set(at, (scores.get(at) ?? 0) + 1 / (RANK_CONSTANT + place)));
  }
  return [...scores].toSorted(([a, x], [b, y]) => y - x || a - b).map(([at]) => at);
}
