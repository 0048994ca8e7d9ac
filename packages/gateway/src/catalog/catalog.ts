// The servers behind the gateway, and which of them a profile shows.
import type { Prompt, Resource, ResourceTemplateType, Tool } from "@modelcontextprotocol/client";
import type { Lists, Upstream } from "../upstream/upstream.ts";
import { publicNames, type Named } from "./public-names.ts";

export interface Owned<T> {
  readonly upstream: Upstream;
  readonly item: T;
}

export class Catalog {
  readonly #upstreams = new Map<string, Upstream>();

  /** Puts a server in; one of that name must have been taken out before. */
  set(upstream: Upstream): void {
    this.#upstreams.set(upstream.definition.name, upstream);
  }

  take(name: string): Upstream | undefined {
    const upstream = this.#upstreams.get(name);
    this.#upstreams.delete(name);
    return upstream;
  }

  /** By name. */
  all(): Upstream[] {
    return [...this.#upstreams.values()].sort((a, b) => (a.definition.name < b.definition.name ? -1 : 1));
  }

  /** The servers of a profile: a name, several joined by `+`, or all. Names that are not there are left out. */
  of(profile: string | undefined): Upstream[] {
    if (profile === undefined || profile === "") return this.all();
    const names = new Set(profile.split("+"));
    return this.all().filter(({ definition }) => names.has(definition.name));
  }

  async tools(profile: string | undefined): Promise<(Owned<Tool> & { readonly publicName: string })[]> {
    return await this.#named(profile, "tools");
  }

  async prompts(profile: string | undefined): Promise<(Owned<Prompt> & { readonly publicName: string })[]> {
    return await this.#named(profile, "prompts");
  }

  /** A URI that several servers have belongs to the first. */
  async resources(profile: string | undefined): Promise<Owned<Resource>[]> {
    return unique(await this.#owned(profile, "resources"), ({ item }) => item.uri);
  }

  async templates(profile: string | undefined): Promise<Owned<ResourceTemplateType>[]> {
    return unique(await this.#owned(profile, "templates"), ({ item }) => item.uriTemplate);
  }

  async #named<K extends "tools" | "prompts">(
    profile: string | undefined,
    kind: K,
  ): Promise<(Owned<Lists[K][number]> & { readonly publicName: string })[]> {
    const upstreams = this.of(profile);
    const lists = await Promise.all(
      upstreams.map(async (upstream) => ({ server: upstream.definition.name, items: await upstream.list(kind) })),
    );
    const byName = new Map(upstreams.map((upstream) => [upstream.definition.name, upstream]));
    return publicNames<Lists[K][number]>(lists).flatMap(({ publicName, server, item }: Named<Lists[K][number]>) => {
      const upstream = byName.get(server);
      return upstream === undefined ? [] : [{ publicName, upstream, item }];
    });
  }

  async #owned<K extends keyof Lists>(profile: string | undefined, kind: K): Promise<Owned<Lists[K][number]>[]> {
    const lists = await Promise.all(
      this.of(profile).map(async (upstream) =>
        (await upstream.list(kind)).map((item: Lists[K][number]) => ({ upstream, item })),
      ),
    );
    return lists.flat();
  }
}

function unique<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  const byKey = new Map<string, T>();
  for (const item of items) if (!byKey.has(keyOf(item))) byKey.set(keyOf(item), item);
  return [...byKey.values()];
}
