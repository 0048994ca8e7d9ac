// The lists of one server as they were last known.
import type { JsonObject } from "@pratique/core";
import type { ListKind, ListSnapshot } from "../exchange/upstream-port.ts";
import type { FetchedList } from "./fetch-list.ts";

interface Shelved {
  readonly snapshot: ListSnapshot;
  readonly text: string;
  readonly fetchedAt: number;
  readonly isStale: boolean;
}

const KINDS: readonly ListKind[] = ["tools", "prompts", "resources", "templates"];
const NOTHING: ListSnapshot = { items: [], generation: 0 };

export class ListShelf {
  readonly #lists = new Map<ListKind, Shelved>();
  /** Changes that were told, by list. */
  readonly #doubts = new Map<ListKind, number>();
  #tools = new Map<string, JsonObject>();
  #generation = 0;

  known(kind: ListKind): ListSnapshot | undefined {
    return this.#lists.get(kind)?.snapshot;
  }

  /** As known; empty when nothing is. */
  read(kind: ListKind): ListSnapshot {
    return this.known(kind) ?? NOTHING;
  }

  tool(name: string): JsonObject | undefined {
    return this.#tools.get(name);
  }

  /** To be asked before a list is fetched, so that a change that is told meanwhile is not forgotten. */
  doubts(kind: ListKind): number {
    return this.#doubts.get(kind) ?? 0;
  }

  /** Puts a list in place of the one before. True when they differ. */
  put(
    kind: ListKind,
    { items, text, ttlMs, cacheScope }: FetchedList,
    { fetchedAt, doubts }: { readonly fetchedAt: number; readonly doubts: number },
  ): boolean {
    const before = this.#lists.get(kind);
    const isSame = before?.text === text;
    const hints = {
      ...(ttlMs === undefined ? {} : { ttlMs }),
      ...(cacheScope === undefined ? {} : { cacheScope }),
    };
    // The very same, so that whoever derives something from it need not do it again.
    const snapshot =
      isSame && before.snapshot.ttlMs === ttlMs && before.snapshot.cacheScope === cacheScope
        ? before.snapshot
        : { items: isSame ? before.snapshot.items : items, generation: this.#generationOf(before, isSame), ...hints };
    this.#lists.set(kind, { snapshot, text, fetchedAt, isStale: doubts !== this.doubts(kind) });
    if (kind === "tools" && !isSame) this.#tools = new Map(items.map((tool) => [String(tool["name"]), tool]));
    return !isSame;
  }

  #generationOf(before: Shelved | undefined, isSame: boolean): number {
    if (isSame && before !== undefined) return before.snapshot.generation;
    this.#generation += 1;
    return this.#generation;
  }

  isStale(kind: ListKind): boolean {
    return this.#lists.get(kind)?.isStale !== false;
  }

  /** How old it is, for who is not told of changes. */
  ageMs(kind: ListKind, now: number): number {
    return now - (this.#lists.get(kind)?.fetchedAt ?? Number.NEGATIVE_INFINITY);
  }

  doubt(kind: ListKind): void {
    this.#doubts.set(kind, this.doubts(kind) + 1);
    const list = this.#lists.get(kind);
    if (list !== undefined) this.#lists.set(kind, { ...list, isStale: true });
  }

  doubtAll(): void {
    for (const kind of KINDS) this.doubt(kind);
  }
}
