// What a principal sees: lists pass the guard entry by entry, and what is denied is not there.
import type { Prompt, Resource, ResourceTemplateType, Tool } from "@modelcontextprotocol/client";
import type { Guard, GuardResource } from "@pratique/guard";
import type { Catalog, Owned } from "../catalog/catalog.ts";
import { serverResource, toolResource } from "../catalog/guard-resources.ts";
import { runOf, type Caller } from "./caller.ts";

interface ListParts {
  readonly catalog: Catalog;
  readonly guard: Guard;
}

/** What lists are about in their record. */
function scopeOf({ profile }: Caller): GuardResource {
  return { type: "System", id: profile === undefined ? "gateway" : `gateway/${profile.slice(0, 200)}` };
}

export async function visibleTools(caller: Caller, { catalog, guard }: ListParts): Promise<Tool[]> {
  const offered = await withServers(await catalog.tools(caller.profile));
  const shown = await guard.filter(
    { principal: caller.principal, action: "tool:list", scope: scopeOf(caller), ...runOf(caller) },
    offered,
    ({ server, upstream, item }) => toolResource(server, upstream.definition, item),
  );
  return shown.map(({ item, publicName }) => ({ ...item, name: publicName }));
}

export async function visiblePrompts(caller: Caller, { catalog, guard }: ListParts): Promise<Prompt[]> {
  const shown = await visible(caller, guard, "prompt:get", await catalog.prompts(caller.profile));
  return shown.map(({ item, publicName }) => ({ ...item, name: publicName }));
}

export async function visibleResources(caller: Caller, { catalog, guard }: ListParts): Promise<Resource[]> {
  return (await visible(caller, guard, "resource:read", await catalog.resources(caller.profile))).map(
    ({ item }) => item,
  );
}

export async function visibleTemplates(caller: Caller, { catalog, guard }: ListParts): Promise<ResourceTemplateType[]> {
  return (await visible(caller, guard, "resource:read", await catalog.templates(caller.profile))).map(
    ({ item }) => item,
  );
}

async function visible<O extends Owned<unknown>>(
  caller: Caller,
  guard: Guard,
  action: "prompt:get" | "resource:read",
  offered: readonly O[],
): Promise<O[]> {
  // Nothing offered is nothing to decide: most servers have no prompts and no resources.
  if (offered.length === 0) return [];
  const act = {
    principal: caller.principal,
    action,
    scope: scopeOf(caller),
    details: { listing: true },
    ...runOf(caller),
  };
  return await guard.filter(act, await withServers(offered), ({ server }) => server);
}

async function withServers<O extends Owned<unknown>>(
  offered: readonly O[],
): Promise<(O & { server: GuardResource })[]> {
  const servers = new Map<string, Promise<GuardResource>>();
  return await Promise.all(
    offered.map(async (entry) => {
      const { definition } = entry.upstream;
      const known = servers.get(definition.name) ?? serverResource(definition);
      servers.set(definition.name, known);
      return { ...entry, server: await known };
    }),
  );
}
