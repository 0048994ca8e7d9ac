// What an artifact is and how it is used, read from its manifest and config. Layers stay where they are.
import { isJsonObject, parseJson, readBounded, type JsonObject } from "@pratique/core";
import type { Kind } from "@pratique/contracts";
import {
  parseManifest,
  type Descriptor,
  type ImageManifest,
  type Manifest,
  type ParsedManifest,
  type Repository,
} from "@pratique/oci";
import { isAgentLock, readAgentLock } from "./agent/agent-lock.ts";
import { AGENT_MEDIA_TYPES } from "./agent/pack-agent.ts";
import { LIMIT_AGENT_FILE, parseAgentYaml } from "./agent/agent-source.ts";
import { ANNOTATIONS } from "./artifact-plan.ts";
import { packagingErrors } from "./errors.ts";
import { kindOfManifest } from "./kind-of-manifest.ts";
import { readImageConfig } from "./mcp-server/image-config.schema.ts";
import { SERVER_JSON_LABEL, TRANSPORT_LABEL } from "./mcp-server/server-labels.ts";
import {
  LIMIT_SERVER_JSON,
  parseServerJson,
  type ServerPackage,
  type ToolVerdicts,
} from "./mcp-server/server-json.schema.ts";
import { transportOf } from "./mcp-server/server-transport.ts";
import type { CanonicalModel, ModelFormat } from "./model/canonical-model.ts";
import { FORMAT_ANNOTATION } from "./model/formats/modelcar.ts";
import { modelFormatOf, readModel } from "./model/model-formats.ts";
import type { SkillShape } from "./skill/shapes.ts";
import type { SkillConfig } from "./skill/skill-config.schema.ts";
import type { SkillContent } from "./skill/skill-content.ts";
import { skillParts } from "./skill/skill-parts.ts";

