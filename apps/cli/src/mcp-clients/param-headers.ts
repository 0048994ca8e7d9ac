// Headers that revision 2026-07-28 wants of a message over HTTP and that a message over standard streams does not have.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";

const VERSION_KEY = "io.modelcontextprotocol/protocolVersion";
const TOOLS_LIMIT = 20_000;

/** The revision that a message says it is of; undefined for the older ones, which say so once. */
export function versionIn(message: JsonObject): string | undefined {
  const { params } = message;
  const meta = isJsonObject(params) ? params["_meta"] : undefined;
  const version = isJsonObject(meta) ? meta[VERSION_KEY] : undefined;
  return typeof version === "string" ? version : undefined;
}

/** Learns from lists of tools which arguments belong into headers as well (`x-mcp-header`). */
export class ParamHeaders {
  readonly #byTool = new Map<string, readonly (readonly [argument: string, header: string])[]>();

  learn(message: JsonObject): void {
    const { result } = message;
    const tools = isJsonObject(result) ? result["tools"] : undefined;
    for (const tool of Array.isArray(tools) ? (tools as readonly Json[]) : []) {
      if (!isJsonObject(tool) || typeof tool["name"] !== "string") continue;
      const schema = tool["inputSchema"];
      const properties = isJsonObject(schema) ? schema["properties"] : undefined;
      const marked = Object.entries(isJsonObject(properties) ? properties : {}).flatMap(([argument, property]) => {
        const header = isJsonObject(property) ? property["x-mcp-header"] : undefined;
        return typeof header === "string" && /^[A-Za-z0-9-]{1,100}$/.test(header) ? [[argument, header] as const] : [];
      });
      if (this.#byTool.size < TOOLS_LIMIT) this.#byTool.set(tool["name"], marked);
    }
  }

  of(message: JsonObject): Record<string, string> {
    const { method, params } = message;
    const version = versionIn(message);
    if (version === undefined || typeof method !== "string") return {};
    const headers: Record<string, string> = { "mcp-protocol-version": version, "mcp-method": method };
    if (!isJsonObject(params)) return headers;
    const name = params["name"] ?? params["uri"];
    if (typeof name === "string") headers["mcp-name"] = headerValue(name);
    const { arguments: args } = params;
    if (method !== "tools/call" || !isJsonObject(args)) return headers;
    for (const [argument, header] of this.#byTool.get(String(params["name"])) ?? []) {
      const value = args[argument];
      if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
        headers[`mcp-param-${header.toLowerCase()}`] = headerValue(String(value));
    }
    return headers;
  }
}

/** As it is, or in base64 where a header cannot hold it (MCP 2026-07-28, Streamable HTTP, "Header values"). */
function headerValue(text: string): string {
  const isPlain = /^[\x21-\x7E](?:[\x20-\x7E]*[\x21-\x7E])?$/.test(text) && !/^=\?base64\?.*\?=$/i.test(text);
  return isPlain ? text : `=?base64?${Buffer.from(text, "utf8").toString("base64")}?=`;
}
