// What Docker's two forms of a server have in common, and how it is said in an entry.
import type { EntrySecret, EntryTool, ServerEntry } from "@pratique/contracts";
import type { Json, JsonObject } from "@pratique/core";
import { flag, object, present, slug, text, texts } from "../loose.ts";
import { fromDockerTemplate, fromDockerVolume, toDockerTemplate } from "../template.ts";
import type { EntryInput } from "./entry-format.ts";
import { hostOfUrl, imageOf, splitImage, withPort } from "./places.ts";
import { readToolList, writeToolList } from "./tool-list.ts";

/** The places of both forms: `server.yaml` has them in sections, a catalog's tile side by side. */
export interface DockerParts {
  readonly name: string;
  readonly image?: string | undefined;
  readonly run: JsonObject | undefined;
  readonly secrets: readonly JsonObject[];
  readonly env: readonly JsonObject[];
  readonly remote: JsonObject | undefined;
  readonly schema: JsonObject | undefined;
  readonly hasOauth: boolean;
  readonly scopes: readonly string[];
  readonly tools: readonly JsonObject[];
  /** Each tool is a container of its own. */
  readonly isPoci: boolean;
}

export function readDockerParts(parts: DockerParts): EntryInput {
  const { name, image, run, schema } = parts;
  const config = schema === undefined ? undefined : withoutNames(schema);
  const remote = text(parts.remote, "url");
  const command = texts(run, "command").map((one) => fromDockerTemplate(one, name));
  const user = text(run, "user", 100);
  const headers = readHeaders(object(parts.remote, "headers"), parts.secrets, name);
  const secrets = parts.secrets.map((secret) => readSecret(secret, headers)).filter((one) => one !== undefined);
  return {
    name: slug(name),
    ...(image === undefined || parts.isPoci
      ? {}
      : {
          image: {
            ...splitImage(image),
            ...(command.length === 0 ? {} : { command }),
            ...(user === undefined ? {} : { user }),
          },
        }),
    ...(remote === undefined
      ? {}
      : {
          remote: {
            url: remote,
            transport: text(parts.remote, "transport_type") === "sse" ? "sse" : "streamable-http",
            headers: headers.plain,
            ...(parts.hasOauth ? { oauth: { scopes: [...parts.scopes] } } : {}),
          },
        }),
    env: readEnv([...parts.env, ...runEnv(run)], name),
    secrets: secrets.slice(0, 100),
    ...(config === undefined ? {} : { config }),
    volumes: texts(run, "volumes", 50, 900).map((one) => fromDockerVolume(one, name)),
    network: readNetwork(run, remote),
    tools: readToolList(parts.tools),
  };
}

function readNetwork(run: JsonObject | undefined, remote: string | undefined): EntryInput["network"] {
  const hosts = texts(run, "allowHosts", 200, 290).map(withPort);
  if (remote !== undefined) return { hosts: [...new Set([...hostOfUrl(remote), ...hosts])] };
  if (flag(run, "disableNetwork") === true) return { hosts: [] };
  return hosts.length > 0 ? { hosts } : { hosts: [], unstated: true };
}

function runEnv(run: JsonObject | undefined): JsonObject[] {
  return Object.entries(object(run, "env") ?? {}).map(([name, value]) => present({ name, value }));
}

function readEnv(list: readonly JsonObject[], server: string): Record<string, string> {
  const env = new Map<string, string>();
  for (const one of list) {
    const [name, value] = [text(one, "name", 200), one["value"]];
    if (name !== undefined && typeof value === "string" && value.length <= 7900) {
      env.set(name, fromDockerTemplate(value, server));
    }
  }
  return Object.fromEntries(env);
}

interface Headers {
  readonly plain: Record<string, string>;
  /** By the environment variable that the header's value names. */
  readonly secret: ReadonlyMap<string, { readonly name: string; readonly value: string }>;
}

