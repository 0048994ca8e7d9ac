// Where the messages of a request go until its answer.
import type { ExchangeNotification } from "../exchange/exchange.ts";

export interface Outlet {
  notify(notification: ExchangeNotification): void;
  /** Set by whoever answers: called when the client went away before the answer. */
  onLeft: (() => void) | undefined;
}
