// A request of revision 2026-07-28: what it says of itself in `_meta`, and in headers that must say the same.
import type { IncomingHttpHeaders } from "node:http";
import { isJsonObject, type JsonObject } from "@pratique/core";
import type { ClientFacts } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import { decodeHeaderValue } from "./header-value.ts";
import type { RpcMessage, RpcRequest } from "./json-rpc.ts";
import { CODE, LEGACY_VERSIONS, LOG_LEVELS, META, MODERN_VERSION } from "./protocol.ts";

/** Where the name stands that `Mcp-Name` repeats. */
const NAMED: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
  "tasks/get": "taskId",
  "tasks/update": "taskId",
  "tasks/cancel": "taskId",
};
/** Required for these; a header of the extensions is compared where it is sent. */
const NAME_REQUIRED: ReadonlySet<string> = new Set(["tools/call", "prompts/get", "resources/read"]);

/** The version that `_meta` claims, whatever it is. */
function claimOf(params: JsonObject): unknown {
  const meta = params["_meta"];
  return isJsonObject(meta) ? meta[META.version] : undefined;
}

/** True when the client speaks 2026-07-28, or means to: `_meta` decides, and the header where there is none. */
export function isModern(message: RpcMessage, headers: IncomingHttpHeaders): boolean {
  if (message.kind === "response") return false;
  if (claimOf(message.params) !== undefined) return true;
  const header = headers["mcp-protocol-version"];
  if (typeof header !== "string") return false;
  const version = header.trim();
  if (version === MODERN_VERSION) return true;
  // A version that nobody knows: a session tells its own client so.
  const isUnknown = !LEGACY_VERSIONS.includes(version);
  return isUnknown && message.method !== "initialize" && headers["mcp-session-id"] === undefined;
}

/** @throws McpError with the code and data that the specification wants */
export function clientFacts({ params }: RpcRequest, headers: IncomingHttpHeaders): ClientFacts {
  const meta = params["_meta"];
  if (!isJsonObject(meta)) throw malformed("_meta");
  const protocolVersion = meta[META.version];
  if (typeof protocolVersion !== "string") throw malformed(META.version);
  const header = headers["mcp-protocol-version"];
  if (typeof header !== "string" || header.trim() !== protocolVersion)
    throw headerMismatch(
      typeof header === "string"
        ? "MCP-Protocol-Version does not match the version in _meta"
        : "MCP-Protocol-Version is missing",
    );
  if (protocolVersion !== MODERN_VERSION)
    throw new McpError(CODE.unsupportedVersion, "Unsupported protocol version", {
      supported: [MODERN_VERSION],
      requested: protocolVersion.slice(0, 100),
    });
  const capabilities = meta[META.capabilities];
  if (!isJsonObject(capabilities)) throw malformed(META.capabilities);
  const info = meta[META.info];
  const logLevel = meta[META.logLevel];
  if (info !== undefined && !isJsonObject(info)) throw malformed(META.info);
  if (logLevel !== undefined && !(typeof logLevel === "string" && LOG_LEVELS.includes(logLevel)))
    throw malformed(META.logLevel);
  return {
    era: "modern",
    protocolVersion,
    capabilities,
    ...(info === undefined ? {} : { info }),
    ...(logLevel === undefined ? {} : { logLevel }),
  };
}

/** @throws McpError -32020 */
export function checkHeaders({ method, params }: RpcRequest, headers: IncomingHttpHeaders): void {
  const said = headers["mcp-method"];
  if (typeof said !== "string") throw headerMismatch("Mcp-Method is missing");
  if (said.trim() !== method) throw headerMismatch("Mcp-Method does not match the request's method");
  const key = NAMED[method];
  if (key === undefined) return;
  const name = params[key];
  const header = headers["mcp-name"];
  if (header === undefined && !NAME_REQUIRED.has(method)) return;
  if (typeof header !== "string") {
    if (name !== undefined) throw headerMismatch("Mcp-Name is missing");
    return;
  }
  if (decodeHeaderValue(header) !== name) throw headerMismatch(`Mcp-Name does not match params.${key}`);
}

export function headerMismatch(what: string): McpError {
  return new McpError(CODE.headerMismatch, `Header mismatch: ${what}`);
}

function malformed(key: string): McpError {
  return new McpError(CODE.invalidParams, `Invalid params: ${key} is missing or malformed`);
}
