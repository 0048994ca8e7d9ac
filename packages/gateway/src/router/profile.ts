// What one address of the gateway shows: a profile of the configuration, servers named in the address, or everything.
import type { GatewayProfile, Principal, ProfileServer, ProfileTool } from "@pratique/contracts";
import { isJsonObject, type JsonObject } from "@pratique/core";

export interface Profile {
  /** As the address names it; empty: everything. */
  readonly name: string;
  /** Absent: it is none of the configuration. */
  readonly configured?: GatewayProfile;
  shows(server: string): boolean;
  /** What it shows of a server. */
  rules(server: string): ServerRules;
}

/** What is shown of one server, and how. */
export interface ServerRules {
  readonly prompts: boolean;
  readonly resources: boolean;
  /** The changes to a tool; undefined: it is not shown. */
  tool(name: string): ProfileTool | undefined;
}

const UNCHANGED: ProfileTool = { arguments: {} };
const EVERYTHING: ServerRules = { prompts: true, resources: true, tool: () => UNCHANGED };

/** The profile of an address: one of the configuration, or else names of servers joined by `+`; none: everything. */
export function profileAt(address: string | undefined, configured: Readonly<Record<string, GatewayProfile>>): Profile {
  if (address === undefined || address === "") return { name: "", shows: () => true, rules: () => EVERYTHING };
  const profile = Object.hasOwn(configured, address) ? configured[address] : undefined;
  if (profile === undefined) {
    const names = new Set(address.split("+"));
    return { name: address, shows: (server) => names.has(server), rules: () => EVERYTHING };
  }
  const { servers } = profile;
  if (Array.isArray(servers)) {
    const names = new Set<string>(servers);
    return { name: address, configured: profile, shows: (server) => names.has(server), rules: () => EVERYTHING };
  }
  const map = new Map(Object.entries<ProfileServer>(servers).map(([name, server]) => [name, rulesOf(server)]));
  return {
    name: address,
    configured: profile,
    shows: (server) => map.has(server),
    rules: (server) => map.get(server) ?? EVERYTHING,
  };
}

function rulesOf({ tools, prompts, resources }: ProfileServer): ServerRules {
  if (tools === undefined) return { prompts, resources, tool: () => UNCHANGED };
  const chosen = Array.isArray(tools)
    ? new Map<string, ProfileTool>(tools.map((name: string) => [name, UNCHANGED]))
    : new Map(Object.entries<ProfileTool>(tools));
  return { prompts, resources, tool: (name) => chosen.get(name) ?? chosen.get("*") };
}

/** Whether it is for the principal; an agent is in it for whom it acts. */
export function isMember({ configured }: Profile, principal: Principal): boolean {
  const { users, groups } = configured ?? {};
  if (users === undefined && groups === undefined) return true;
  return isAmong(principal, users ?? [], groups ?? []);
}

/** Whether a principal, or the person for whom it acts, is one of these people or in one of these groups. */
export function isAmong(principal: Principal, users: readonly string[], groups: readonly string[]): boolean {
  const person = personOf(principal);
  if (users.includes(person.id) || users.includes(person.name)) return true;
  return groups.some((group) => principal.groups.includes(group) || person.groups.includes(group));
}

/** The person who acts, or for whom a workload does. */
export function personOf(principal: Principal): Extract<Principal, { type: "User" }> {
  return principal.type === "User" ? principal : principal.actingFor;
}

/** A tool as the profile shows it: another description, and without the arguments that are filled in. */
export function shownTool(tool: JsonObject, { description, arguments: pinned }: ProfileTool): JsonObject {
  const names = Object.keys(pinned);
  if (description === undefined && names.length === 0) return tool;
  const schema = tool["inputSchema"];
  return {
    ...tool,
    ...(description === undefined ? {} : { description }),
    ...(names.length === 0 || !isJsonObject(schema) ? {} : { inputSchema: withoutArguments(schema, new Set(names)) }),
  };
}

function withoutArguments(schema: JsonObject, names: ReadonlySet<string>): JsonObject {
  const { properties, required } = schema;
  return {
    ...schema,
    ...(isJsonObject(properties)
      ? { properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !names.has(name))) }
      : {}),
    ...(Array.isArray(required) ? { required: required.filter((name) => !names.has(String(name))) } : {}),
  };
}
