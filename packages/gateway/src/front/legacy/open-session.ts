// `initialize`: which revision is spoken, and who is on the other side.
import { isJsonObject, type JsonObject } from "@pratique/core";
import { McpError } from "../../exchange/mcp-error.ts";
import type { ClientFacts } from "../../exchange/exchange.ts";
import type { RouterPort } from "../../exchange/router-port.ts";
import type { Caller } from "../caller.ts";
import type { RpcRequest } from "../json-rpc.ts";
import { CODE, LEGACY_VERSIONS } from "../protocol.ts";

/** Revisions since which a stream begins with an event that has an id only (SEP-1699). */
const PRIMED_SINCE = "2025-11-25";

export interface Opening {
  readonly client: ClientFacts;
  readonly message: JsonObject;
}

/** @throws McpError, PratiqueError */
export async function openSession(router: RouterPort, caller: Caller, { id, params }: RpcRequest): Promise<Opening> {
  const { protocolVersion: wanted, capabilities = {}, clientInfo } = params;
  if (typeof wanted !== "string") throw new McpError(CODE.invalidParams, "Invalid params: protocolVersion");
  if (!isJsonObject(capabilities)) throw new McpError(CODE.invalidParams, "Invalid params: capabilities");
  // A version that we have not is answered with one that we have; the client may leave then.
  const protocolVersion = LEGACY_VERSIONS.includes(wanted) ? wanted : LEGACY_VERSIONS[0]!;
  const client: ClientFacts = {
    era: "legacy",
    protocolVersion,
    capabilities,
    ...(isJsonObject(clientInfo) ? { info: clientInfo } : {}),
  };
  const { info, capabilities: offered, instructions } = await router.face(caller, client);
  const result = {
    protocolVersion,
    capabilities: offered,
    serverInfo: info,
    ...(instructions === undefined ? {} : { instructions }),
  };
  return { client, message: { jsonrpc: "2.0", id, result } };
}

export function isPrimed({ protocolVersion }: ClientFacts): boolean {
  return protocolVersion >= PRIMED_SINCE;
}
