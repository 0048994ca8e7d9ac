// What one address of the gateway offers to one person: the lists of its servers, as last known, under public names.
import type { ProfileTool } from "@pratique/contracts";
import { isJsonObject, type JsonObject } from "@pratique/core";
import type { GuardResource } from "@pratique/guard";
import type { DriftGuard, Screen } from "../exchange/ports.ts";
import type { ListKind, ListSnapshot, ServerFacts, UpstreamPort } from "../exchange/upstream-port.ts";
import { fitEntry, textAt } from "./fit-entry.ts";
import { shownTool, type Profile, type ServerRules } from "./profile.ts";
import { prefixedName, publicNames } from "./public-names.ts";
import { toolResource, type ServerPlace } from "./server-place.ts";
import { Uris } from "./uris.ts";

/** A server in a view. */
export interface Member {
  readonly name: string;
  readonly place: ServerPlace;
  readonly upstream: UpstreamPort;
  readonly rules: ServerRules;
}

/** A tool, prompt, resource or template that a view has. */
export interface Offer {
  readonly member: Member;
  /** The server's own name, URI or template. */
  readonly own: string;
  /** As it is listed; for resources and templates with the server's own URIs. */
  readonly item: JsonObject;
}

export interface ToolOffer extends Offer {
  readonly publicName: string;
  /** As the server listed it. */
  readonly tool: JsonObject;
  /** Arguments that are filled in. */
  readonly pinned: JsonObject;
  /** Why it is held back. */
  readonly held: string | undefined;
  /** The tool as policy sees it, of the server as it is now. */
  resource(server: GuardResource): GuardResource;
}

export interface PromptOffer extends Offer {
  readonly publicName: string;
}

/** Under the name by which it is listed, and under `server__name`. */
export interface Names<O> {
  readonly offers: readonly O[];
  readonly byName: ReadonlyMap<string, O>;
}

interface Made<T> {
  readonly from: readonly (ListSnapshot | string | undefined)[];
  readonly value: T;
}

export interface ViewParts {
  readonly screen: Screen;
  readonly drift: DriftGuard | undefined;
  /** Names that no server's tool gets where a profile has the tools of the gateway's own. */
  readonly reserved: ReadonlySet<string>;
}

/** Entries of a snapshot that may pass; made once. */
export type FitLists = WeakMap<ListSnapshot, readonly JsonObject[]>;

const ITEM_KEYS = { resources: "uri", templates: "uriTemplate" } as const;
const NO_SNAPSHOT: readonly JsonObject[] = [];

export class View {
  readonly profile: Profile;
  /** By name. */
  readonly members: readonly Member[];
  readonly #parts: ViewParts;
  readonly #fit: FitLists;
  readonly #byName: ReadonlyMap<string, Member>;
  #tools: Made<Names<ToolOffer>> | undefined;
  #prompts: Made<Names<PromptOffer>> | undefined;
  #uris: Made<Uris> | undefined;
  readonly #listed = new Map<"resources" | "templates", Made<readonly Offer[]>>();

  constructor(profile: Profile, members: readonly Member[], parts: ViewParts, fit: FitLists) {
    this.profile = profile;
    this.members = members;
    this.#parts = parts;
    this.#fit = fit;
    this.#byName = new Map(members.map((member) => [member.name, member]));
  }

  member(name: string): Member | undefined {
    return this.#byName.get(name);
  }

