// Tags that stay what they are.
import type { HousekeepingConfig } from "@pratique/contracts";
import type { ActScope, ActUnderWay } from "@pratique/guard";
import type { RepositoryChange } from "@pratique/oci";
import { boundTo } from "../bound-tag.ts";
import { registryErrors } from "../errors.ts";
import { fitsRepository, fitsTag } from "../pattern.ts";

export class TagPolicies {
  readonly #rules: HousekeepingConfig["immutableTags"];
  readonly #acts: ActScope;

  constructor(rules: HousekeepingConfig["immutableTags"], acts: ActScope) {
    this.#rules = rules;
    this.#acts = acts;
  }

  /** Lists of signatures and referrers grow: no pattern makes them immutable. */
  isImmutable(repository: string, tag: string): boolean {
    if (boundTo(tag) !== undefined) return false;
    return this.#rules.some((rule) => fitsRepository(rule.repository, repository) && fitsTag(rule.tags, tag));
  }

  /**
   * Refuses to move or delete what must not change. It stands below policy on purpose: it holds for whatever changes
   * the store, and against a tag that came to be after the act was decided. @throws `registry.tag-immutable`
   */
  check({ repository, tags }: RepositoryChange): void {
    for (const { tag, from, to } of tags) {
      if (from === undefined || !this.isImmutable(repository, tag) || mayOverride(this.#acts.current)) continue;
      throw registryErrors("registry.tag-immutable", {
        reference: `${repository}:${tag}`,
        digest: from,
        act: to === undefined ? "deleted" : "moved",
      });
    }
  }
}

/** Policy was asked exactly this, and said yes. */
function mayOverride(current: ActUnderWay | undefined): boolean {
  for (let one = current; one !== undefined; one = one.within) {
    if (one.act.context?.["overrideImmutable"] === true) return true;
  }
  return false;
}
