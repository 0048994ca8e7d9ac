// server.json: what an MCP server says of itself (registry schema 2025-12-11), and the catalog's verdicts in its `_meta`.
import { z } from "zod";
import { parseJson } from "@pratique/core";
import { packagingErrors } from "../errors.ts";

/** `_meta` key under which the catalog's verdict on each tool stands. It wins over what the server claims. */
export const TOOLS_META_KEY = "dev.pratique/tools";
export const LIMIT_SERVER_JSON = 256 * 1024;

const ToolVerdict = z.strictObject({
  readOnly: z.boolean().optional(),
  destructive: z.boolean().optional(),
});

export interface ToolVerdicts {
  readonly [tool: string]: { readonly readOnly?: boolean; readonly destructive?: boolean };
}

const EnvironmentVariable = z.looseObject({
  name: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/),
  value: z.string().optional(),
  default: z.string().optional(),
  isSecret: z.boolean().optional(),
});

const Package = z.looseObject({ environmentVariables: z.array(EnvironmentVariable).optional() });

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
  packages: z.array(Package).optional(),
  _meta: z.looseObject({ [TOOLS_META_KEY]: z.record(z.string(), ToolVerdict).optional() }).optional(),
});

export interface ServerJson {
  readonly name: string;
  readonly title: string | undefined;
  readonly description: string;
  readonly version: string;
  readonly tools: ToolVerdicts;
  /** Plain environment variables that have a value; secrets are never taken from the file. */
  readonly env: Readonly<Record<string, string>>;
}

/** @throws `mcp-server.invalid` with the field */
export function parseServerJson(bytes: Uint8Array, path = "server.json"): ServerJson {
  let json: unknown;
  try {
    json = parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes), path);
  } catch (cause) {
    throw packagingErrors("mcp-server.invalid", { path, reason: "it is not JSON" }, { cause });
  }
  const result = ServerJsonShape.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0];
    const at = issue === undefined || issue.path.length === 0 ? "" : `${issue.path.map(String).join(".")}: `;
    throw packagingErrors("mcp-server.invalid", { path, reason: `${at}${issue?.message ?? "wrong shape"}` });
  }
  const { name, title, description, version, packages, _meta } = result.data;
  const env: Record<string, string> = {};
  for (const variable of packages?.[0]?.environmentVariables ?? []) {
    const value = variable.value ?? variable.default;
    if (value !== undefined && variable.isSecret !== true) env[variable.name] = value;
  }
  const verdicts = Object.entries(_meta?.[TOOLS_META_KEY] ?? {}).map(([tool, { readOnly, destructive }]) => [
    tool,
    { ...(readOnly === undefined ? {} : { readOnly }), ...(destructive === undefined ? {} : { destructive }) },
  ]);
  const tools: ToolVerdicts = Object.fromEntries(verdicts);
  return { name, title, description, version, tools, env };
}
