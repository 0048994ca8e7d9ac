// A list that is asked for again and again, so that what a principal sees of it is decided once under one policy set.
import type { Act, GuardResource } from "./act.ts";

/**
 * Stands for the same principal, items and facts for ever: who makes it must make another when any of them changes. The
 * items that are shown are the same array while the same ones are.
 */
export class RepeatedList<R> {
  readonly act: Omit<Act, "resource"> & { readonly scope: GuardResource };
  readonly resources: readonly GuardResource[];
  readonly #items: readonly R[];
  readonly #aging: readonly (() => boolean)[];
  #picked: { readonly at: readonly number[]; readonly items: readonly R[] } | undefined;

  constructor(
    act: Omit<Act, "resource"> & { readonly scope: GuardResource },
    items: readonly R[],
    resourceOf: (item: R) => GuardResource,
  ) {
    this.act = act;
    this.#items = items;
    this.resources = items.map(resourceOf);
    this.#aging = [...new Set(this.resources.flatMap(({ isCurrent }) => isCurrent ?? []))];
  }

  /** Whether all facts are still those of this moment. */
  isCurrent(): boolean {
    return this.#aging.every((isCurrent) => isCurrent());
  }

  /** The items in these places. */
  pick(at: readonly number[]): readonly R[] {
    if (this.#picked?.at !== at) this.#picked = { at, items: at.map((place) => this.#items[place]!) };
    return this.#picked.items;
  }
}
