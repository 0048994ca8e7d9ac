// Errors in OpenAI's form.
import type { ServerResponse } from "node:http";
import { isPratiqueError, PratiqueError } from "@pratique/core";

export interface OpenAiError {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: null;
    readonly code: string;
    /** What to do next; an addition of ours. */
    readonly hint?: string;
  };
}

function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status < 500 ? "invalid_request_error" : "server_error";
}

/** A failure as a `PratiqueError`; what is not one says nothing of its inside. */
export function publicError(error: unknown): PratiqueError {
  if (isPratiqueError(error)) return error;
  return new PratiqueError({ code: "internal", message: "something went wrong inside", status: 500, cause: error });
}

export function openAiError(error: PratiqueError): OpenAiError {
  return {
    error: {
      message: error.message,
      type: typeOf(error.status),
      param: null,
      code: error.code,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    },
  };
}

/** Sends JSON with its length. */
export function sendJson(res: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  res.writeHead(status, { "content-type": "application/json", "content-length": body.length });
  res.end(body);
}

export function sendError(res: ServerResponse, failure: unknown): void {
  const error = publicError(failure);
  if (error.status === 401) res.setHeader("www-authenticate", "Bearer");
  if (error.status === 429) res.setHeader("retry-after", "1");
  sendJson(res, error.status, openAiError(error));
}
