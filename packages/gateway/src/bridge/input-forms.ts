// The same question to a client in the form of either era.
import { isPratiqueError, isJsonObject, type Json, type JsonObject } from "@pratique/core";
import type { InputRequest } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import { CODE } from "../front/protocol.ts";

/** Up to 2025-11-25 a question could be a task, and an elicitation by URL had an id (2026-07-28, changelog, minor 11). */
export function toModernInput({ method, params }: InputRequest): JsonObject {
  const { elicitationId: _id, task: _task, _meta, ...rest } = params;
  return { method, params: rest };
}

/** An elicitation by URL needs an id that its server does not give any more. */
export function toLegacyInput({ method, params }: InputRequest, newId: () => string): InputRequest {
  if (method !== "elicitation/create" || params["mode"] !== "url" || params["elicitationId"] !== undefined)
    return { method, params };
  return { method, params: { ...params, elicitationId: newId() } };
}

/**
 * A login that a server wants of this person, in the words of 2025-11-25 for pages to visit first;
 * undefined for any other error.
 */
export function loginNeeded(error: unknown): McpError | undefined {
  if (!isPratiqueError(error, "gateway.authorization-needed") || !isJsonObject(error.details)) return undefined;
  const { url, id } = error.details;
  if (typeof url !== "string" || typeof id !== "string") return undefined;
  const elicitation = { mode: "url", url, elicitationId: id, message: error.message };
  return new McpError(CODE.urlElicitation, error.message, { elicitations: [elicitation] });
}

/** The elicitations that a `-32042` error of revision 2025-11-25 names, as inputs of 2026-07-28. */
export function elicitationsOf(data: Json | undefined): readonly InputRequest[] {
  if (typeof data !== "object" || data === null || !("elicitations" in data)) return [];
  const { elicitations } = data;
  if (!Array.isArray(elicitations)) return [];
  return elicitations.flatMap((params) =>
    isUrlElicitation(params) ? [{ method: "elicitation/create", params: { ...params, mode: "url" } }] : [],
  );
}

function isUrlElicitation(params: unknown): params is JsonObject {
  return (
    typeof params === "object" &&
    params !== null &&
    "url" in params &&
    typeof params.url === "string" &&
    "message" in params &&
    typeof params.message === "string"
  );
}