function readHeaders(from: JsonObject | undefined, secrets: readonly JsonObject[], server: string): Headers {
  const plain: Record<string, string> = {};
  const secret = new Map<string, { name: string; value: string }>();
  const known = new Set(secrets.map((one) => text(one, "env")));
  for (const [name, value] of Object.entries(from ?? {})) {
    if (typeof value !== "string" || value.length > 3900 || name.length > 200) continue;
    const [placeholder, variable] = /\$\{([^}]+)\}/.exec(value) ?? [];
    if (placeholder !== undefined && variable !== undefined && known.has(variable) && value.length <= 500) {
      secret.set(variable, { name, value: value.replace(placeholder, "{}") });
    } else plain[name] = fromDockerTemplate(value, server);
  }
  return { plain, secret };
}

function readSecret(
  secret: JsonObject,
  headers: Headers,
): EntryInput["secrets"] extends (infer S)[] | undefined ? S | undefined : never {
  const [name, env] = [text(secret, "name", 200), text(secret, "env", 200)];
  if (name === undefined) return undefined;
  const description = text(secret, "description");
  const header = env === undefined ? undefined : headers.secret.get(env);
  return {
    name,
    ...(env === undefined ? {} : { env }),
    ...(header === undefined ? {} : { header }),
    ...(description === undefined ? {} : { description }),
    // Docker's own reading of a secret that does not say it.
    required: flag(secret, "required") ?? false,
  };
}

/** A tile's `config` repeats name and description of the server. */
function withoutNames(schema: JsonObject): NonNullable<EntryInput["config"]> {
  const json: NonNullable<EntryInput["config"]> = JSON.parse(JSON.stringify(schema));
  return json;
}

export interface DockerWords {
  readonly image: string | undefined;
  readonly run: JsonObject;
  readonly secrets: JsonObject[];
  readonly env: JsonObject[];
  readonly remote: JsonObject | undefined;
  readonly schema: JsonObject | undefined;
  readonly scopes: readonly string[];
  readonly tools: JsonObject[];
  readonly type: "server" | "remote";
}

export function writeDockerWords(entry: ServerEntry): DockerWords {
  const { name, image, remote, network } = entry;
  const template = (value: string): string => toDockerTemplate(value, name);
  const command = image?.command?.map(template);
  const hosts = network.unstated === true || remote !== undefined ? [] : network.hosts;
  return {
    image: image === undefined ? undefined : imageOf(image),
    run: present({
      command,
      volumes: entry.volumes.length === 0 ? undefined : entry.volumes.map(template),
      user: image?.user,
      disableNetwork: network.unstated !== true && hosts.length === 0 && remote === undefined ? true : undefined,
      allowHosts: hosts.length === 0 ? undefined : [...hosts],
    }),
    secrets: entry.secrets.map(writeSecret),
    env: Object.entries(entry.env).map(([variable, value]) => ({ name: variable, value: template(value) })),
    remote:
      remote === undefined
        ? undefined
        : present({ transport_type: remote.transport, url: remote.url, headers: writeHeaders(entry) }),
    schema: entry.config,
    scopes: remote?.oauth?.scopes ?? [],
    tools: writeToolList(entry.tools satisfies readonly EntryTool[]),
    type: remote === undefined ? "server" : "remote",
  };
}

function writeSecret({ name, env, description, required }: EntrySecret): JsonObject {
  return present({ name, env, description, required: required ? true : undefined });
}

function writeHeaders({ remote, secrets, name }: ServerEntry): Json | undefined {
  const headers: Record<string, string> = {};
  for (const [header, value] of Object.entries(remote?.headers ?? {})) headers[header] = toDockerTemplate(value, name);
  for (const { header, env } of secrets) {
    if (header !== undefined && env !== undefined) headers[header.name] = header.value.replace("{}", `\${${env}}`);
  }
  return Object.keys(headers).length === 0 ? undefined : headers;
}
