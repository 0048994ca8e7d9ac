// An error in JSON-RPC's own terms, on its way between a server and a client.
import type { Json } from "@pratique/core";

/** @see https://www.jsonrpc.org/specification#error_object */
export class McpError extends Error {
  readonly code: number;
  readonly data: Json | undefined;

  constructor(code: number, message: string, data?: Json) {
    super(message);
    this.name = "McpError";
    this.code = code;
    this.data = data;
  }
}