  get tools(): Names<ToolOffer> {
    const known = this.#known("tools");
    const from = [...known, ...this.#instructions()];
    if (this.#tools === undefined || !isSame(this.#tools.from, from))
      this.#tools = { from, value: this.#nameTools(known) };
    return this.#tools.value;
  }

  get prompts(): Names<PromptOffer> {
    const from = [...this.#known("prompts"), ...this.#known("tools"), ...this.#instructions()];
    if (this.#prompts === undefined || !isSame(this.#prompts.from, from))
      this.#prompts = { from, value: this.#namePrompts() };
    return this.#prompts.value;
  }

  get uris(): Uris {
    const lists = [...this.#known("resources"), ...this.#known("templates"), ...this.#known("tools")];
    const from = [...lists, ...this.#instructions()];
    if (this.#uris === undefined || !isSame(this.#uris.from, from)) this.#uris = { from, value: this.#gatherUris() };
    return this.#uris.value;
  }

  /** Resources or templates, each of a server once. */
  listed(kind: "resources" | "templates"): readonly Offer[] {
    const from = [...this.#known(kind), ...this.#known("tools"), ...this.#instructions()];
    const known = this.#listed.get(kind);
    if (known !== undefined && isSame(known.from, from)) return known.value;
    const value = this.members.flatMap((member) => this.#listOf(member, kind));
    this.#listed.set(kind, { from, value });
    return value;
  }

  #listOf(member: Member, kind: "resources" | "templates"): Offer[] {
    const seen = new Set<string>();
    const offers: Offer[] = [];
    for (const item of member.rules.resources && !this.isHeld(member) ? this.#entries(member, kind) : []) {
      const own = textAt(item, ITEM_KEYS[kind]);
      if (own === undefined || seen.has(own)) continue;
      seen.add(own);
      offers.push({ member, own, item });
    }
    return offers;
  }

  /** The server as a whole is held back: its prompts, resources and instructions, too. */
  isHeld(member: Member): boolean {
    return this.#held(member, member.upstream.knownList("tools"))("*") !== undefined;
  }

  /**
   * The same for what is about to be asked of it, which may be the first thing: what cannot be judged is held.
   * @throws what keeps the server from being reached
   */
  async isHeldNow(member: Member): Promise<boolean> {
    if (this.#parts.drift === undefined) return false;
    const { upstream } = member;
    if (upstream.knownList("tools") === undefined && hasTools(await upstream.facts())) {
      await upstream.list("tools");
      if (upstream.knownList("tools") === undefined) return true;
    }
    return this.isHeld(member);
  }

  #known(kind: ListKind): (ListSnapshot | undefined)[] {
    return this.members.map(({ upstream }) => upstream.knownList(kind));
  }

  /** A server that started again may say others with the same lists, and be held for them. */
  #instructions(): (string | undefined)[] {
    if (this.#parts.drift === undefined) return [];
    return this.members.map(({ upstream }) => upstream.knownFacts()?.instructions);
  }

  #entries({ name, upstream }: Member, kind: ListKind): readonly JsonObject[] {
    const snapshot = upstream.knownList(kind);
    if (snapshot === undefined) return NO_SNAPSHOT;
    const known = this.#fit.get(snapshot);
    if (known !== undefined) return known;
    const fit = snapshot.items
      .map((entry) => fitEntry(entry, this.#parts.screen, name))
      .filter((entry) => entry !== undefined);
    this.#fit.set(snapshot, fit);
    return fit;
  }

  #nameTools(from: readonly (ListSnapshot | undefined)[]): Names<ToolOffer> {
    const lists = this.members.map((member, at) => {
      const held = this.#held(member, from[at]);
      const items = this.#entries(member, "tools").flatMap((tool) => {
        const name = textAt(tool, "name");
        const changes = name === undefined ? undefined : member.rules.tool(name);
        if (name === undefined || changes === undefined) return [];
        return [{ name, given: changes.name, member, tool, changes, held: held(name) }];
      });
      return { server: member.name, items };
    });
    return named(
      publicNames(lists, hasOwnTools(this.profile) ? this.#parts.reserved : undefined).map(({ publicName, item }) =>
        toolOffer(publicName, item),
      ),
    );
  }

  #held(member: Member, snapshot: ListSnapshot | undefined): (name: string) => string | undefined {
    const { drift } = this.#parts;
    const facts = member.upstream.knownFacts();
    if (drift === undefined || facts === undefined) return () => undefined;
    const tools = snapshot?.items ?? (hasTools(facts) ? undefined : NO_SNAPSHOT);
    if (tools === undefined) return () => undefined;
    const held = drift.held(member.place.definition, facts, tools);
    return (name) => held.get(name) ?? held.get("*");
  }

  #namePrompts(): Names<PromptOffer> {
    const lists = this.members.map((member) => {
      const prompts = member.rules.prompts && !this.isHeld(member) ? this.#entries(member, "prompts") : [];
      const items = prompts.flatMap((item) => {
        const name = textAt(item, "name");
        return name === undefined ? [] : [{ name, member, item }];
      });
      return { server: member.name, items };
    });
    return named(
      publicNames(lists).map(({ publicName, item: { name, member, item } }) => ({
        publicName,
        member,
        own: name,
        item: publicName === name ? item : { ...item, name: publicName },
      })),
    );
  }

  #gatherUris(): Uris {
    const sources = this.members
      .filter((member) => mayHaveResources(member) && !this.isHeld(member))
      .map((member) => ({
        server: member.name,
        uris: new Set(this.#entries(member, "resources").flatMap((item) => textAt(item, "uri") ?? [])),
        templates: this.#entries(member, "templates").flatMap((item) => textAt(item, "uriTemplate") ?? []),
      }));
    return new Uris(sources);
  }
}

function hasTools({ capabilities }: ServerFacts): boolean {
  return isJsonObject(capabilities["tools"]);
}

function hasOwnTools({ configured }: Profile): boolean {
  return configured !== undefined && (configured.search !== false || configured.codeMode);
}

/** Of a server that was never reached nobody knows. */
export function mayHaveResources({ rules, upstream }: Member): boolean {
  const facts = upstream.knownFacts();
  return rules.resources && (facts === undefined || isJsonObject(facts.capabilities["resources"]));
}

function toolOffer(
  publicName: string,
  source: { name: string; member: Member; tool: JsonObject; changes: ProfileTool; held: string | undefined },
): ToolOffer {
  const { name, member, tool, changes, held } = source;
  const shown = shownTool(tool, changes);
  let known: { readonly server: GuardResource; readonly resource: GuardResource } | undefined;
  return {
    publicName,
    member,
    own: name,
    tool,
    item: publicName === name ? shown : { ...shown, name: publicName },
    pinned: changes.arguments as JsonObject,
    held,
    resource(server) {
      if (known?.server !== server) {
        const { definition } = member.place;
        known = { server, resource: toolResource(server, definition, tool, held !== undefined) };
      }
      return known.resource;
    },
  };
}

function named<O extends { readonly publicName: string } & Offer>(offers: readonly O[]): Names<O> {
  const byName = new Map(offers.map((offer) => [offer.publicName, offer]));
  for (const offer of offers) {
    const alias = prefixedName(offer.member.name, offer.own);
    if (!byName.has(alias)) byName.set(alias, offer);
  }
  return { offers, byName };
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, at) => item === b[at]);
}
