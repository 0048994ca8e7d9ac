// From a client to a server and back: what of a message passes, and what its record says of that.
import { digestOf, type Json, type JsonObject } from "@pratique/core";
import { shortText, withoutUnseen } from "./clean-text.ts";
import { gatewayErrors } from "../errors.ts";
import type { Exchange, ExchangeNotification, InputRequest } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import type { Screen } from "../exchange/ports.ts";
import { passable } from "./passable.ts";

/** Characters of an error or a progress message of a server that are passed on. */
const ANSWER_LIMIT = 1000;
/** Members of error data that only the gateway's own errors have. */
const OWN_ERROR_KEYS = new Set(["code", "hint", "details"]);

export interface PassParts {
  readonly screen: Screen;
  readonly resultLimitBytes: number;
}

/** From which server, and of what it is the answer. */
export interface PassPlace {
  readonly server: string;
  readonly what: string;
  /** Through which profile. */
  readonly profile?: string | undefined;
}

/** A result that may go to the client, with what is recorded of it. @throws `gateway.result-too-large` */
export function passResult(
  answer: JsonObject,
  { server, what, profile }: PassPlace,
  { screen, resultLimitBytes }: PassParts,
): { readonly result: JsonObject; readonly notes: JsonObject } {
  const bounded = passable(answer);
  let text = JSON.stringify(bounded);
  const sizeBytes = Buffer.byteLength(text);
  if (sizeBytes > resultLimitBytes)
    throw gatewayErrors("gateway.result-too-large", { server, what, sizeBytes, limitBytes: resultLimitBytes });
  const { value: result, redactions } = screen.value(bounded, { direction: "to-client", server, what, profile });
  if (result !== bounded) text = JSON.stringify(result);
  const notes = {
    resultDigest: digestOf(text),
    resultBytes: sizeBytes,
    ...(result["isError"] === true ? { isError: true } : {}),
    ...(redactions.length === 0 ? {} : { resultRedactions: redactions }),
  };
  return { result, notes };
}

/** The exchange as a server is handed it: what it tells and asks meanwhile is screened, and so are the answers. */
export function guardedExchange(
  exchange: Exchange,
  change: { readonly params: JsonObject; readonly principal: string },
  place: PassPlace,
  { screen }: PassParts,
  onAsk?: (method: string) => void,
): Exchange {
  const toClient = { direction: "to-client", ...place } as const;
  const toServer = { direction: "to-server", ...place } as const;
  const told = screen.follow?.() ?? screen;
  return {
    method: exchange.method,
    params: change.params,
    headers: screenedHeaders(exchange.headers, screen, toServer),
    client: exchange.client,
    principal: change.principal,
    signal: exchange.signal,
    wantsProgress: exchange.wantsProgress,
    notify: (notification) => {
      const fit = fitNotification(notification, told, place);
      if (fit !== undefined) exchange.notify(fit);
    },
    ask: async (request: InputRequest) => {
      onAsk?.(request.method);
      const params = screen.value(passable(request.params), toClient).value;
      return screen.value(await exchange.ask({ ...request, params }), toServer).value;
    },
  };
}

/** The same exchange with other params; one of the front is no plain object that could be spread. */
export function withParams(exchange: Exchange, params: JsonObject): Exchange {
  const { method, headers, client, principal, requestId, sessionId, signal, wantsProgress } = exchange;
  return {
    method,
    params,
    headers,
    client,
    ...(principal === undefined ? {} : { principal }),
    ...(requestId === undefined ? {} : { requestId }),
    ...(sessionId === undefined ? {} : { sessionId }),
    signal,
    wantsProgress,
    notify: (notification) => exchange.notify(notification),
    ask: (request) => exchange.ask(request),
  };
}

/** `Mcp-Param-*` repeat arguments. @throws `gateway.secret-blocked` */
function screenedHeaders(
  headers: Exchange["headers"],
  screen: Screen,
  place: Parameters<Screen["value"]>[1],
): Exchange["headers"] {
  for (const name in headers) if (Object.hasOwn(headers, name)) return screen.value(headers, place).value;
  return headers;
}

/** A notification that may go to a client; undefined when the screen holds it back. */
export function fitNotification(
  { method, params }: ExchangeNotification,
  screen: Screen,
  place: PassPlace,
): ExchangeNotification | undefined {
  try {
    const { value } = screen.value(passable(params), { direction: "to-client", ...place });
    const { message } = value;
    if (method !== "notifications/progress" || typeof message !== "string") return { method, params: value };
    return { method, params: { ...value, message: shortText(message, ANSWER_LIMIT) } };
  } catch {
    return undefined;
  }
}

/**
 * A server's own error as a client may see it. Of its data everything passes but what the gateway's own errors say in
 * theirs: a server must not pass off its words as the gateway's codes and hints.
 */
export function fitError(error: McpError, screen: Screen, place: PassPlace): McpError {
  const message = screenedText(error.message, screen, place);
  if (error.data === undefined) return new McpError(error.code, message);
  try {
    const { value } = screen.value(passable(withoutOwnWords(error.data)), { direction: "to-client", ...place });
    return new McpError(error.code, message, value);
  } catch {
    return new McpError(error.code, message);
  }
}

/** Screened before it is cut: half a secret is none that anybody would know. */
function screenedText(text: string, screen: Screen, place: PassPlace): string {
  try {
    const whole = withoutUnseen(text.slice(0, 16 * ANSWER_LIMIT));
    const { value } = screen.value(whole, { direction: "to-client", ...place });
    return value.slice(0, ANSWER_LIMIT).toWellFormed();
  } catch {
    return "its message held a secret";
  }
}

function withoutOwnWords(data: Json): Json {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return data;
  return Object.fromEntries(Object.entries(data).filter(([key]) => !OWN_ERROR_KEYS.has(key)));
}
