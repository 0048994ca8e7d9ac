// Who listens for changes, and of which servers each may hear.
import type { JsonObject, Log } from "@pratique/core";
import { describeError } from "@pratique/core";
import { allowedOrThrow } from "@pratique/guard";
import { gatewayErrors } from "../errors.ts";
import type { ExchangeNotification } from "../exchange/exchange.ts";
import type { ListenFilter, Listening } from "../exchange/router-port.ts";
import type { ListKind, UpstreamEvent, UpstreamPort } from "../exchange/upstream-port.ts";
import { principalKey, type Caller } from "../front/caller.ts";
import { textAt } from "./fit-entry.ts";
import { fitNotification } from "./pass-on.ts";
import { personOf } from "./profile.ts";
import { memberOf } from "./reads.ts";
import type { RouterParts } from "./router-parts.ts";
import type { Member, View } from "./view.ts";

interface Listener {
  readonly caller: Caller;
  readonly filter: ListenFilter;
  readonly tell: (notification: ExchangeNotification) => void;
  /** By public URI: where it is watched. */
  readonly watched: Map<string, Watch>;
  isEnded: boolean;
}

interface Watch {
  readonly server: string;
  readonly uri: string;
  readonly upstream: UpstreamPort;
}

const LIST_CHANGED = {
  tools: "notifications/tools/list_changed",
  prompts: "notifications/prompts/list_changed",
  resources: "notifications/resources/list_changed",
  templates: "notifications/resources/list_changed",
} as const satisfies Record<ListKind, string>;

/** Resources that one listener may watch. */
const WATCHED_LIMIT = 1000;

export class Listeners {
  readonly #parts: RouterParts;
  readonly #listeners = new Set<Listener>();
  /** How many watch each resource of a connection: it is left alone when the last of them has gone. */
  readonly #watchers = new WeakMap<UpstreamPort, Map<string, number>>();
  readonly #log: Log;

  constructor(parts: RouterParts) {
    this.#parts = parts;
    this.#log = parts.log;
  }

