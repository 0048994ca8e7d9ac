// Pulls that come again: the same act object for the same principal, content and facts, so that guard knows it again.
import type { Principal } from "@pratique/contracts";
import { RepeatedAct, type Act, type GuardResource } from "@pratique/guard";

/** Of one principal. */
const KEPT = 1024;

interface Known {
  readonly resource: GuardResource | undefined;
  /** Absent until it comes a second time: most acts happen once. */
  readonly act: RepeatedAct | undefined;
}

export class KnownActs {
  readonly #acts = new WeakMap<Principal, Map<string, Known>>();

  /**
   * `key` says what the act is about, as far as `resource` does not; the act is made again when that is another object.
   */
  get(principal: Principal, key: string, resource: GuardResource | undefined, make: () => Act): Act {
    const ofPrincipal = this.#acts.get(principal) ?? new Map<string, Known>();
    const known = ofPrincipal.get(key);
    const isSame = known !== undefined && known.resource === resource;
    if (isSame && known.act !== undefined) return known.act;
    const act = make();
    if (ofPrincipal.size === 0) this.#acts.set(principal, ofPrincipal);
    const repeated = isSame ? new RepeatedAct(act, { mayJoin: true }) : undefined;
    ofPrincipal.delete(key);
    ofPrincipal.set(key, { resource, act: repeated });
    if (ofPrincipal.size > KEPT) {
      const { value: oldest } = ofPrincipal.keys().next();
      if (oldest !== undefined) ofPrincipal.delete(oldest);
    }
    return repeated ?? act;
  }
}
