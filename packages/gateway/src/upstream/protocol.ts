// Names, numbers and message shapes of the protocol that a connection to a server needs.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";

/** Revisions without a handshake, newest first. */
export const MODERN_VERSIONS: readonly string[] = ["2026-07-28"];
/** Revisions that open with `initialize`, newest first. */
export const LEGACY_VERSIONS: readonly string[] = [
  "2025-11-25",
  "2025-06-18",
  "2025-03-26",
  "2024-11-05",
  "2024-10-07",
];
export const NEWEST_MODERN = "2026-07-28";
export const NEWEST_LEGACY = "2025-11-25";

/** Keys of the transport in `_meta` (revision 2026-07-28, basic/index §_meta). */
export const META = {
  version: "io.modelcontextprotocol/protocolVersion",
  client: "io.modelcontextprotocol/clientInfo",
  capabilities: "io.modelcontextprotocol/clientCapabilities",
  logLevel: "io.modelcontextprotocol/logLevel",
  subscription: "io.modelcontextprotocol/subscriptionId",
  server: "io.modelcontextprotocol/serverInfo",
} as const;

export const CODE = {
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  internal: -32_603,
  headerMismatch: -32_020,
  missingCapability: -32_021,
  unsupportedVersion: -32_022,
} as const;

/** Errors that only a server of revision 2026-07-28 or newer answers with. */
export function isModernCode(code: number): boolean {
  return code === CODE.headerMismatch || code === CODE.missingCapability || code === CODE.unsupportedVersion;
}

/**
 * What the gateway says it can, where nothing is known of a client yet. A server that asks for what the client of a request
 * cannot do gets an error for that one request.
 */
export const GATEWAY_CAPABILITIES: JsonObject = {
  roots: {},
  sampling: { tools: {}, context: {} },
  elicitation: { form: {}, url: {} },
  extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } },
};

export type RequestId = string | number;

export interface WireError {
  readonly code: number;
  readonly message: string;
  readonly data: Json | undefined;
}

export type WireMessage =
  | { readonly kind: "request"; readonly id: RequestId; readonly method: string; readonly params: JsonObject }
  | { readonly kind: "notification"; readonly method: string; readonly params: JsonObject }
  | { readonly kind: "result"; readonly id: RequestId; readonly result: JsonObject }
  | { readonly kind: "error"; readonly id: RequestId | undefined; readonly error: WireError };

const NO_PARAMS: JsonObject = {};

/** A parsed value as the message that it is; undefined when it is none. */
export function wireMessage(value: unknown): WireMessage | undefined {
  if (!isJsonObject(value) || value["jsonrpc"] !== "2.0") return undefined;
  const { id, method, params, result, error } = value;
  const isId = typeof id === "number" || typeof id === "string";
  if (typeof method === "string") {
    const given = isJsonObject(params) ? params : NO_PARAMS;
    if (isId) return { kind: "request", id, method, params: given };
    return id === undefined ? { kind: "notification", method, params: given } : undefined;
  }
  if (isJsonObject(error)) {
    const { code, message, data } = error;
    if (typeof code !== "number") return undefined;
    return {
      kind: "error",
      id: isId ? id : undefined,
      error: { code, message: typeof message === "string" ? message : "", data },
    };
  }
  return isId && isJsonObject(result) ? { kind: "result", id, result } : undefined;
}
