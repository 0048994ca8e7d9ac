// An agent's YAML file: well-formed, no key twice, and which other artifacts it names. Its schema is `agents`' concern.
import { basename, resolve } from "node:path";
import { isMap, parseDocument } from "yaml";
import { isJsonObject, type JsonObject } from "@pratique/core";
import { packagingErrors } from "../errors.ts";
import { listFiles, readSmallFile, type SourceFile } from "../source-files.ts";

export const LIMIT_AGENT_FILE = 1024 * 1024;
const LIMITS = { kind: "agent", maxFiles: 1000, maxBytes: 95 * 1024 * 1024 } as const;

export interface AgentReference {
  readonly type: "model" | "mcp-server" | "skill" | "agent";
  readonly reference: string;
}

export interface AgentSource {
  readonly file: SourceFile;
  /** The author's bytes, never re-serialised. */
  readonly bytes: Buffer;
  readonly name: string;
  readonly version: string | undefined;
  readonly metadata: {
    readonly author?: string;
    readonly license?: string;
    readonly description?: string;
    readonly tags: readonly string[];
  };
  readonly references: readonly AgentReference[];
}

/** The file that defines the agent: agent.yaml, or the only YAML file there is. */
export function agentFileOf(files: readonly SourceFile[]): SourceFile | undefined {
  const yaml = files.filter(({ path }) => /^[^/]+\.ya?ml$/.test(path));
  const named = yaml.find(({ path }) => path === "agent.yaml") ?? yaml.find(({ path }) => path === "agent.yml");
  return named ?? (yaml.length === 1 ? yaml[0] : undefined);
}

/** @throws `agent.not-yaml` */
export async function readAgentSource(directory: string): Promise<AgentSource> {
  const file = agentFileOf(await listFiles(directory, LIMITS));
  if (file === undefined) throw packagingErrors("artifact.unknown-kind", { directory });
  const bytes = await readSmallFile(file, LIMIT_AGENT_FILE);
  const document = parseAgentYaml(bytes, file.path);
  const metadata = isJsonObject(document["metadata"]) ? document["metadata"] : {};
  const text = (key: string): string | undefined => {
    const value = metadata[key];
    return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
  };
  const stem = file.path.replace(/\.ya?ml$/, "");
  const [author, license, description] = [text("author"), text("license"), text("description")];
  const tags = Array.isArray(metadata["tags"])
    ? metadata["tags"].filter((tag): tag is string => typeof tag === "string")
    : [];
  return {
    file,
    bytes,
    name: stem === "agent" ? basename(resolve(directory)) : stem,
    version: text("version"),
    metadata: {
      ...(author === undefined ? {} : { author }),
      ...(license === undefined ? {} : { license }),
      ...(description === undefined ? {} : { description }),
      tags,
    },
    references: referencesOf(document),
  };
}

/** @throws `agent.not-yaml` with the line */
export function parseAgentYaml(bytes: Uint8Array, path: string): JsonObject {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw packagingErrors("agent.not-yaml", { path, reason: "it is not UTF-8" }, { cause });
  }
  const document = parseDocument(text, { uniqueKeys: true, logLevel: "silent" });
  const error = document.errors[0];
  if (error !== undefined) {
    throw packagingErrors("agent.not-yaml", { path, reason: (error.message.split("\n")[0] ?? "").replace(/:$/, "") });
  }
  const wrong = (reason: string, cause?: unknown) => packagingErrors("agent.not-yaml", { path, reason }, { cause });
  if (!isMap(document.contents)) throw wrong("it must be a mapping with `agents`");
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw wrong("it has too many aliases", cause);
  }
  if (!isJsonObject(value) || !("agents" in value)) throw wrong("it has no `agents`");
  return value;
}

function* objectsIn(value: unknown): Generator<JsonObject> {
  if (isJsonObject(value)) for (const item of Object.values(value)) if (isJsonObject(item)) yield item;
}

function* textsIn(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const item of value) if (typeof item === "string") yield item;
}

/** What an agent file names of other artifacts. @throws `agent.not-yaml` */
export function agentReferences(yaml: string): AgentReference[] {
  return referencesOf(parseAgentYaml(Buffer.from(yaml), "agent.yaml"));
}

/** What the file names of other artifacts: models, MCP servers, skills and agents. In order, each once. */
function referencesOf(document: JsonObject): AgentReference[] {
  const found = new Map<string, AgentReference>();
  const add = (type: AgentReference["type"], reference: unknown): void => {
    if (typeof reference === "string" && reference !== "") found.set(`${type} ${reference}`, { type, reference });
  };
  for (const model of objectsIn(document["models"])) if (model["provider"] === "dmr") add("model", model["model"]);
  const mcpRef = (toolset: JsonObject): void => {
    const { ref } = toolset;
    if (typeof ref === "string" && ref.startsWith("docker:")) add("mcp-server", ref.slice("docker:".length));
  };
  for (const server of objectsIn(document["mcps"])) mcpRef(server);
  const agents = document["agents"];
  const own = new Set(isJsonObject(agents) ? Object.keys(agents) : []);
  for (const agent of objectsIn(agents)) {
    for (const toolset of Array.isArray(agent["toolsets"]) ? agent["toolsets"] : [])
      if (isJsonObject(toolset)) mcpRef(toolset);
    for (const skill of textsIn(agent["skills"])) if (skill !== "local" && !/^https?:/.test(skill)) add("skill", skill);
    for (const key of ["sub_agents", "handoffs"])
      for (const name of textsIn(agent[key])) if (!own.has(name)) add("agent", name);
  }
  return [...found.values()];
}
