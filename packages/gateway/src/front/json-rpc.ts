// Messages of JSON-RPC 2.0 as clients send them, told apart.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";

export type RequestId = string | number;

export interface RpcRequest {
  readonly kind: "request";
  readonly id: RequestId;
  readonly method: string;
  readonly params: JsonObject;
}

export interface RpcNotification {
  readonly kind: "notification";
  readonly method: string;
  readonly params: JsonObject;
}

export interface RpcResponse {
  readonly kind: "response";
  readonly id: RequestId;
  readonly result?: JsonObject;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Json };
}

export type RpcMessage = RpcRequest | RpcNotification | RpcResponse;

/** Longer ones come back in every answer and every log line. */
const ID_LIMIT = 1024;
const METHOD_LIMIT = 256;

const NO_PARAMS: JsonObject = {};

/** Undefined when it is none. */
export function rpcMessage(value: unknown): RpcMessage | undefined {
  if (!isJsonObject(value) || value["jsonrpc"] !== "2.0") return undefined;
  const { method, params = NO_PARAMS } = value;
  const id = requestId(value["id"]);
  if (method !== undefined) {
    if (typeof method !== "string" || method.length > METHOD_LIMIT || !isJsonObject(params)) return undefined;
    if (value["id"] === undefined) return { kind: "notification", method, params };
    return id === undefined ? undefined : { kind: "request", id, method, params };
  }
  if (id === undefined) return undefined;
  const { result, error } = value;
  if (isJsonObject(result)) return { kind: "response", id, result };
  if (!isJsonObject(error)) return undefined;
  const { code, message, data } = error;
  if (typeof code !== "number" || typeof message !== "string") return undefined;
  return { kind: "response", id, error: { code, message, ...(data === undefined ? {} : { data }) } };
}

/** The id to answer with, of whatever was sent. */
export function requestId(id: unknown): RequestId | undefined {
  if (typeof id === "string") return id.length <= ID_LIMIT ? id : undefined;
  return typeof id === "number" && Number.isFinite(id) ? id : undefined;
}

/** The id of what may be no message at all, for its error. */
export function idOf(value: unknown): RequestId | null {
  return isJsonObject(value) ? (requestId(value["id"]) ?? null) : null;
}
