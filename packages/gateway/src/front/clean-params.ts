// A client's params as they go on to a server: without what belongs to the connection between the client and the gateway.
import { isJsonObject, type JsonObject } from "@pratique/core";

const PROTOCOL_PREFIX = "io.modelcontextprotocol/";
/** Keys of the transport: the connector adds its own in the form of the server's revision. Those of extensions stay. */
const OF_TRANSPORT: ReadonlySet<string> = new Set(
  ["protocolVersion", "clientInfo", "clientCapabilities", "logLevel", "subscriptionId"].map(
    (key) => PROTOCOL_PREFIX + key,
  ),
);

export interface CleanParams {
  readonly params: JsonObject;
  /** Undefined: the client asked for no progress. */
  readonly progressToken: string | number | undefined;
}

export function cleanParams(params: JsonObject): CleanParams {
  const meta = params["_meta"];
  if (!isJsonObject(meta)) return { params, progressToken: undefined };
  const kept: Record<string, JsonObject[string]> = {};
  let isEmpty = true;
  let progressToken: string | number | undefined;
  for (const key in meta) {
    const value = meta[key];
    if (key === "progressToken") {
      if (typeof value === "string" || typeof value === "number") progressToken = value;
    } else if (!OF_TRANSPORT.has(key)) {
      define(kept, key, value);
      isEmpty = false;
    }
  }
  const { _meta, ...rest } = params;
  return { params: isEmpty ? rest : { ...rest, _meta: kept }, progressToken };
}

/** A key of the wire may be `__proto__`, which an assignment would take for the prototype. */
function define(target: Record<string, JsonObject[string]>, key: string, value: JsonObject[string]): void {
  if (key === "__proto__")
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  else target[key] = value;
}
