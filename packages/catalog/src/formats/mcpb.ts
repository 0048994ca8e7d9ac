// manifest.json of an MCP bundle, 0.1 to 0.4 (MANIFEST.md of modelcontextprotocol/mcpb).
import type { ServerEntry } from "@pratique/contracts";
import type { Json, JsonObject } from "@pratique/core";
import { flag, object, objects, present, slug, text, texts } from "../loose.ts";
import type { EntryFormat, EntryInput } from "./entry-format.ts";
import { readToolList } from "./tool-list.ts";

const USER_CONFIG = /\$\{user_config\.([^}]+)\}/g;

export const mcpb: EntryFormat = {
  id: "mcpb",
  read(manifest, origin) {
    const name = slug(text(manifest, "name", 200) ?? "server");
    const options = object(manifest, "user_config") ?? {};
    const start = linuxStart(object(object(manifest, "server"), "mcp_config"));
    const secrets: NonNullable<EntryInput["secrets"]> = [];
    const env: Record<string, string> = {};
    for (const [variable, value] of Object.entries(object(start, "env") ?? {})) {
      if (typeof value !== "string" || value.length > 7900 || variable.length > 200) continue;
      const names = namesIn(value);
      const secret = names.find((one) => flag(object(options, one), "sensitive") === true);
      if (secret === undefined) env[variable] = filled(value);
      else secrets.push(readSecret(`${name}.${secret}`, variable, object(options, secret)));
    }
    // Its first words start it: the image that it becomes has its own.
    const asked = texts(start, "args").filter((one) => namesIn(one).length > 0);
    const command = asked.filter(
      (one) => !namesIn(one).some((key) => flag(object(options, key), "sensitive") === true),
    );
    const config = readConfig(options);
    const [title, description, version, website, repository, licence] = [
      text(manifest, "display_name", 200),
      text(manifest, "description", 5000),
      text(manifest, "version", 255),
      text(manifest, "homepage"),
      text(object(manifest, "repository"), "url"),
      text(manifest, "license", 200),
    ];
    return {
      name,
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description }),
      ...(version === undefined ? {} : { version }),
      ...(website === undefined ? {} : { website }),
      ...(repository === undefined ? {} : { repository }),
      ...(licence === undefined ? {} : { licence }),
      ...(origin?.source === undefined ? {} : { source: origin.source }),
      ...(command.length === 0 ? {} : { image: { reference: "", command: command.map(filled) } }),
      env,
      secrets: secrets.slice(0, 100),
      ...(config === undefined ? {} : { config }),
      tags: texts(manifest, "keywords", 100, 200),
      network: { hosts: [], unstated: true },
      tools: readToolList(objects(manifest, "tools")),
    };
  },
  write(entry) {
    return present({
      name: entry.name,
      display_name: entry.title,
      version: entry.version,
      description: entry.description,
      homepage: entry.website,
      repository: entry.repository === undefined ? undefined : { type: "git", url: entry.repository },
      license: entry.licence,
      keywords: entry.tags.length === 0 ? undefined : [...entry.tags],
      tools:
        entry.tools.length === 0
          ? undefined
          : entry.tools.map(({ name, description }) => present({ name, description })),
      server: { mcp_config: present({ args: writeArgs(entry), env: writeEnv(entry) }) },
      user_config: writeConfig(entry),
    });
  },
};

function linuxStart(config: JsonObject | undefined): JsonObject {
  const linux = object(object(config, "platform_overrides"), "linux");
  return present({ ...config, ...linux, env: { ...object(config, "env"), ...object(linux, "env") } });
}

function namesIn(value: string): string[] {
  return [...value.matchAll(USER_CONFIG)].map(([, name = ""]) => name);
}

function filled(value: string): string {
  return value.replace(USER_CONFIG, "{{$1}}");
}

function readSecret(
  name: string,
  env: string,
  option: JsonObject | undefined,
): NonNullable<EntryInput["secrets"]>[number] {
  const description = text(option, "description") ?? text(option, "title");
  return {
    name: name.slice(0, 200),
    env,
    ...(description === undefined ? {} : { description }),
    required: flag(option, "required") === true,
  };
}

function readConfig(options: JsonObject): EntryInput["config"] {
  const properties = new Map<string, NonNullable<EntryInput["config"]>>();
  const required: string[] = [];
  for (const [key] of Object.entries(options)) {
    const option = object(options, key);
    if (option === undefined || flag(option, "sensitive") === true) continue;
    const kind = text(option, "type") ?? "string";
    const type = kind === "number" || kind === "boolean" ? kind : "string";
    const [title, description] = [text(option, "title", 500), text(option, "description")];
    const preset = plain(option["default"]);
    const [minimum, maximum] = [option["min"], option["max"]];
    properties.set(key, {
      ...(flag(option, "multiple") === true ? { type: "array", items: { type } } : { type }),
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description }),
      // A folder of somebody's machine is none in an image.
      ...(preset === undefined || kind === "directory" || kind === "file" ? {} : { default: preset }),
      ...(typeof minimum === "number" ? { minimum } : {}),
      ...(typeof maximum === "number" ? { maximum } : {}),
    });
    if (flag(option, "required") === true) required.push(key);
  }
  if (properties.size === 0) return undefined;
  return { type: "object", properties: Object.fromEntries(properties), ...(required.length === 0 ? {} : { required }) };
}

type Plain = NonNullable<EntryInput["config"]>[string];

function plain(value: Json | undefined): Plain | undefined {
  if (value === undefined || value === null) return undefined;
  const json: Plain = JSON.parse(JSON.stringify(value));
  return json;
}

function writeArgs({ image }: ServerEntry): string[] | undefined {
  return image?.command?.map(written);
}

function writeEnv({ name, env, secrets }: ServerEntry): JsonObject | undefined {
  const pairs: [string, string][] = Object.entries(env).map(([key, value]) => [key, written(value)]);
  for (const secret of secrets) {
    if (secret.env !== undefined) pairs.push([secret.env, `\${user_config.${secretKey(name, secret.name)}}`]);
  }
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}

function written(value: string): string {
  return value.replace(/\{\{([^{}]+)\}\}/g, "${user_config.$1}");
}

function secretKey(server: string, secret: string): string {
  return secret.startsWith(`${server}.`) ? secret.slice(server.length + 1) : secret;
}

function writeConfig({ name, config, secrets }: ServerEntry): JsonObject | undefined {
  const required = texts(config, "required");
  const options = new Map<string, JsonObject>();
  for (const key of Object.keys(object(config, "properties") ?? {})) {
    const property = object(object(config, "properties"), key);
    const isList = text(property, "type") === "array";
    options.set(
      key,
      present({
        type: text(isList ? object(property, "items") : property, "type") ?? "string",
        title: text(property, "title", 500),
        description: text(property, "description"),
        required: required.includes(key) ? true : undefined,
        multiple: isList ? true : undefined,
        default: property?.["default"],
        min: property?.["minimum"],
        max: property?.["maximum"],
      }),
    );
  }
  for (const secret of secrets) {
    const { description } = secret;
    options.set(
      secretKey(name, secret.name),
      present({ type: "string", description, required: secret.required ? true : undefined, sensitive: true }),
    );
  }
  return options.size === 0 ? undefined : Object.fromEntries(options);
}
