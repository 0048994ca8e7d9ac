// Why something with a server did not work, in words that may be shown.
import { isPratiqueError, redactText } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import { McpError } from "../exchange/mcp-error.ts";

const LIMIT = 300;
/** What moves a cursor, turns text round, or is seen by a model and by no person. */
const UNSEEN = /[\p{Cc}\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/gu;

/** Redacts before it cuts: half a secret is none that redaction would know. */
export function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return redactText(text.slice(0, 16 * LIMIT).replace(UNSEEN, ""))
    .slice(0, LIMIT)
    .toWellFormed();
}

/** The server's own error, or one of ours that says what happened, stays as it is. */
export function callFailed(error: unknown, server: string, what: string): Error {
  if (error instanceof McpError || isPratiqueError(error)) return error;
  return gatewayErrors(
    "gateway.call-failed",
    { server, what: reasonOf(what), reason: reasonOf(error) },
    { cause: error },
  );
}

export function unavailable(server: string, reason: string, cause?: unknown): Error {
  return gatewayErrors("gateway.server-unavailable", { server, reason }, cause === undefined ? {} : { cause });
}
