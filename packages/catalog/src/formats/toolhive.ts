// ToolHive's registry: its own form (`servers`, `remote_servers`; toolhive-core registry/types/registry_types.go).
import type { ServerEntry } from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";
import { flag, object, objects, present, slug, text, texts, whole } from "../loose.ts";
import type { EntryFormat, EntryInput } from "./entry-format.ts";
import { hostOfUrl, imageOf, splitImage } from "./places.ts";
import { readToolList, writeToolList } from "./tool-list.ts";

/** `{ key, value }`: a server and its key in the map; a remote one has `url` in the place of `image`. */
export const toolhive: EntryFormat = {
  id: "toolhive",
  read(keyed) {
    const document = object(keyed, "value") ?? {};
    const name = slug(text(keyed, "key", 200) ?? "server");
    const [image, url] = [text(document, "image", 590), text(document, "url", 2000)];
    const [title, description, repository] = [
      text(document, "title", 200),
      text(document, "description", 5000),
      text(document, "repository_url"),
    ];
    const isDeprecated = text(document, "status")?.toLowerCase() === "deprecated";
    return {
      name,
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description }),
      ...(repository === undefined ? {} : { repository }),
      ...(isDeprecated ? { status: "deprecated" as const } : {}),
      tags: texts(document, "tags", 100, 200),
      ...(url === undefined ? readImage(document, image) : { remote: readRemote(document, url) }),
      ...readInputs(name, document),
      network: url === undefined ? readNetwork(object(document, "permissions")) : { hosts: hostOfUrl(url) },
      tools: readTools(document),
    };
  },
  write(entry) {
    const { remote, image } = entry;
    const list = writeToolList(entry.tools);
    const hasDefinitions = entry.tools.some(
      ({ inputSchema, description }) => inputSchema !== undefined || description !== undefined,
    );
    const value = present({
      title: entry.title,
      description: entry.description,
      status: entry.status === "deprecated" ? "Deprecated" : "Active",
      transport: remote === undefined ? entry.transport.type : remote.transport,
      tools: entry.tools.map(({ name }) => name),
      tool_definitions: hasDefinitions ? list : undefined,
      repository_url: entry.repository,
      tags: entry.tags.length === 0 ? undefined : [...entry.tags],
      image: image === undefined ? undefined : imageOf(image),
      args: image?.command === undefined ? undefined : [...image.command],
      target_port: entry.transport.type === "stdio" ? undefined : entry.transport.port,
      permissions: remote === undefined ? writePermissions(entry) : undefined,
      env_vars: writeEnv(entry),
      url: remote?.url,
      headers: remote === undefined ? undefined : writeRemoteHeaders(entry),
      oauth_config: writeOauth(entry),
    });
    return { key: entry.name, value };
  },
};

function readImage(document: JsonObject, image: string | undefined): Partial<EntryInput> {
  const type = text(document, "transport");
  const port = whole(document, "target_port") ?? 8080;
  const command = texts(document, "args");
  const isPort = port >= 1 && port <= 65_535;
  return {
    ...(image === undefined ? {} : { image: { ...splitImage(image), ...(command.length === 0 ? {} : { command }) } }),
    ...((type === "sse" || type === "streamable-http") && isPort
      ? { transport: { type, port, path: type === "sse" ? "/sse" : "/mcp" } }
      : {}),
  };
}

function readRemote(document: JsonObject, url: string): NonNullable<EntryInput["remote"]> {
  const oauth = object(document, "oauth_config");
  const issuer = text(oauth, "issuer", 500);
  return {
    url,
    transport: text(document, "transport") === "sse" ? "sse" : "streamable-http",
    ...(oauth === undefined
      ? {}
      : { oauth: { ...(issuer === undefined ? {} : { issuer }), scopes: texts(oauth, "scopes", 100, 200) } }),
  };
}