export interface ArtifactCommon {
  readonly descriptor: Descriptor;
  readonly name: string;
  readonly version?: string;
  readonly description?: string;
  readonly created?: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface ModelInfo extends ArtifactCommon {
  readonly kind: "model";
  readonly format: ModelFormat;
  /** Its files and what is known of it, read when they are asked for. */
  model(): Promise<CanonicalModel>;
}

export interface McpServerInfo extends ArtifactCommon {
  readonly kind: "mcp-server";
  /** What starts the server in the image. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The catalog's verdicts; a tool that is not named has none. */
  readonly tools: ToolVerdicts;
  readonly serverJson: string;
  /** Where it listens inside, when it does not talk over its standard streams. */
  readonly listens?: { readonly type: "streamable-http" | "sse"; readonly port: number; readonly path: string };
}

export interface SkillInfo extends ArtifactCommon {
  readonly kind: "skill";
  readonly skill: SkillConfig;
  readonly shape: SkillShape;
  /** Its files, read when they are asked for. */
  content(): Promise<SkillContent>;
}

export interface AgentInfo extends ArtifactCommon {
  readonly kind: "agent";
  /** The author's file, byte for byte. */
  readonly yaml: string;
  readonly fileName: string;
}

export interface OtherInfo extends ArtifactCommon {
  readonly kind: Exclude<Kind, "model" | "mcp-server" | "skill" | "agent">;
}

export type ArtifactInfo = ModelInfo | McpServerInfo | SkillInfo | AgentInfo | OtherInfo;

/** @throws `artifact.missing`, `artifact.malformed`, `manifest.invalid` */
export async function readArtifact(repository: Repository, ref: string): Promise<ArtifactInfo> {
  const found = await repository.manifest(ref);
  if (found === undefined) throw packagingErrors("artifact.missing", { repository: repository.name, reference: ref });
  const kind = kindOfManifest(found);
  // A lock is read as the agent that it pins.
  if (isAgentLock(found)) {
    const root = readAgentLock(found).find(({ type }) => type === "root")!;
    const agent = await readArtifact(repository, root.descriptor.digest);
    return { ...agent, descriptor: found.descriptor };
  }
  const parsed = parseManifest(found.bytes, found.mediaType);
  const malformed = (reason: string) =>
    packagingErrors("artifact.malformed", { reference: `${repository.name}@${found.descriptor.digest}`, kind, reason });
  const manifest: ImageManifest =
    parsed.type === "image"
      ? parsed.manifest
      : { schemaVersion: 2, config: found.descriptor, layers: [], annotations: parsed.manifest.annotations };
  if (parsed.type === "index" && !["image", "policy", "catalog", "skill", "model"].includes(kind)) {
    throw malformed("it is an index");
  }
  const common = commonOf(repository, found.descriptor, await withLayers(repository, manifest, parsed));
  switch (kind) {
    case "model":
      return { kind, ...common, ...modelParts(repository, found) };
    case "mcp-server":
      return { kind, ...common, ...(await serverParts(repository, manifest, malformed)) };
    case "skill":
      return { kind, ...common, ...(await skillParts(repository, found, malformed)) };
    case "agent": {
      const layer = only(manifest.layers, AGENT_MEDIA_TYPES.yaml, malformed);
      if (layer.size > LIMIT_AGENT_FILE) throw malformed("its file is larger than 1 MiB");
      const bytes = await readBounded(await repository.openBlob(layer.digest), LIMIT_AGENT_FILE, "the agent's file");
      parseAgentYaml(bytes, "agent.yaml");
      return { kind, ...common, yaml: bytes.toString("utf8"), fileName: "agent.yaml" };
    }
    default:
      return { kind, ...common };
  }
}

/** The members of a model's index stand on the same layers: those of the first are all. */
async function withLayers(
  repository: Repository,
  manifest: ImageManifest,
  parsed: ParsedManifest,
): Promise<ImageManifest> {
  const [first] = parsed.type === "index" && manifest.layers.length === 0 ? parsed.manifest.manifests : [];
  if (first === undefined || parsed.manifest.annotations?.[FORMAT_ANNOTATION] === undefined) return manifest;
  const member = await repository.manifest(first.digest);
  const image = member === undefined ? undefined : parseManifest(member.bytes, member.mediaType);
  return image?.type === "image" ? { ...manifest, layers: image.manifest.layers } : manifest;
}

function commonOf(repository: Repository, descriptor: Descriptor, manifest: ImageManifest): ArtifactCommon {
  const annotations = manifest.annotations ?? {};
  const {
    [ANNOTATIONS.version]: version,
    [ANNOTATIONS.description]: description,
    [ANNOTATIONS.created]: created,
  } = annotations;
  return {
    descriptor,
    name: annotations[ANNOTATIONS.title] ?? repository.name,
    ...(version === undefined ? {} : { version }),
    ...(description === undefined ? {} : { description }),
    ...(created === undefined ? {} : { created }),
    annotations,
    config: manifest.config,
    layers: manifest.layers,
  };
}

type Malformed = (reason: string) => Error;

function only(layers: readonly Descriptor[], mediaType: string, malformed: Malformed): Descriptor {
  const [layer, ...others] = layers;
  if (layer?.mediaType !== mediaType || others.length > 0)
    throw malformed(`it must have one layer of type ${mediaType}`);
  return layer;
}

function modelParts(repository: Repository, found: Manifest): Pick<ModelInfo, "format" | "model"> {
  const format = modelFormatOf(found) ?? "modelpack";
  return { format, model: () => readModel(repository, found, format) };
}

async function serverParts(
  repository: Repository,
  manifest: ImageManifest,
  malformed: Malformed,
): Promise<Pick<McpServerInfo, "command" | "env" | "tools" | "serverJson" | "listens">> {
  const config = await readImageConfig(repository, manifest.config);
  if (config === undefined) throw malformed("its config is no image config");
  const serverJson = config.labels[SERVER_JSON_LABEL] ?? "";
  if (serverJson.length > LIMIT_SERVER_JSON) throw malformed("its server.json is too large");
  const command = [...config.entrypoint, ...config.cmd];
  if (command.length === 0) throw malformed("it does not say how to start");
  const env = Object.fromEntries(
    config.env
      .filter((entry) => entry.includes("="))
      .map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
  // An image that others built may have no server.json: then there are no verdicts, and policy treats no tool as safe.
  const parsed = serverJson === "" ? undefined : parseServerJson(Buffer.from(serverJson));
  const listens = listensOf(config.labels[TRANSPORT_LABEL], parsed?.packages ?? []);
  return { command, env, tools: parsed?.tools ?? {}, serverJson, ...(listens === undefined ? {} : { listens }) };
}

/** As its package says whose transport it was packed for. */
function listensOf(type: string | undefined, packages: readonly ServerPackage[]): McpServerInfo["listens"] {
  if (type !== "streamable-http" && type !== "sse") return undefined;
  const transport = transportOf(packages.find((it) => it.transport?.type === type));
  if (transport.type === "stdio" || transport.port === undefined) return undefined;
  return { type: transport.type, port: transport.port, path: transport.path ?? "/" };
}

/** The config blob of an artifact as JSON, when it is some. */
export async function readConfigJson(repository: Repository, info: ArtifactCommon): Promise<JsonObject | undefined> {
  const limit = 4 * 1024 * 1024;
  if (!info.config.mediaType.includes("json") || info.config.size > limit) return undefined;
  const bytes = await readBounded(await repository.openBlob(info.config.digest), limit, "the config");
  const json = parseJson(bytes.toString("utf8"), "the config");
  return isJsonObject(json) ? json : undefined;
}
