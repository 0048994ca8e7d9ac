// server.json: what an MCP server says of itself (registry schemas 2025-07-09 to 2025-12-11), and the catalog's verdicts in its `_meta`.
import { z } from "zod";
import { isJsonObject, parseJson, type Json } from "@pratique/core";
import { packagingErrors } from "../errors.ts";

/** `_meta` key under which the catalog's verdict on each tool stands. It wins over what the server claims. */
export const TOOLS_META_KEY = "dev.pratique/tools";
export const LIMIT_SERVER_JSON = 256 * 1024;
export const SERVER_SCHEMA = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";

const ToolVerdict = z.strictObject({
  readOnly: z.boolean().optional(),
  destructive: z.boolean().optional(),
});

export interface ToolVerdicts {
  readonly [tool: string]: { readonly readOnly?: boolean; readonly destructive?: boolean };
}

const Input = z.looseObject({
  description: z.string().optional(),
  isRequired: z.boolean().optional(),
  isSecret: z.boolean().optional(),
  value: z.string().optional(),
  default: z.string().optional(),
  variables: z.record(z.string(), z.looseObject({})).optional(),
});

const EnvironmentVariable = Input.extend({ name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/) });

const Argument = Input.extend({
  type: z.string().optional(),
  name: z.string().max(200).optional(),
});

const TransportShape = z.looseObject({ type: z.string(), url: z.string().max(2048).optional() });

const Package = z.looseObject({
  registryType: z.string().optional(),
  registryBaseUrl: z.string().max(2048).optional(),
  identifier: z.string().max(2048).optional(),
  version: z.string().max(255).optional(),
  fileSha256: z
    .string()
    .regex(/^[a-f0-9]{64}$/)
    .optional(),
  runtimeHint: z.string().optional(),
  transport: TransportShape.optional(),
  runtimeArguments: z.array(Argument).max(100).optional(),
  packageArguments: z.array(Argument).max(100).optional(),
  environmentVariables: z.array(EnvironmentVariable).max(1000).optional(),
});
export type ServerPackage = z.infer<typeof Package>;

const Remote = z.looseObject({ type: z.string(), url: z.string().max(2048) });

const ServerJsonShape = z.looseObject({
  $schema: z.string().optional(),
  name: z
    .string()
    .min(3)
    .max(200)
    .regex(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/, "must be reverse-DNS/name, such as com.example/weather"),
  title: z.string().min(1).max(100).optional(),
  description: z.string().min(1).max(100),
  version: z
    .string()
    .min(1)
    .max(255)
    .refine((version) => version !== "latest" && !/^[\^~<>=]|[*]|\s/.test(version), "must be one exact version"),
  packages: z.array(Package).max(100).optional(),
  remotes: z.array(Remote).max(100).optional(),
  _meta: z.looseObject({ [TOOLS_META_KEY]: z.record(z.string(), ToolVerdict).optional() }).optional(),
});

export interface ServerJson {
  readonly name: string;
  readonly title: string | undefined;
  readonly description: string;
  readonly version: string;
  readonly tools: ToolVerdicts;
  /** Plain environment variables of the first package that have a value; secrets are never taken from the file. */
  readonly env: Readonly<Record<string, string>>;
  readonly packages: readonly ServerPackage[];
  readonly remotes: readonly { readonly type: string; readonly url: string }[];
}

/** @throws `mcp-server.invalid` with the field */
export function parseServerJson(bytes: Uint8Array, path = "server.json"): ServerJson {
  let json: unknown;
  try {
    json = parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes), path);
  } catch (cause) {
    throw packagingErrors("mcp-server.invalid", { path, reason: "it is not JSON" }, { cause });
  }
  const result = ServerJsonShape.safeParse(inNewNames(json));
  if (!result.success) {
    const issue = result.error.issues[0];
    const at = issue === undefined || issue.path.length === 0 ? "" : `${issue.path.map(String).join(".")}: `;
    throw packagingErrors("mcp-server.invalid", { path, reason: `${at}${issue?.message ?? "wrong shape"}` });
  }
  const { name, title, description, version, packages = [], remotes = [], _meta } = result.data;
  const verdicts = Object.entries(_meta?.[TOOLS_META_KEY] ?? {}).map(([tool, { readOnly, destructive }]) => [
    tool,
    { ...(readOnly === undefined ? {} : { readOnly }), ...(destructive === undefined ? {} : { destructive }) },
  ]);
  const tools: ToolVerdicts = Object.fromEntries(verdicts);
  const env = plainEnvironment(packages[0]);
  return { name, title, description, version, tools, env, packages, remotes };
}

/** Variables that have a value and are no secret. A value with `{placeholders}` has to be asked for, and is left out. */
export function plainEnvironment(from: ServerPackage | undefined): Record<string, string> {
  const env: Record<string, string> = {};
  for (const variable of from?.environmentVariables ?? []) {
    const value = plainValue(variable);
    if (value !== undefined) env[variable.name] = value;
  }
  return env;
}

/** Arguments that are the same for everybody, in order. */
export function plainArguments(list: ServerPackage["packageArguments"]): string[] {
  return (list ?? []).flatMap((argument) => {
    const value = plainValue(argument);
    if (argument.type !== "named") return value === undefined ? [] : [value];
    if (argument.name === undefined) return [];
    // A flag without a value of its own, and one whose value has to be asked for.
    if (value === undefined) return argument.isRequired !== true && !hasValue(argument) ? [argument.name] : [];
    return [argument.name, value];
  });
}

type Input = z.infer<typeof Input>;

const hasValue = ({ value, default: preset, variables }: Input): boolean =>
  value !== undefined || preset !== undefined || variables !== undefined;

function plainValue(input: Input): string | undefined {
  const value = input.value ?? input.default;
  if (value === undefined || input.isSecret === true) return undefined;
  return input.variables !== undefined && /\{[^}]+\}/.test(value) ? undefined : value;
}

/** The first published schema (2025-07-09) wrote `registry_type` and `is_required`. */
const OLD_NAMES: ReadonlyMap<string, string> = new Map(
  [
    "registryType",
    "registryBaseUrl",
    "fileSha256",
    "runtimeHint",
    "runtimeArguments",
    "packageArguments",
    "environmentVariables",
    "isRequired",
    "isSecret",
    "isRepeated",
    "valueHint",
  ].map((name) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), name]),
);

function inNewNames(json: unknown): unknown {
  if (!isJsonObject(json) || !("packages" in json)) return json;
  return { ...json, packages: renamed(json["packages"] ?? null, 0) };
}

function renamed(value: Json, depth: number): Json {
  if (depth > 8) return value;
  if (Array.isArray(value)) return value.map((item) => renamed(item, depth + 1));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [OLD_NAMES.get(key) ?? key, renamed(item ?? null, depth + 1)]),
  );
}
