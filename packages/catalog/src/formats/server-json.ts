// server.json of the official registry (schema 2025-12-11), every package type and remotes.
import type { ServerEntry } from "@pratique/contracts";
import { isJsonObject, type JsonObject } from "@pratique/core";
import { object, objects, present, slug, text } from "../loose.ts";
import type { EntryFormat, EntryInput } from "./entry-format.ts";
import { Asked, inputsOf, writeAddress, writeArguments, writeHeaders, writeVariables } from "./inputs.ts";
import { hostOfUrl, imageOf, splitImage } from "./places.ts";

export const SERVER_JSON_SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";
/** Publishers put what is theirs under this key of `_meta`; ours is in it. */
export const PUBLISHER_META = "io.modelcontextprotocol.registry/publisher-provided";

/** Best first: an image runs as it is, npm, PyPI and bundles are packed; cargo and nuget are kept and cannot be run. */
const PREFERRED = ["oci", "npm", "pypi", "mcpb"];

export const serverJson: EntryFormat = {
  id: "server-json",
  read(document, origin) {
    const registryName = text(document, "name", 200) ?? "server";
    const name = slug(registryName.slice(registryName.lastIndexOf("/") + 1));
    const chosen = choose(objects(document, "packages", 100));
    const asked = new Asked(name);
    const remote = chosen === undefined ? readRemote(objects(document, "remotes", 100), asked) : undefined;
    const packaged = chosen === undefined ? {} : readPackage(chosen, asked);
    const source = packaged.source === undefined ? undefined : (origin?.source ?? packaged.source);
    const [icon] = objects(document, "icons");
    const [title, description, version, website, repository, iconUrl] = [
      text(document, "title", 200),
      text(document, "description", 5000),
      text(document, "version", 255),
      text(document, "websiteUrl"),
      text(object(document, "repository"), "url"),
      text(icon, "src"),
    ];
    const { config, env } = asked;
    return {
      name,
      registryName,
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description }),
      ...(version === undefined ? {} : { version }),
      ...(website === undefined ? {} : { website }),
      ...(repository === undefined ? {} : { repository }),
      ...(iconUrl === undefined ? {} : { icon: iconUrl }),
      ...packaged,
      ...(source === undefined ? {} : { source }),
      ...(remote === undefined ? {} : { remote }),
      env,
      secrets: asked.secrets.slice(0, 100),
      ...(config === undefined ? {} : { config }),
      network: remote === undefined ? { hosts: [], unstated: true } : { hosts: hostOfUrl(remote.url) },
    };
  },
  write(entry) {
    return present({
      $schema: SERVER_JSON_SCHEMA,
      name: registryNameOf(entry),
      title: entry.title?.slice(0, 100),
      description: shortDescription(entry),
      version: exactVersionOf(entry),
      websiteUrl: entry.website,
      repository: writeRepository(entry.repository),
      icons: entry.icon === undefined ? undefined : [{ src: entry.icon }],
      packages: writePackages(entry),
      remotes: writeRemotes(entry),
    });
  },
};

/** Reverse-DNS/name, under a name that nobody can prove where the entry has none. */
export function registryNameOf({ name, registryName }: ServerEntry): string {
  return registryName ?? `dev.pratique.local/${name}`;
}

/** The schema takes an exact version only. */
export function exactVersionOf({ version }: ServerEntry): string {
  return version === undefined || version === "latest" || /^[\^~<>=]|[*]|\s/.test(version) ? "0.0.0" : version;
}

function shortDescription({ description, title, name }: ServerEntry): string {
  const line = (description ?? title ?? name).replace(/\s+/g, " ").trim();
  return line.length <= 100 ? line || name : `${line.slice(0, 99)}…`;
}

function writeRepository(url: string | undefined): JsonObject | undefined {
  if (url === undefined) return undefined;
  const source = /^https:\/\/(github|gitlab)\.com\//.exec(url)?.[1] ?? "other";
  return { url, source };
}

