// Which log messages a client wants.
import type { ExchangeNotification } from "../exchange/exchange.ts";
import { LOG_LEVELS } from "./protocol.ts";

/** True for what is no log message, or one of at least `level`. */
export function isLoud({ method, params }: ExchangeNotification, level: string): boolean {
  if (method !== "notifications/message") return true;
  const rank = LOG_LEVELS.indexOf(String(params["level"]));
  // A level that nobody knows is none to leave out.
  return rank === -1 || rank >= LOG_LEVELS.indexOf(level);
}
