// The views that are in use, and the waiting for servers that are late.
import type { GatewayProfile } from "@pratique/contracts";
import type { Caller } from "../front/caller.ts";
import type { ListKind, UpstreamPort } from "../exchange/upstream-port.ts";
import { gatewayErrors } from "../errors.ts";
import { LATE_AFTER_MS, LIST_WAIT_MS } from "../limits.ts";
import type { ServerDefinition } from "../server-definition.ts";
import { personOf, profileAt, type Profile } from "./profile.ts";
import { ServerPlace } from "./server-place.ts";
import { View, type FitLists, type Member, type ViewParts } from "./view.ts";

/** The servers behind the gateway, as those who connect to them know them. */
export interface Servers {
  definitions(): readonly ServerDefinition[];
  /** For a person; one for all where the server is shared. */
  of(name: string, person: string): UpstreamPort | undefined;
}

export interface ViewsOptions extends ViewParts {
  readonly servers: Servers;
  profiles(): Readonly<Record<string, GatewayProfile>>;
  /** A server that was late has a list now. */
  onLate(upstream: UpstreamPort, kind: ListKind): void;
}

const VIEWS_LIMIT = 500;
/** Addresses may be made up: a longer one names nothing. */
const ADDRESS_LIMIT = 1000;

export class Views {
  readonly #options: ViewsOptions;
  readonly #views = new Map<string, View>();
  readonly #places = new WeakMap<ServerDefinition, ServerPlace>();
  #fit: FitLists = new WeakMap();
  /** Lists that were waited for in vain once, and have not come since. */
  readonly #late = new WeakMap<UpstreamPort, Set<ListKind>>();

  constructor(options: ViewsOptions) {
    this.#options = options;
  }

  at(caller: Caller): View {
    const { profile: address = "" } = caller;
    if (address.length > ADDRESS_LIMIT) return new View(profileAt(" ", {}), [], this.#options, this.#fit);
    const key = `${personOf(caller.principal).id}\n${address}`;
    const known = this.#views.get(key);
    if (known !== undefined) return known;
    const view = this.#make(caller, profileAt(address, this.#options.profiles()));
    if (this.#views.size >= VIEWS_LIMIT) this.#views.clear();
    this.#views.set(key, view);
    return view;
  }

  /** Servers, profiles or what is held have changed. */
  changed(): void {
    this.#views.clear();
  }

  /** What may pass of lists has changed, too. */
  screenChanged(): void {
    this.#fit = new WeakMap();
    this.#views.clear();
  }

  /**
   * Resolves when the lists of a view's servers are there. A server that is late is waited for only a moment longer than
   * the first of the others, and not again until it has come: then whoever listens is told.
   */
  async ready({ members }: View, kind: ListKind, waitMs = LIST_WAIT_MS): Promise<void> {
    const lists = members.map(({ upstream }) => ({ upstream, list: this.#list(upstream, kind) }));
    const waited = lists.filter(({ upstream }) => this.#late.get(upstream)?.has(kind) !== true);
    const all = Promise.all(waited.map(({ list }) => list));
    if (await isSettledSoon(all)) return;
    const isInTime = await inTime(
      all,
      waited.map(async ({ upstream, list }) => {
        await list;
        if (upstream.knownFacts() === undefined) await new Promise(() => undefined);
      }),
      waitMs,
    );
    if (isInTime || waitMs < LIST_WAIT_MS) return;
    for (const { upstream, list } of waited) {
      if (await isSettledSoon(list)) continue;
      const late = this.#late.get(upstream) ?? new Set();
      this.#late.set(upstream, late.add(kind));
    }
  }

  async #list(upstream: UpstreamPort, kind: ListKind): Promise<void> {
    await upstream.list(kind);
    if (this.#late.get(upstream)?.delete(kind) === true) this.#options.onLate(upstream, kind);
  }

  #make(caller: Caller, profile: Profile): View {
    const person = personOf(caller.principal).id;
    const members = this.#options.servers
      .definitions()
      .filter(({ name }) => profile.shows(name))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((definition) => this.#member(definition, person, profile));
    return new View(profile, members, this.#options, this.#fit);
  }

  #member(definition: ServerDefinition, person: string, profile: Profile): Member {
    const { servers } = this.#options;
    const { name } = definition;
    const place = this.#places.get(definition) ?? new ServerPlace(definition);
    this.#places.set(definition, place);
    return {
      name,
      place,
      rules: profile.rules(name),
      // Asked anew each time: one that nobody used for long may have been ended.
      get upstream() {
        const upstream = servers.of(name, person);
        if (upstream === undefined)
          throw gatewayErrors("gateway.server-unavailable", { server: name, reason: "it was taken away" });
        return upstream;
      },
    };
  }
}

/** True when it settles without waiting for anything outside. */
async function isSettledSoon(promise: Promise<unknown>): Promise<boolean> {
  const { promise: soon, resolve } = Promise.withResolvers<boolean>();
  setImmediate(() => resolve(false));
  return await Promise.race([promise.then(() => true), soon]);
}

/** False when others did not come within a moment after the first one, or nobody in the time there is. */
async function inTime(all: Promise<unknown>, each: readonly Promise<unknown>[], waitMs: number): Promise<boolean> {
  const { promise: over, resolve } = Promise.withResolvers<boolean>();
  let timer = setTimeout(() => resolve(false), waitMs);
  void Promise.any(each).then(
    () => {
      clearTimeout(timer);
      timer = setTimeout(() => resolve(false), Math.min(LATE_AFTER_MS, waitMs));
    },
    () => undefined,
  );
  try {
    return await Promise.race([all.then(() => true), over]);
  } finally {
    clearTimeout(timer);
  }
}
