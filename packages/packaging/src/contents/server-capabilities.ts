// What an MCP server, or any image, may do: by its config, its server.json, and the catalog label that Docker writes.
import { isJsonObject, type JsonObject } from "@pratique/core";
import {
  COMMAND_PROPERTY,
  permissionProperty,
  TOOL_PROPERTY,
  TRANSPORT_PROPERTY,
  type Permission,
  type SbomComponent,
} from "@pratique/sbom";
import { parseDocument } from "yaml";
import type { ImageConfig } from "../mcp-server/image-config.schema.ts";
import { parseServerJson, type ServerPackage } from "../mcp-server/server-json.schema.ts";
import { SERVER_JSON_LABEL, TRANSPORT_LABEL } from "../mcp-server/server-labels.ts";

type Properties = NonNullable<SbomComponent["properties"]>;

/** The server's entry of Docker's catalog, as YAML (docker/mcp-gateway, self-describing images). */
const DOCKER_METADATA_LABEL = "io.docker.server.metadata";
const LIMIT_LABEL = 256 * 1024;
const LIMIT_LIST = 2000;

/** Names and values for the bill of materials, in no particular order. */
export function serverCapabilities(config: ImageConfig, raw: JsonObject): Properties {
  const found = new Capabilities();
  const own = isJsonObject(raw["config"]) ? raw["config"] : {};
  found.permit("user", config.user === undefined || config.user === "" ? "root" : config.user);
  for (const port of keysOf(own["ExposedPorts"])) found.permit("network", `listen ${port}`);
  for (const path of keysOf(own["Volumes"])) found.permit("volume", path);
  const command = [...config.entrypoint, ...config.cmd];
  if (command.length > 0) found.say(COMMAND_PROPERTY, command.join(" ").slice(0, 4096));
  const transport = config.labels[TRANSPORT_LABEL];
  if (transport !== undefined) found.say(TRANSPORT_PROPERTY, transport);
  const serverJson = config.labels[SERVER_JSON_LABEL];
  if (serverJson !== undefined && serverJson.length <= LIMIT_LABEL) addServerJson(found, serverJson);
  const docker = config.labels[DOCKER_METADATA_LABEL];
  if (docker !== undefined && docker.length <= LIMIT_LABEL) addDockerEntry(found, docker);
  return found.properties();
}

class Capabilities {
  readonly #values = new Map<string, Set<string>>();

  say(name: string, value: string): void {
    const known = this.#values.get(name) ?? new Set();
    if (known.size < LIMIT_LIST) known.add(value.slice(0, 4096));
    this.#values.set(name, known);
  }

  permit(permission: Permission, value: string): void {
    this.say(permissionProperty(permission), value);
  }

  properties(): Properties {
    return Object.fromEntries(
      [...this.#values].map(([name, values]) => {
        const sorted = [...values].sort();
        return [name, sorted.length === 1 ? sorted[0]! : sorted];
      }),
    );
  }
}

function addServerJson(found: Capabilities, text: string): void {
  const server = parseServerJson(Buffer.from(text));
  for (const [tool, { readOnly, destructive }] of Object.entries(server.tools)) {
    const verdicts = [readOnly === true ? "read-only" : undefined, destructive === true ? "destructive" : undefined];
    const said = verdicts.filter((one) => one !== undefined);
    found.say(TOOL_PROPERTY, said.length === 0 ? tool : `${tool} (${said.join(", ")})`);
  }
  for (const { type, url } of server.remotes) found.permit("network", `connect ${url} (${type})`);
  for (const one of server.packages) addPackage(found, one);
}

function addPackage(found: Capabilities, one: ServerPackage): void {
  for (const { name, isSecret } of one.environmentVariables ?? []) {
    found.permit(isSecret === true ? "secret" : "environment", name);
  }
  const { transport } = one;
  if (transport === undefined) return;
  found.say(TRANSPORT_PROPERTY, transport.type);
  if (transport.url !== undefined && transport.type !== "stdio") found.permit("network", `listen ${transport.url}`);
}

/** A label that is no YAML says nothing. */
function addDockerEntry(found: Capabilities, text: string): void {
  const document = parseDocument(text, { logLevel: "silent", uniqueKeys: true });
  if (document.errors.length > 0) return;
  let json: unknown;
  try {
    json = document.toJS({ maxAliasCount: 100 });
  } catch {
    // Too many aliases: a bomb, and no entry.
    return;
  }
  if (!isJsonObject(json)) return;
  const names = (value: unknown): string[] =>
    Array.isArray(value)
      ? value.flatMap((one) => (typeof one === "string" ? [one] : isJsonObject(one) ? textOf(one["name"]) : []))
      : [];
  for (const tool of names(json["tools"])) found.say(TOOL_PROPERTY, tool);
  for (const name of names(json["secrets"])) found.permit("secret", name);
  for (const name of names(json["env"])) found.permit("environment", name);
  for (const path of names(json["volumes"])) found.permit("volume", path);
  for (const host of names(json["allowHosts"])) found.permit("network", `connect ${host}`);
}

function textOf(value: unknown): string[] {
  return typeof value === "string" ? [value] : [];
}

function keysOf(value: unknown): string[] {
  return isJsonObject(value) ? Object.keys(value).slice(0, LIMIT_LIST) : [];
}
