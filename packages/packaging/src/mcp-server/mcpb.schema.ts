// manifest.json of an MCP bundle, versions 0.1 to 0.4 (MANIFEST.md of modelcontextprotocol/mcpb).
import { parseJson } from "@pratique/core";
import { z } from "zod";
import { packagingErrors } from "../errors.ts";

export const LIMIT_MANIFEST = 1024 * 1024;
const VERSIONS: readonly string[] = ["0.1", "0.2", "0.3", "0.4"];

const Start = z.looseObject({
  command: z.string().max(1024).optional(),
  args: z.array(z.string().max(8192)).max(200).optional(),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string().max(8192)).optional(),
});

const Option = z.looseObject({
  type: z.enum(["string", "number", "boolean", "directory", "file"]),
  title: z.string().optional(),
  description: z.string().optional(),
  required: z.boolean().optional(),
  sensitive: z.boolean().optional(),
  multiple: z.boolean().optional(),
  default: z.union([z.string(), z.number(), z.boolean(), z.array(z.string()).max(100)]).optional(),
});
export type McpbOption = z.infer<typeof Option>;

const Manifest = z.looseObject({
  manifest_version: z.string().optional(),
  /** Its name before it was called MCPB. */
  dxt_version: z.string().optional(),
  name: z.string().min(1).max(200),
  display_name: z.string().optional(),
  version: z.string().min(1).max(255),
  description: z.string(),
  license: z.string().max(200).optional(),
  server: z.looseObject({
    type: z.enum(["node", "python", "binary", "uv"]),
    entry_point: z.string().min(1).max(1024),
    mcp_config: Start.extend({ platform_overrides: z.record(z.string(), Start).optional() }).optional(),
  }),
  compatibility: z.looseObject({ platforms: z.array(z.string()).optional() }).optional(),
  user_config: z.record(z.string().max(200), Option).optional(),
});

export interface McpbManifest {
  readonly name: string;
  readonly displayName: string | undefined;
  readonly version: string;
  readonly description: string;
  readonly licence: string | undefined;
  readonly type: "node" | "python" | "binary" | "uv";
  readonly entryPoint: string;
  /** With what Linux overrides; a bundle of type `uv` may have none. */
  readonly start: z.infer<typeof Start>;
  readonly userConfig: Readonly<Record<string, McpbOption>>;
}

/** @throws `mcpb.invalid` with the field */
export function parseMcpbManifest(bytes: Uint8Array, path: string): McpbManifest {
  const invalid = (reason: string): Error => packagingErrors("mcpb.invalid", { path, reason });
  const result = Manifest.safeParse(parseJson(Buffer.from(bytes).toString("utf8"), "manifest.json"));
  if (!result.success) {
    const [issue] = result.error.issues;
    throw invalid(`${issue?.path.map(String).join(".") ?? ""}: ${issue?.message ?? "wrong shape"}`);
  }
  const { server, ...manifest } = result.data;
  const version = manifest.manifest_version ?? manifest.dxt_version;
  if (version === undefined || !VERSIONS.includes(version)) throw invalid(`its version is ${version ?? "not stated"}`);
  if (server.type === "uv" && version !== "0.4") throw invalid("servers of type uv came with version 0.4");
  if (server.mcp_config === undefined && server.type !== "uv") throw invalid("server.mcp_config is missing");
  const { platforms } = manifest.compatibility ?? {};
  if (platforms !== undefined && !platforms.includes("linux")) throw invalid(`it is for ${platforms.join(", ")} only`);
  const { platform_overrides, ...common } = server.mcp_config ?? {};
  const linux = platform_overrides?.["linux"];
  const start = { ...common, ...linux, env: { ...common.env, ...linux?.env } };
  const { name, display_name: displayName, description, license: licence, user_config: userConfig = {} } = manifest;
  const entryPoint = server.entry_point.replace(/^\.\//, "");
  const { type } = server;
  return { name, displayName, version: manifest.version, description, licence, type, entryPoint, start, userConfig };
}