function choose(packages: readonly JsonObject[]): JsonObject | undefined {
  for (const type of PREFERRED) {
    const found = packages.find((one) => text(one, "registryType") === type && text(one, "identifier") !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

function readPackage(chosen: JsonObject, asked: Asked): Partial<EntryInput> {
  const [type, identifier = "", version] = [
    text(chosen, "registryType"),
    text(chosen, "identifier", 2048),
    text(chosen, "version", 255),
  ];
  for (const variable of inputsOf(chosen, "environmentVariables")) asked.variable(variable);
  inputsOf(chosen, "packageArguments").forEach((argument, at) => asked.argument(argument, at));
  const transport = readTransport(object(chosen, "transport"));
  const command = asked.command.filter((one) => one.length <= 4000).slice(0, 200);
  const started = command.length === 0 ? {} : { command };
  switch (type) {
    case "oci": {
      const hasTag = /:[^/]+$|@sha256:/.test(identifier);
      const image = splitImage(hasTag || version === undefined ? identifier : `${identifier}:${version}`);
      return { image: { ...image, ...started }, ...transport };
    }
    case "npm":
      return { source: `npm:${identifier}@${version ?? ""}`, ...transport, ...withCommand(started) };
    case "pypi":
      return { source: `pypi:${identifier}==${version ?? ""}`, ...transport, ...withCommand(started) };
    default:
      return { source: `mcpb:${identifier}`, ...transport, ...withCommand(started) };
  }
}

/** Where it is packed from is known, where to is not: the name of the image comes with the packing. */
function withCommand(started: { command?: string[] }): Partial<EntryInput> {
  return started.command === undefined ? {} : { image: { reference: "", ...started } };
}

function readTransport(transport: JsonObject | undefined): Partial<EntryInput> {
  const type = text(transport, "type");
  if (type !== "streamable-http" && type !== "sse") return {};
  const url = text(transport, "url", 2048) ?? "";
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const port = Number(parsed?.port === "" ? (parsed.protocol === "https:" ? 443 : 80) : parsed?.port);
  if (parsed === undefined || !Number.isInteger(port) || port < 1 || parsed.pathname.length > 500) return {};
  return { transport: { type, port, path: parsed.pathname } };
}

function readRemote(remotes: readonly JsonObject[], asked: Asked): EntryInput["remote"] {
  const remote = remotes.find((one) => text(one, "type") === "streamable-http") ?? remotes[0];
  const address = text(remote, "url", 2000);
  if (remote === undefined || address === undefined) return undefined;
  for (const header of inputsOf(remote, "headers")) asked.header(header);
  const url = asked.address(address, object(remote, "variables")).slice(0, 2000);
  return { url, transport: text(remote, "type") === "sse" ? "sse" : "streamable-http", headers: asked.headers };
}

function writePackages(entry: ServerEntry): JsonObject[] | undefined {
  const { image, source, config } = entry;
  const identity =
    image !== undefined && image.reference !== ""
      ? { registryType: "oci", identifier: imageOf(image) }
      : fromSource(source);
  if (identity === undefined) return undefined;
  const variables = writeVariables(entry.env, entry.secrets, config);
  const commands = writeArguments(image?.command ?? [], config);
  return [
    present({
      ...identity,
      transport: writeTransport(entry),
      packageArguments: commands.length === 0 ? undefined : commands,
      environmentVariables: variables.length === 0 ? undefined : variables,
    }),
  ];
}

function fromSource(source: string | undefined): JsonObject | undefined {
  const [, type, rest = ""] = /^(npm|pypi|mcpb):(.*)$/s.exec(source ?? "") ?? [];
  if (type === undefined) return undefined;
  if (type === "mcpb") return { registryType: "mcpb", identifier: rest };
  const [, identifier, version] = (type === "npm" ? /^(.+)@([^@]*)$/s : /^(.+?)==(.*)$/s).exec(rest) ?? [];
  if (identifier === undefined) return undefined;
  return present({ registryType: type, identifier, version: version === "" ? undefined : version });
}

function writeTransport({ transport }: ServerEntry): JsonObject {
  if (transport.type === "stdio") return { type: "stdio" };
  return { type: transport.type, url: `http://localhost:${transport.port}${transport.path}` };
}

function writeRemotes({ remote, secrets, config }: ServerEntry): JsonObject[] | undefined {
  if (remote === undefined) return undefined;
  const headers = writeHeaders(remote.headers, secrets);
  return [
    present({
      type: remote.transport,
      ...writeAddress(remote.url, config),
      headers: headers.length === 0 ? undefined : headers,
    }),
  ];
}

/** What the publisher says of it to others that know him. */
export function publisherMeta(document: JsonObject): JsonObject | undefined {
  const meta = object(document, "_meta");
  const publisher = meta?.[PUBLISHER_META];
  return isJsonObject(publisher) ? publisher : undefined;
}
