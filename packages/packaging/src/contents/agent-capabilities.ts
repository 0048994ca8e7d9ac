// What an agent may do, by its own file: models, toolsets of each of its agents, sub-agents, skills, and permissions.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { permissionProperty, type SbomComponent } from "@pratique/sbom";
import { parseAgentYaml } from "../agent/agent-source.ts";

type Properties = NonNullable<SbomComponent["properties"]>;

const LIMIT_LIST = 2000;

/** Names and values for the bill of materials. @throws `agent.not-yaml` */
export function agentCapabilities(yaml: string): Properties {
  const document = parseAgentYaml(Buffer.from(yaml), "agent.yaml");
  const values = new Map<string, Set<string>>();
  const say = (name: string, value: string): void => {
    const known = values.get(name) ?? new Set();
    if (known.size < LIMIT_LIST) known.add(value.slice(0, 2048));
    values.set(name, known);
  };
  for (const [name, model] of entriesOf(document["models"])) {
    const provider = textOf(model["provider"]) ?? "unknown";
    say("pratique:agent:model", `${name}: ${provider}/${textOf(model["model"]) ?? "unknown"}`);
    const url = textOf(model["base_url"]);
    if (url !== undefined) say(permissionProperty("network"), `connect ${url}`);
  }
  const named = new Map(entriesOf(document["mcps"]));
  for (const [name, agent] of entriesOf(document["agents"])) {
    const model = textOf(agent["model"]);
    if (model !== undefined) say("pratique:agent:uses-model", `${name}: ${model}`);
    for (const key of ["sub_agents", "handoffs"]) {
      for (const one of textsOf(agent[key])) say("pratique:agent:sub-agent", `${name}: ${one}`);
    }
    for (const one of textsOf(agent["skills"])) say("pratique:agent:skill", `${name}: ${one}`);
    if (agent["skills"] === true) say("pratique:agent:skill", `${name}: all that are found`);
    for (const toolset of objectsOf(agent["toolsets"])) addToolset(say, name, toolset, named);
    addRules(say, `${name}: `, agent["permissions"]);
  }
  addRules(say, "", document["permissions"]);
  return Object.fromEntries(
    [...values].map(([name, all]) => {
      const sorted = [...all].sort();
      return [name, sorted.length === 1 ? sorted[0]! : sorted];
    }),
  );
}

type Say = (name: string, value: string) => void;

/** What a toolset gives: a server of the catalog, one at an address, a program of the host, or a built-in one. */
function addToolset(say: Say, agent: string, toolset: JsonObject, named: ReadonlyMap<string, JsonObject>): void {
  const type = textOf(toolset["type"]) ?? "unknown";
  const ref = textOf(toolset["ref"]);
  const server = ref === undefined ? undefined : named.get(ref);
  if (server !== undefined) {
    addToolset(
      say,
      agent,
      { type, ...server, ...(toolset["tools"] === undefined ? {} : { tools: toolset["tools"] }) },
      new Map(),
    );
    return;
  }
  const remote = isJsonObject(toolset["remote"]) ? textOf(toolset["remote"]["url"]) : undefined;
  const command = textOf(toolset["command"]);
  const what = ref ?? remote ?? (command === undefined ? undefined : [command, ...textsOf(toolset["args"])].join(" "));
  const tools = textsOf(toolset["tools"]);
  const only = tools.length === 0 ? "" : ` (only ${[...tools].sort().join(", ")})`;
  say(permissionProperty("toolset"), `${agent}: ${type}${what === undefined ? "" : ` ${what}`}${only}`);
  if (remote !== undefined) say(permissionProperty("network"), `connect ${remote}`);
  if (command !== undefined || type === "shell")
    say(permissionProperty("host"), `${agent}: runs ${command ?? "a shell"}`);
  if (type === "filesystem") say(permissionProperty("host"), `${agent}: reads and writes files`);
  for (const name of Object.keys(isJsonObject(toolset["env"]) ? toolset["env"] : {})) {
    say(permissionProperty("environment"), name);
  }
}

/** docker-agent's `permissions`: tools that need no yes, and tools that are never called. */
function addRules(say: Say, whose: string, permissions: Json | undefined): void {
  if (!isJsonObject(permissions)) return;
  for (const verdict of ["allow", "ask", "deny"]) {
    for (const tool of textsOf(permissions[verdict])) say(permissionProperty("tool"), `${whose}${verdict} ${tool}`);
  }
}

function entriesOf(value: Json | undefined): [string, JsonObject][] {
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([name, one]): [string, JsonObject][] =>
    isJsonObject(one) ? [[name, one]] : [],
  );
}

function objectsOf(value: Json | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function textsOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
