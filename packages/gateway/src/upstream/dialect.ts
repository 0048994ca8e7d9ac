// A request in the form of the server's revision.
import { isJsonObject, type JsonObject } from "@pratique/core";
import type { Exchange } from "../exchange/exchange.ts";
import { isLogLevel } from "./log-levels.ts";
import { headerValue, paramHeaderValues, type ParamHeader } from "./param-headers.ts";
import { GATEWAY_CAPABILITIES, META } from "./protocol.ts";

type Params = (id: number) => JsonObject;

/** Of an exchange for a server of revision 2025-11-25 or older: as the client sent it, its progress under our request's id. */
export function legacyParams({ params, wantsProgress }: Exchange): Params {
  return (id) => (wantsProgress ? { ...params, _meta: { ...metaOf(params), progressToken: id } } : params);
}

/** Of an exchange for a server of revision 2026-07-28: with what the older ones say once in a session. */
export function modernParams(exchange: Exchange, version: string, self: JsonObject): Params {
  const { params, wantsProgress, client } = exchange;
  return (id) => ({
    ...params,
    _meta: {
      ...metaOf(params),
      ...(wantsProgress ? { progressToken: id } : {}),
      ...(isLogLevel(client.logLevel) ? { [META.logLevel]: client.logLevel } : {}),
      ...modernMeta(version, client.info ?? self, client.capabilities),
    },
  });
}

/** Of a request of our own. */
export function ownModernParams(params: JsonObject, version: string, self: JsonObject): Params {
  return () => ({ ...params, _meta: modernMeta(version, self, GATEWAY_CAPABILITIES) });
}

function modernMeta(version: string, info: JsonObject, capabilities: JsonObject): JsonObject {
  return { [META.version]: version, [META.client]: info, [META.capabilities]: capabilities };
}

/** Where `Mcp-Name` comes from, by method; tasks as SEP-2663 has it. */
const NAMES: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "prompts/get": "name",
  "resources/read": "uri",
  "tasks/get": "taskId",
  "tasks/update": "taskId",
  "tasks/cancel": "taskId",
};

/** Headers of a request to a server of revision 2026-07-28. */
export function modernHeaders(
  method: string,
  params: JsonObject,
  { given = {}, known }: { given?: Readonly<Record<string, string>>; known?: readonly ParamHeader[] | undefined } = {},
): Record<string, string> {
  const headers: Record<string, string> = { ...paramHeadersOnly(given), "mcp-method": headerValue(method) };
  const name = Object.hasOwn(NAMES, method) ? params[NAMES[method] ?? ""] : undefined;
  if (typeof name === "string") headers["mcp-name"] = headerValue(name);
  if (known === undefined) return headers;
  // What the schema knows must be as the arguments have it now; what it does not know passes.
  for (const { header } of known) delete headers[header];
  return { ...headers, ...paramHeaderValues(known, params["arguments"]) };
}

/** Of the headers that a client may have sent through, those that are meant for servers. */
export function paramHeadersOnly(given: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) if (name.startsWith("mcp-param-")) headers[name] = value;
  return headers;
}

function metaOf({ _meta: meta }: JsonObject): JsonObject {
  return isJsonObject(meta) ? meta : {};
}
