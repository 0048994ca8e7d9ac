// What guard is asked about requests. The same act is made once for the same principal, profile and facts, so that guard
// need not work out again what follows from it.
import type { Action, Principal } from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";
import { RepeatedAct, RepeatedList, type GuardResource } from "@pratique/guard";
import { runOf, type Caller } from "../front/caller.ts";
import { isMember, type Profile } from "./profile.ts";
import type { ServerPlace } from "./server-place.ts";

/** Acts remembered of one thing; it has few callers at a time. */
const ACTS_LIMIT = 500;

interface KnownList {
  readonly list: RepeatedList<unknown>;
  /** As they were when it was made. */
  readonly servers: readonly GuardResource[];
  readonly context: JsonObject;
}

const NO_CONTEXT: JsonObject = {};

export class Acts {
  readonly #allowUnisolated: boolean;
  readonly #byResource = new WeakMap<GuardResource, Map<string, RepeatedAct>>();
  readonly #lists = new WeakMap<readonly unknown[], Map<string, KnownList>>();
  readonly #principalKeys = new WeakMap<Principal, string>();
  readonly #contexts = new WeakMap<Profile, Map<string, JsonObject>>();

  constructor(options: { readonly allowUnisolated: boolean }) {
    this.#allowUnisolated = options.allowUnisolated;
  }

  /** An act upon a server or one of its tools. `method`: where it is not the one that the action stands for. */
  upon(
    place: ServerPlace,
    resource: GuardResource,
    { caller, profile }: Asking,
    action: Action,
    method?: string,
  ): RepeatedAct {
    const known = this.#byResource.get(resource) ?? new Map<string, RepeatedAct>();
    const key = `${action} ${method ?? ""} ${profile.name} ${this.principalKey(caller.principal)}`;
    const context = this.#contextOf(caller, profile);
    const act = known.get(key);
    if (act !== undefined && this.#isOf(act, context)) return act;
    const { definition } = place;
    const isUnisolated = (this.#allowUnisolated || definition.allowUnisolated === true) && !definition.isolated;
    const made = new RepeatedAct({
      principal: caller.principal,
      action,
      resource,
      context: {
        ...context,
        ...(method === undefined ? {} : { method }),
        ...(isUnisolated ? { allowUnisolated: true } : {}),
      },
      ...runOf(caller),
    });
    if (known.size >= ACTS_LIMIT) known.clear();
    known.set(key, made);
    this.#byResource.set(resource, known);
    return made;
  }

  /** What policy is told of a listing; the items are decided one by one. */
  listing({ caller, profile }: Asking, action: Action, method: string) {
    return {
      principal: caller.principal,
      action,
      scope: scopeOf(profile),
      context: this.#contextOf(caller, profile),
      details: { method },
      ...runOf(caller),
    };
  }

  /** The same, for a list that is asked for again and again; another when anything of it has changed. */
  list<O>(
    asking: Asking,
    action: Action,
    method: string,
    offers: readonly O[],
    servers: ReadonlyMap<unknown, GuardResource>,
    resourceOf: (offer: O) => GuardResource,
  ): RepeatedList<O> {
    const known = this.#lists.get(offers) ?? new Map<string, KnownList>();
    const key = `${action} ${method} ${asking.profile.name} ${this.principalKey(asking.caller.principal)}`;
    const context = this.#contextOf(asking.caller, asking.profile);
    const list = known.get(key);
    const resources = [...servers.values()];
    // Lists of the same offers hold the same offers, whoever they are for.
    if (list?.context === context && isSame(list.servers, resources)) return list.list as RepeatedList<O>;
    const made = new RepeatedList(this.listing(asking, action, method), offers, resourceOf);
    if (known.size >= ACTS_LIMIT) known.clear();
    known.set(key, { list: made, servers: resources, context });
    this.#lists.set(offers, known);
    return made;
  }

  /** Tells principals apart, with all that policy may know of them. */
  principalKey(principal: Principal): string {
    const known = this.#principalKeys.get(principal);
    if (known !== undefined) return known;
    const key = JSON.stringify(principal);
    this.#principalKeys.set(principal, key);
    return key;
  }

  #isOf({ context = {} }: RepeatedAct, of: JsonObject): boolean {
    return context["access"] === of["access"] && context["member"] === of["member"];
  }

  /** Empty for an address that is no profile of the configuration. */
  #contextOf({ principal }: Caller, profile: Profile): JsonObject {
    if (profile.configured === undefined) return NO_CONTEXT;
    const known = this.#contexts.get(profile) ?? new Map<string, JsonObject>();
    const key = this.principalKey(principal);
    const context = known.get(key) ?? {
      profile: profile.name,
      access: profile.configured.access,
      member: isMember(profile, principal),
    };
    if (known.size >= ACTS_LIMIT) known.clear();
    known.set(key, context);
    this.#contexts.set(profile, known);
    return context;
  }
}

/** Who asks, and where. */
export interface Asking {
  readonly caller: Caller;
  readonly profile: Profile;
}

/** What lists are about in their record. */
function scopeOf({ name }: Profile): GuardResource {
  return { type: "System", id: name === "" ? "gateway" : `gateway/${name.slice(0, 200)}` };
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, at) => item === b[at]);
}
