// What a client can be asked, by the capabilities that it declared.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import type { ClientFacts, InputRequest } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import { CODE } from "../front/protocol.ts";

const INPUTS: ReadonlySet<string> = new Set(["elicitation/create", "sampling/createMessage", "roots/list"]);

export function isInputMethod(method: unknown): method is string {
  return typeof method === "string" && INPUTS.has(method);
}

/** The capability that is missing, in the form of `ClientCapabilities`; undefined when nothing is. */
export function missingCapability(capabilities: JsonObject, { method, params }: InputRequest): JsonObject | undefined {
  if (method === "roots/list") return isJsonObject(capabilities["roots"]) ? undefined : { roots: {} };
  if (method === "sampling/createMessage") {
    const { sampling } = capabilities;
    if (!isJsonObject(sampling)) return { sampling: {} };
    const wantsTools = params["tools"] !== undefined || params["toolChoice"] !== undefined;
    return wantsTools && !isJsonObject(sampling["tools"]) ? { sampling: { tools: {} } } : undefined;
  }
  if (method !== "elicitation/create") return {};
  const { elicitation } = capabilities;
  const mode = params["mode"] === "url" ? "url" : "form";
  if (!isJsonObject(elicitation)) return { elicitation: mode === "url" ? { url: {} } : {} };
  // Neither is named: form it is, as in the revisions before there were two.
  const hasNone = elicitation["form"] === undefined && elicitation["url"] === undefined;
  const can = elicitation[mode] !== undefined || (mode === "form" && hasNone);
  return can ? undefined : { elicitation: { [mode]: {} } };
}

/** True when its person can be sent to a page. */
export function canVisit({ capabilities }: ClientFacts): boolean {
  const params = { mode: "url" };
  return missingCapability(capabilities, { method: "elicitation/create", params }) === undefined;
}

/** What a server of the older revisions hears from a client that cannot (2025-11-25: sampling, elicitation, roots). */
export function cannotAnswer({ method }: InputRequest, missing: JsonObject): McpError {
  const isMode = method === "elicitation/create" && Object.keys(objectIn(missing, "elicitation")).length > 0;
  return new McpError(
    isMode ? CODE.invalidParams : CODE.methodNotFound,
    `the client does not take ${method}${isMode ? " of this mode" : ""}`,
  );
}

/** 2026-07-28: `MissingRequiredClientCapabilityError`. */
export function capabilityNeeded(missing: JsonObject): McpError {
  return new McpError(CODE.missingCapability, "Missing required client capability", { requiredCapabilities: missing });
}

/** True for what may be a result of the request; what is in it is the server's to judge. */
export function isInputResult(method: string, result: Json | undefined): result is JsonObject {
  if (!isJsonObject(result)) return false;
  if (method === "roots/list") return Array.isArray(result["roots"]);
  if (method === "sampling/createMessage") return typeof result["role"] === "string" && result["content"] !== undefined;
  const { action, content } = result;
  return (
    (action === "accept" || action === "decline" || action === "cancel") &&
    (content === undefined || content === null || isJsonObject(content))
  );
}

function objectIn(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isJsonObject(value) ? value : {};
}
