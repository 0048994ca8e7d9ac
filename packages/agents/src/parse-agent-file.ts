// Reads an agent definition: docker-agent's YAML, versions 0 to 16, as far as Pratique carries it out.
import type { Agent, AgentFile, AgentMetadata, AgentModel, AgentToolset } from "./agent-file.ts";
import { KEYS, nearest, TOOLSET_TYPES, type KeyTable } from "./agent-keys.ts";
import { agentErrors } from "./errors.ts";
import type { Skill } from "./skill.ts";
import { YamlSource, type YamlNode } from "./yaml-source.ts";

const NEWEST_VERSION = 16;

type Fields<Key extends string> = Partial<Record<Key, YamlNode>>;

/** The fields of a map, once every key is known to be carried out. */
function fields<const Table extends KeyTable>(node: YamlNode, table: Table): Fields<Table["supported"][number]> {
  const found: Record<string, YamlNode> = {};
  const { fileName: file } = node.source;
  for (const { key, value } of node.entries()) {
    const { path, line } = value;
    if (table.supported.includes(key)) {
      found[key] = value;
      continue;
    }
    const what = Object.hasOwn(table.refused, key) ? table.refused[key] : undefined;
    if (what !== undefined) throw agentErrors("agent.unsupported-key", { file, line, path, what });
    const near = nearest(key, [...table.supported, ...Object.keys(table.refused)]);
    const suggestion = near === undefined ? `keys here: ${table.supported.join(", ")}` : `did you mean \`${near}\`?`;
    throw agentErrors("agent.unknown-key", { file, line, path, suggestion });
  }
  return found as Fields<Table["supported"][number]>;
}

function refuseValue(node: YamlNode, detail: string, hint: string): never {
  const { path, line, source } = node;
  throw agentErrors("agent.unsupported-value", { file: source.fileName, line, path, detail, hint });
}

