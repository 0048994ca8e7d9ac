// What goes to a client of 2026-07-28 before the answer to its request: progress and log messages that it asked for.
import { isJsonObject, type JsonObject } from "@pratique/core";
import type { Outlet } from "../bridge/outlet.ts";
import type { ClientFacts, ExchangeNotification } from "../exchange/exchange.ts";
import { isLoud } from "./log-filter.ts";
import type { Reply } from "./reply.ts";

export class ModernOutlet implements Outlet {
  onLeft: (() => void) | undefined;
  reply: Reply | undefined;
  readonly #client: ClientFacts;
  readonly #progressToken: string | number | undefined;

  constructor(client: ClientFacts, progressToken: string | number | undefined) {
    this.#client = client;
    this.#progressToken = progressToken;
  }

  notify(notification: ExchangeNotification): void {
    const message = withToken(notification, this.#progressToken);
    if (message === undefined) return;
    // Without a level in the request there must be no log message (2026-07-28, Logging).
    if (notification.method === "notifications/message") {
      const { logLevel } = this.#client;
      if (logLevel === undefined || !isLoud(notification, logLevel)) return;
    }
    this.reply?.send(message);
  }
}

/** Undefined for progress that nobody asked for. */
export function withToken(
  { method, params }: ExchangeNotification,
  progressToken: string | number | undefined,
): JsonObject | undefined {
  if (method !== "notifications/progress") return { jsonrpc: "2.0", method, params };
  if (progressToken === undefined) return undefined;
  return { jsonrpc: "2.0", method, params: { ...params, progressToken } };
}

/** A result as 2026-07-28 wants it: complete unless it says otherwise, with hints for caches and the gateway's name. */
export function modernResult(answer: JsonObject, isCacheable: boolean, info: JsonObject, infoKey: string): JsonObject {
  const { _meta, ...members } = answer;
  const meta = isJsonObject(_meta) ? _meta : {};
  const isComplete = answer["resultType"] === undefined || answer["resultType"] === "complete";
  return {
    resultType: "complete",
    ...(isCacheable && isComplete ? { ttlMs: 0, cacheScope: "private" } : {}),
    ...members,
    _meta: { [infoKey]: info, ...meta },
  };
}
