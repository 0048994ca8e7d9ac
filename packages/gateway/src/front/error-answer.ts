// Failures in JSON-RPC's words, with the HTTP status that fits where no session is behind the request.
import { isPratiqueError, type Json, type JsonObject } from "@pratique/core";
import { McpError } from "../exchange/mcp-error.ts";
import type { Era } from "../exchange/exchange.ts";
import { CODE } from "./protocol.ts";

export interface ErrorAnswer {
  readonly status: number;
  readonly error: { readonly code: number; readonly message: string; readonly data?: Json };
  /** Nobody meant it to happen: it belongs into the log. */
  readonly isOurs: boolean;
}

/** What 2026-07-28 wants as HTTP status of a JSON-RPC error; others are answers like any. */
const MODERN_STATUS: Readonly<Record<number, number>> = {
  [CODE.methodNotFound]: 404,
  [CODE.headerMismatch]: 400,
  [CODE.missingCapability]: 400,
  [CODE.unsupportedVersion]: 400,
};

/** Errors of ours that JSON-RPC has a code for. */
const OWN_CODE: Readonly<Record<string, number>> = { "gateway.unknown-method": CODE.methodNotFound };

export function errorAnswer(error: unknown, era: Era): ErrorAnswer {
  if (error instanceof McpError) {
    const code = era === "modern" && error.code === CODE.legacyNotFound ? CODE.invalidParams : error.code;
    return {
      status: era === "modern" ? (MODERN_STATUS[code] ?? 200) : 200,
      error: { code, message: error.message, ...(error.data === undefined ? {} : { data: error.data }) },
      isOurs: false,
    };
  }
  if (isPratiqueError(error)) {
    const { hint, details } = error;
    const data: JsonObject = {
      code: error.code,
      ...(hint === undefined ? {} : { hint }),
      ...(details === undefined ? {} : { details }),
    };
    const code = OWN_CODE[error.code] ?? (error.status < 500 ? CODE.invalidParams : CODE.internal);
    const status = era === "modern" ? (MODERN_STATUS[code] ?? 200) : 200;
    return { status, error: { code, message: error.message, data }, isOurs: false };
  }
  // What went wrong inside is nobody's business outside.
  const data = { code: "gateway.failed" };
  return { status: 200, error: { code: CODE.internal, message: "the gateway failed", data }, isOurs: true };
}

/** Of a request that was refused before anybody looked at what it asks: HTTP tells as much as JSON-RPC. */
export function refusalAnswer(error: unknown, era: Era): ErrorAnswer {
  const answer = errorAnswer(error, era);
  if (!isPratiqueError(error)) return answer.isOurs ? { ...answer, status: 500 } : answer;
  const { status } = error;
  const code = error.code === "input.not-json" ? CODE.parse : status < 500 ? CODE.invalidRequest : CODE.internal;
  return { ...answer, status, error: { ...answer.error, code } };
}