/** A text that would be expanded from the environment elsewhere: taken literally it would mean something else. */
function literal(node: YamlNode): string {
  const text = node.text();
  if (/\$\{|^\$\w/.test(text)) refuseValue(node, "text from the environment", "write the value itself");
  return text;
}

function required(node: YamlNode | undefined, parent: YamlNode, key: string): YamlNode {
  if (node !== undefined && !node.isNull) return node;
  throw parent.source.invalid(
    `line ${parent.line}: \`${parent.path === "" ? key : `${parent.path}.${key}`}\` is missing`,
  );
}

function optional<Key extends string, Value>(
  key: Key,
  node: YamlNode | undefined,
  read: (node: YamlNode) => Value,
): Partial<Record<Key, Value>> {
  return node === undefined || node.isNull ? {} : ({ [key]: read(node) } as Partial<Record<Key, Value>>);
}

function readVersion(node: YamlNode | undefined): string | undefined {
  if (node === undefined) return undefined;
  const version = node.textOrNumber();
  if (/^\d{1,2}$/.test(version) && Number(version) <= NEWEST_VERSION) return String(Number(version));
  throw agentErrors("agent.unsupported-version", {
    file: node.source.fileName,
    line: node.line,
    version: version.slice(0, 20),
  });
}

function readMetadata(node: YamlNode | undefined): AgentMetadata {
  if (node === undefined) return {};
  const given = fields(node, KEYS.metadata);
  const text = (value: YamlNode) => value.textOrNumber();
  return {
    ...optional("author", given.author, text),
    ...optional("license", given.license, text),
    ...optional("description", given.description, text),
    ...optional("readme", given.readme, text),
    ...optional("version", given.version, text),
    ...optional("tags", given.tags, (tags) => tags.texts()),
  };
}

function readModel(node: YamlNode): AgentModel {
  const given = fields(node, KEYS.model);
  return {
    provider: required(given.provider, node, "provider").text(),
    model: required(given.model, node, "model").text(),
    ...optional("baseUrl", given.base_url, readUrl),
    ...optional("description", given.description, (value) => value.text()),
    ...optional("temperature", given.temperature, (value) => value.number(0, 2)),
    ...optional("maxTokens", given.max_tokens, (value) => value.number(1, Number.POSITIVE_INFINITY, true)),
    ...optional("topP", given.top_p, (value) => value.number(0, 1)),
    ...optional("frequencyPenalty", given.frequency_penalty, (value) => value.number(-2, 2)),
    ...optional("presencePenalty", given.presence_penalty, (value) => value.number(-2, 2)),
  };
}

function readUrl(node: YamlNode): string {
  const text = literal(node);
  const protocol = URL.parse(text)?.protocol;
  if (protocol !== "http:" && protocol !== "https:") throw node.unexpected("an http(s) address");
  return text;
}

function readToolset(node: YamlNode): AgentToolset {
  const entries = node.entries();
  const type = required(entries.find(({ key }) => key === "type")?.value, node, "type");
  if (type.text() !== "mcp") {
    const known = TOOLSET_TYPES.includes(type.text());
    if (!known) throw type.unexpected(`a toolset type (${TOOLSET_TYPES.join(", ")})`);
    refuseValue(type, `toolsets of type ${type.text()}`, "use type mcp with ref or remote");
  }
  const given = fields(node, KEYS.toolset);
  const tools = optional("tools", given.tools, (value) => value.texts());
  if ((given.ref === undefined) === (given.remote === undefined)) {
    throw node.source.invalid(`line ${node.line}: \`${node.path}\` needs either ref or remote`);
  }
  if (given.ref !== undefined) {
    const ref = given.ref.text();
    if (!/^docker:\S{1,512}$/.test(ref))
      refuseValue(given.ref, "references to named definitions", "write docker:REFERENCE");
    return { type: "mcp", source: "catalog", ref, ...tools };
  }
  const remoteNode = required(given.remote, node, "remote");
  const remote = fields(remoteNode, KEYS.remote);
  const transport = remote.transport_type;
  if (transport !== undefined && !["streamable", "streamable-http"].includes(transport.text())) {
    refuseValue(transport, `transport ${transport.text()}`, "use streamable");
  }
  const headers = remote.headers?.entries().map(({ key, value }): [string, string] => [key, literal(value)]) ?? [];
  const url = readUrl(required(remote.url, remoteNode, "url"));
  return { type: "mcp", source: "remote", url, headers: Object.fromEntries(headers), ...tools };
}

function readSkills(node: YamlNode | undefined): { skills: string[]; inlineSkills: Skill[] } {
  const skills: string[] = [];
  const inlineSkills: Skill[] = [];
  if (node === undefined || node.isNull) return { skills, inlineSkills };
  if (!node.isList) refuseValue(node, "skills of the machine", "list the skills by name");
  for (const item of node.items()) {
    if (item.isMap) {
      const given = fields(item, KEYS.skill);
      inlineSkills.push({
        name: required(given.name, item, "name").text(),
        description: required(given.description, item, "description").text(),
        body: required(given.instructions, item, "instructions").text(),
        files: {},
      });
      continue;
    }
    const name = item.text();
    if (name === "local" || /^https?:/.test(name))
      refuseValue(item, "skills of the machine or of the web", "pack the skill and name it");
    skills.push(name);
  }
  return { skills, inlineSkills };
}

function readAgent(name: string, node: YamlNode): Agent {
  const given = fields(node, KEYS.agent);
  const instruction = given.instruction;
  return {
    name,
    model: required(given.model, node, "model").text(),
    description: given.description?.text() ?? "",
    // A list is joined by a blank line (schema v16).
    instruction:
      instruction === undefined ? "" : instruction.isList ? instruction.texts().join("\n\n") : instruction.text(),
    ...optional("welcomeMessage", given.welcome_message, literal),
    toolsets: given.toolsets?.items().map(readToolset) ?? [],
    ...readSkills(given.skills),
    ...optional("maxIterations", given.max_iterations, (value) => value.number(0, 10_000, true)),
  };
}

/** An agent's model is a named one, or `provider/model`, cut at the first slash. */
function inlineModel(node: YamlNode, text: string): AgentModel {
  if (text === "auto" || text.includes(",")) refuseValue(node, "a choice between models", "name one model");
  const slash = text.indexOf("/");
  if (slash < 1 || slash === text.length - 1) throw node.unexpected("a name under `models`, or provider/model");
  return { provider: text.slice(0, slash), model: text.slice(slash + 1) };
}

/**
 * Parses an agent definition. Every key is carried out or refused by name.
 * @throws `agent.invalid`, `agent.unknown-key`, `agent.unsupported-key`, `agent.unsupported-value`, `agent.unsupported-version`
 */
export function parseAgentFile(text: string, fileName = "agent.yaml"): AgentFile {
  const { root } = new YamlSource(text, fileName);
  const given = fields(root, KEYS.file);
  const version = readVersion(given.version);
  const models = new Map<string, AgentModel>();
  for (const { key, value } of given.models?.entries() ?? []) models.set(key, readModel(value));
  const agentsNode = required(given.agents, root, "agents");
  const agents = agentsNode.entries().map(({ key, value }) => {
    const agent = readAgent(key, value);
    if (!models.has(agent.model)) {
      const modelNode = value.entries().find((entry) => entry.key === "model")?.value ?? value;
      models.set(agent.model, inlineModel(modelNode, agent.model));
    }
    return agent;
  });
  const [first] = agents;
  if (first === undefined) throw agentsNode.unexpected("a map with at least one agent");
  const hasRoot = agents.some((agent) => agent.name === "root");
  // Agents are ordered since version 4; before that only the name says which one is meant.
  if (!hasRoot && version !== undefined && Number(version) < 4) {
    throw root.source.invalid(`line ${agentsNode.line}: a file of version ${version} needs an agent \`root\``);
  }
  return {
    version,
    metadata: readMetadata(given.metadata),
    models: Object.fromEntries(models),
    agents,
    defaultAgent: hasRoot ? "root" : first.name,
  };
}