  /** Begins to tell; what is asked for in `filter.uris` is decided before this resolves. @throws `policy.denied` */
  async add(caller: Caller, filter: ListenFilter, tell: Listener["tell"]): Promise<Listening> {
    const listener: Listener = { caller, filter, tell, watched: new Map(), isEnded: false };
    this.#listeners.add(listener);
    const end = (): void => {
      listener.isEnded = true;
      this.#listeners.delete(listener);
      for (const uri of listener.watched.keys()) void this.#unwatch(listener, uri);
    };
    try {
      for (const uri of filter.uris) await this.#watch(listener, uri);
    } catch (error) {
      end();
      throw error;
    }
    return { watch: (uri) => this.#watch(listener, uri), unwatch: (uri) => this.#unwatch(listener, uri), end };
  }

  /** Servers came or went: whoever sees one of them is told that the lists are not what they were. */
  async changed(server: string): Promise<void> {
    // Copies: some may go while others are told.
    const listeners = [...this.#listeners];
    for (const listener of listeners) await this.#watchAgain(listener, server);
    for (const kind of ["tools", "prompts", "resources"] as const) await this.#tellChanged(server, "", kind);
  }

  /** What the listeners of a profile see has changed. */
  profilesChanged(): void {
    for (const { filter, tell } of this.#listeners)
      for (const kind of ["tools", "prompts", "resources"] as const)
        if (filter[kind]) tell({ method: LIST_CHANGED[kind], params: {} });
  }

  async heard(upstream: UpstreamPort, event: UpstreamEvent): Promise<void> {
    const { name } = upstream.definition;
    switch (event.type) {
      case "list-changed":
        return await this.#tellChanged(name, upstream.scope, event.kind);
      case "resource-updated":
        return await this.#tellUpdated(upstream, event.params);
      case "log":
        return await this.#tellAll(upstream, { method: "notifications/message", params: event.params });
      case "notification":
        return event.method.startsWith("notifications/tasks")
          ? this.#tellTask(upstream, event)
          : await this.#tellAll(upstream, event);
    }
  }

  async #tellChanged(server: string, scope: string, kind: ListKind): Promise<void> {
    const wanted = kind === "templates" ? "resources" : kind;
    for (const listener of this.#listeners) {
      if (!listener.filter[wanted] || !isOfScope(listener, scope)) continue;
      if (await this.#mayHear(listener, server)) listener.tell({ method: LIST_CHANGED[kind], params: {} });
    }
  }

  async #tellUpdated(upstream: UpstreamPort, params: JsonObject): Promise<void> {
    const { name } = upstream.definition;
    const method = "notifications/resources/updated";
    const uri = textAt(params, "uri");
    const fit = fitNotification({ method, params }, this.#parts.screen, { server: name, what: method });
    if (uri === undefined || fit === undefined) return;
    for (const listener of this.#listeners) {
      // The resource itself, or one of those that it stands for.
      const watches = [...listener.watched].filter(
        ([, watch]) => watch.upstream === upstream && uri.startsWith(watch.uri),
      );
      // What was allowed when it was asked for need not be allowed any more.
      if (watches.length === 0 || !(await this.#mayRead(listener, name))) continue;
      for (const [publicUri, watch] of watches)
        listener.tell({ method, params: { ...fit.params, ...(uri === watch.uri ? { uri: publicUri } : {}) } });
    }
  }

  async #tellAll(upstream: UpstreamPort, notification: ExchangeNotification): Promise<void> {
    const { name } = upstream.definition;
    const fit = fitNotification(notification, this.#parts.screen, { server: name, what: notification.method });
    if (fit === undefined) return;
    for (const listener of this.#listeners)
      if (isOfScope(listener, upstream.scope) && (await this.#mayHear(listener, name))) listener.tell(fit);
  }

  /** Only whose task it is hears of it, under the id that he has of it. */
  #tellTask(upstream: UpstreamPort, { method, params }: ExchangeNotification): void {
    const { name } = upstream.definition;
    const { taskIds, screen } = this.#parts;
    const known = taskIds.ownerOf(name, textAt(params, "taskId") ?? "");
    const fit = known && fitNotification({ method, params }, screen, { server: name, what: method });
    if (known === undefined || fit === undefined) return;
    const told = taskIds.sealIn(fit.params, { server: name, tool: known.tool }, known.owner);
    for (const { caller, filter, tell } of this.#listeners) {
      if (principalKey(caller) !== known.owner) continue;
      if (filter.taskIds !== undefined && !filter.taskIds.includes(textAt(told, "taskId") ?? "")) continue;
      tell({ method, params: told });
    }
  }

  async #watch(listener: Listener, publicUri: string): Promise<void> {
    const { views, guard, acts } = this.#parts;
    const { caller, watched } = listener;
    if (watched.has(publicUri)) return;
    if (watched.size >= WATCHED_LIMIT)
      throw gatewayErrors("gateway.bad-request", { reason: "too many resources are watched" });
    const view = views.at(caller);
    const { member, uri } = await memberOf(publicUri, view, this.#parts);
    const { upstream } = member;
    const act = acts.upon(
      member.place,
      await member.place.resource(),
      { caller, profile: view.profile },
      "resource:read",
      "resources/subscribe",
    );
    const outcome = await guard.perform(act, async (_decision, note) => {
      note({ uri });
      if (await view.isHeldNow(member)) throw gatewayErrors("gateway.server-held", { server: member.name });
      await this.#take(upstream, uri);
    });
    allowedOrThrow(outcome);
    // It left meanwhile, or asked twice at once.
    if (listener.isEnded || watched.has(publicUri)) await this.#leave(upstream, uri);
    else watched.set(publicUri, { server: member.name, uri, upstream });
  }

  /** A server that took another's place knows nothing of what was watched there. */
  async #watchAgain(listener: Listener, server: string): Promise<void> {
    const watched = [...listener.watched];
    for (const [publicUri, watch] of watched) {
      if (watch.server !== server) continue;
      listener.watched.delete(publicUri);
      try {
        await this.#watch(listener, publicUri);
      } catch (error) {
        this.#log.debug("a resource is not watched any more", { server, ...describeError(error) });
      }
    }
  }

  async #unwatch({ watched }: Listener, publicUri: string): Promise<void> {
    const watch = watched.get(publicUri);
    watched.delete(publicUri);
    if (watch !== undefined) await this.#leave(watch.upstream, watch.uri);
  }

  async #take(upstream: UpstreamPort, uri: string): Promise<void> {
    const counts = this.#watchers.get(upstream) ?? new Map<string, number>();
    this.#watchers.set(upstream, counts);
    counts.set(uri, (counts.get(uri) ?? 0) + 1);
    try {
      await upstream.watch(uri);
    } catch (error) {
      this.#uncount(upstream, uri);
      throw error;
    }
  }

  async #leave(upstream: UpstreamPort, uri: string): Promise<void> {
    if (this.#uncount(upstream, uri) > 0) return;
    try {
      await upstream.unwatch(uri);
    } catch (error) {
      this.#log.debug("a resource could not be left alone", describeError(error));
    }
  }

  /** How many are left. */
  #uncount(upstream: UpstreamPort, uri: string): number {
    const counts = this.#watchers.get(upstream);
    const left = (counts?.get(uri) ?? 1) - 1;
    if (left > 0) counts?.set(uri, left);
    else counts?.delete(uri);
    return left;
  }

  /** Whether what is watched of a server may still be heard of. A preview, since nothing is done. */
  async #mayRead({ caller }: Listener, server: string): Promise<boolean> {
    const { views, guard, acts } = this.#parts;
    const view = views.at(caller);
    const member = view.member(server);
    if (member === undefined || view.isHeld(member) || !member.rules.resources) return false;
    const asking = { caller, profile: view.profile };
    const resource = await member.place.resource();
    return guard.decide(acts.upon(member.place, resource, asking, "resource:read", "resources/subscribe")).allow;
  }

  /** Whether any of a server may be seen: the server itself, or one of its tools. A preview, since nothing is done. */
  async #mayHear({ caller }: Listener, server: string): Promise<boolean> {
    const view = this.#parts.views.at(caller);
    const member = view.member(server);
    if (member === undefined) return view.profile.shows(server) && this.#mayHaveSeen(caller, view, server);
    return await this.#isVisible(caller, view, member);
  }

  /** Of a server that was taken out nothing is known any more, but its name. */
  #mayHaveSeen(caller: Caller, view: View, name: string): boolean {
    const { guard, acts } = this.#parts;
    const { scope: _, ...act } = acts.listing({ caller, profile: view.profile }, "tool:list", "tools/list");
    const attributes = { name, isolated: false, cleared: false };
    return guard.decide({ ...act, resource: { type: "Server", id: name, attributes } }).allow;
  }

  async #isVisible(caller: Caller, view: View, member: Member): Promise<boolean> {
    const { guard, acts } = this.#parts;
    const asking = { caller, profile: view.profile };
    const server = await member.place.resource();
    const may = (resource: typeof server): boolean =>
      guard.decide(acts.upon(member.place, resource, asking, "tool:list")).allow;
    if (may(server)) return true;
    return view.tools.offers.some((offer) => offer.member === member && may(offer.resource(server)));
  }
}

function isOfScope({ caller }: Listener, scope: string): boolean {
  return scope === "" || scope === personOf(caller.principal).id;
}
