// What a principal sees: lists pass the guard entry by entry, and what is denied is not there.
import type { JsonObject } from "@pratique/core";
import type { GuardResource } from "@pratique/guard";
import type { Answer, Exchange } from "../exchange/exchange.ts";
import type { ListKind, ListSnapshot } from "../exchange/upstream-port.ts";
import type { Caller } from "../front/caller.ts";
import { textAt } from "./fit-entry.ts";
import { hasPage, urisToTell, withShownPage } from "./links.ts";
import { pageOf, type PageEntry } from "./paging.ts";
import type { RouterParts } from "./router-parts.ts";
import type { Member, Offer, ToolOffer, View } from "./view.ts";

/** Tools that a caller may see, in their order; the same array while they are the same. */
export async function visibleTools(caller: Caller, view: View, parts: RouterParts): Promise<readonly ToolOffer[]> {
  await parts.views.ready(view, "tools");
  const { offers } = view.tools;
  const servers = await serversOf(offers);
  const asking = { caller, profile: view.profile };
  return await parts.guard.filterAgain(
    parts.acts.list(asking, "tool:list", "tools/list", offers, servers, (offer) =>
      offer.resource(servers.get(offer.member)!),
    ),
  );
}

export async function listTools(caller: Caller, view: View, { params }: Exchange, parts: RouterParts): Promise<Answer> {
  const offers = await visibleTools(caller, view, parts);
  const entries = await toolEntries(offers, view, parts);
  const { own } = parts;
  if (own === undefined) return listAnswer("tools", entries.all, params, hintsOf(view, "tools"));
  const visible = own.visible?.(caller, entries.items) ?? entries.items;
  const added = own.tools(caller, entries.items).map((item) => ({ item, server: "", own: textAt(item, "name") ?? "" }));
  const shown = visible === entries.items ? entries.all : entriesOf(visible, entries.all);
  return listAnswer("tools", [...added, ...shown], params, hintsOf(view, "tools"));
}

function entriesOf(items: readonly JsonObject[], entries: readonly PageEntry[]): PageEntry[] {
  const kept = new Set(items);
  return entries.filter(({ item }) => kept.has(item));
}

/** Tools as they are listed; `items` is the same array while they are the same. */
export interface ToolEntries {
  readonly all: readonly PageEntry[];
  readonly items: readonly JsonObject[];
}

/** Tools as they are listed, their pages with the URIs of the view. */
export async function toolEntries(
  offers: readonly ToolOffer[],
  view: View,
  { views, entries }: RouterParts,
): Promise<ToolEntries> {
  const uris = offers.some(({ item }) => hasPage(item)) ? await urisToTell(view, views) : undefined;
  const known = entries.get(offers);
  if (known?.uris === uris && known !== undefined) return known;
  const all = offers.map(({ member: { name }, own, item: listed }) => {
    const item =
      uris === undefined || !hasPage(listed) ? listed : withShownPage(listed, (uri) => uris.shown(name, uri));
    return { server: name, own, item, characters: JSON.stringify(item).length };
  });
  const made = { uris, all, items: all.map(({ item }) => item) };
  entries.set(offers, made);
  return made;
}

export async function listPrompts(
  caller: Caller,
  view: View,
  { params }: Exchange,
  parts: RouterParts,
): Promise<Answer> {
  await parts.views.ready(view, "prompts");
  const offers = await ofServers(caller, view, view.prompts.offers, "prompt:get", "prompts/list", parts);
  const entries = offers.map(({ member, own, item }) => ({ server: member.name, own, item }));
  return listAnswer("prompts", entries, params, hintsOf(view, "prompts"));
}

export async function listResources(
  caller: Caller,
  view: View,
  { params }: Exchange,
  kind: "resources" | "templates",
  parts: RouterParts,
): Promise<Answer> {
  const { views } = parts;
  await Promise.all([views.ready(view, "resources"), views.ready(view, "templates")]);
  const method = kind === "resources" ? "resources/list" : "resources/templates/list";
  const offers = await ofServers(caller, view, view.listed(kind), "resource:read", method, parts);
  const { uris } = view;
  const entries = offers.map(({ member, own, item }) => {
    const shown = kind === "resources" ? uris.shown(member.name, own) : uris.shownTemplate(member.name, own);
    const key = kind === "resources" ? "uri" : "uriTemplate";
    return { server: member.name, own, item: shown === own ? item : { ...item, [key]: shown } };
  });
  return listAnswer(kind === "resources" ? "resources" : "resourceTemplates", entries, params, hintsOf(view, kind));
}

async function ofServers<O extends Offer>(
  caller: Caller,
  view: View,
  offers: readonly O[],
  action: "prompt:get" | "resource:read",
  method: string,
  { guard, acts }: RouterParts,
): Promise<readonly O[]> {
  // Nothing offered is nothing to decide: most servers have no prompts and no resources.
  if (offers.length === 0) return [];
  const servers = await serversOf(offers);
  const asking = { caller, profile: view.profile };
  return await guard.filterAgain(
    acts.list(asking, action, method, offers, servers, ({ member }) => servers.get(member)!),
  );
}

/** The servers of offers as policy sees them now. */
export async function serversOf(offers: readonly { readonly member: Member }[]): Promise<Map<Member, GuardResource>> {
  const servers = new Map<Member, GuardResource>();
  for (const { member } of offers) {
    if (servers.has(member)) continue;
    const resource = member.place.resource();
    servers.set(member, resource instanceof Promise ? await resource : resource);
  }
  return servers;
}

interface Hints {
  readonly ttlMs?: number;
}

function listAnswer(key: string, entries: readonly PageEntry[], params: JsonObject, hints: Hints): Answer {
  const { items, nextCursor } = pageOf(entries, params["cursor"]);
  // What one principal sees is not what another does: never to be shared.
  const caching = hints.ttlMs === undefined ? {} : { ttlMs: hints.ttlMs, cacheScope: "private" };
  return { [key]: items, ...(nextCursor === undefined ? {} : { nextCursor }), ...caching };
}

/** The shortest time of all servers; none when one of them says none. */
function hintsOf({ members }: View, kind: ListKind): Hints {
  const snapshots = members.flatMap(({ upstream }): ListSnapshot[] => {
    const snapshot = upstream.knownList(kind);
    return snapshot === undefined || snapshot.items.length === 0 ? [] : [snapshot];
  });
  if (snapshots.length === 0 || snapshots.some(({ ttlMs }) => ttlMs === undefined)) return {};
  return { ttlMs: Math.min(...snapshots.map(({ ttlMs = 0 }) => ttlMs)) };
}