function readInputs(server: string, document: JsonObject): Pick<EntryInput, "env" | "secrets" | "config"> {
  const env: Record<string, string> = {};
  const secrets: NonNullable<EntryInput["secrets"]> = [];
  const properties = new Map<string, NonNullable<EntryInput["config"]>>();
  const required: string[] = [];
  for (const [list, place] of [
    [objects(document, "env_vars", 200), "env"],
    [objects(document, "headers", 100), "header"],
  ] as const) {
    for (const one of list) {
      const name = text(one, "name", 200);
      if (name === undefined) continue;
      const [description, preset] = [text(one, "description"), text(one, "default", 4000)];
      const isRequired = flag(one, "required") === true;
      if (flag(one, "secret") === true || place === "header") {
        secrets.push({
          name: `${server}.${name.toLowerCase().replace(/[^a-z0-9_.-]+/g, "_")}`.slice(0, 200),
          ...(place === "env" ? { env: name } : { header: { name } }),
          ...(description === undefined ? {} : { description }),
          required: isRequired,
        });
        continue;
      }
      env[name] = `{{${name}}}`;
      properties.set(name, {
        type: "string",
        ...(description === undefined ? {} : { description }),
        ...(preset === undefined ? {} : { default: preset }),
      });
      if (isRequired) required.push(name);
    }
  }
  const config =
    properties.size === 0
      ? undefined
      : {
          type: "object",
          properties: Object.fromEntries(properties),
          ...(required.length === 0 ? {} : { required }),
        };
  return { env, secrets: secrets.slice(0, 100), ...(config === undefined ? {} : { config }) };
}

/** `.example.com` is the domain and what lies below it; ports hold for every host. */
function readNetwork(permissions: JsonObject | undefined): EntryInput["network"] {
  const outbound = object(object(permissions, "network"), "outbound");
  const names = texts(outbound, "allow_host", 100, 250);
  const ports = outbound?.["allow_port"];
  const numbers = Array.isArray(ports) ? ports.filter((one: unknown) => Number.isInteger(one)) : [];
  // Everything is no statement of what it needs.
  if (flag(outbound, "insecure_allow_all") === true || outbound === undefined) return { hosts: [], unstated: true };
  const hosts = names.flatMap((name) =>
    (numbers.length === 0 ? [443] : numbers).flatMap((port) =>
      name.startsWith(".") ? [`${name.slice(1)}:${port}`, `*${name}:${port}`] : [`${name}:${port}`],
    ),
  );
  return { hosts: [...new Set(hosts)].slice(0, 200) };
}

function writePermissions({ network }: ServerEntry): JsonObject | undefined {
  if (network.unstated === true) return undefined;
  const wild = new Set(network.hosts.filter((host) => host.startsWith("*.")).map((host) => host.slice(2)));
  const names = new Set<string>();
  const ports = new Set<number>();
  for (const host of network.hosts) {
    const [, name = host, port = "443"] = /^(.*):(\d+)$/.exec(host) ?? [];
    ports.add(Number(port));
    if (wild.has(host)) names.add(`.${name}`);
    else if (!name.startsWith("*.")) names.add(name);
  }
  return {
    network: { outbound: present({ allow_host: [...names], allow_port: ports.size === 0 ? undefined : [...ports] }) },
  };
}

function readTools(document: JsonObject): NonNullable<EntryInput["tools"]> {
  const known = new Map(readToolList(objects(document, "tool_definitions")).map((tool) => [tool.name, tool]));
  const names = texts(document, "tools", 1000, 200);
  return [...new Set([...names, ...known.keys()])].slice(0, 1000).map((name) => known.get(name) ?? { name });
}

function writeEnv({ env, secrets, config }: ServerEntry): JsonObject[] | undefined {
  const required = texts(config, "required");
  const plain = Object.entries(env).map(([name, value]) => {
    const property = object(object(config, "properties"), name);
    const preset = value === `{{${name}}}` ? text(property, "default", 4000) : value;
    return present({
      name,
      description: text(property, "description"),
      required: required.includes(name),
      default: preset,
    });
  });
  const secret = secrets.flatMap(({ env: name, description, required: isRequired }) =>
    name === undefined ? [] : [present({ name, description, required: isRequired, secret: true })],
  );
  const list = [...plain, ...secret];
  return list.length === 0 ? undefined : list;
}

function writeRemoteHeaders({ secrets }: ServerEntry): JsonObject[] | undefined {
  const list = secrets.flatMap(({ header, description, required }) =>
    header === undefined ? [] : [present({ name: header.name, description, required, secret: true })],
  );
  return list.length === 0 ? undefined : list;
}

function writeOauth({ remote }: ServerEntry): JsonObject | undefined {
  if (remote?.oauth === undefined) return undefined;
  const { issuer, scopes } = remote.oauth;
  return present({ issuer, scopes: scopes.length === 0 ? undefined : [...scopes] });
}
