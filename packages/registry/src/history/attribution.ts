// Who is behind a change of the store, by the act under way.
import type { AuditRecord } from "@pratique/contracts";
import type { ActScope, ActUnderWay } from "@pratique/guard";

export interface Cause {
  readonly principal: AuditRecord["principal"];
  readonly action: string;
  /** Stands in the act's record too. */
  readonly act: string;
}

export class Attribution {
  readonly #acts: ActScope;
  readonly #ids: () => string;
  readonly #named = new WeakMap<ActUnderWay, string>();

  constructor(acts: ActScope, ids: () => string) {
    this.#acts = acts;
    this.#ids = ids;
  }

  /** Undefined when nobody acts, as at start. Its record will name the change. */
  cause(): Cause | undefined {
    const current = this.#acts.current;
    if (current === undefined) return undefined;
    const writing = writingAct(current);
    let act = this.#named.get(writing);
    if (act === undefined) {
      act = this.#ids();
      this.#named.set(writing, act);
      writing.note({ act });
    }
    return { principal: principalOf(writing), action: writing.act.action, act };
  }
}

/** A pull from elsewhere writes here as part of a push: that one is meant. */
function writingAct(current: ActUnderWay): ActUnderWay {
  for (let one: ActUnderWay | undefined = current; one !== undefined; one = one.within) {
    if (!/:(?:pull|read|get|list)$/.test(one.act.action)) return one;
  }
  return current;
}

function principalOf({ act: { principal } }: ActUnderWay): Cause["principal"] {
  if (principal === undefined) return { type: "Anonymous", id: "anonymous" };
  if (principal.type === "User") return { type: "User", id: principal.id, name: principal.name };
  const { id, actingFor } = principal;
  return { type: "Workload", id, name: actingFor.name, actingFor: actingFor.id };
}
