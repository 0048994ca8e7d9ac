// What is known of a server over its restarts.
import type { Era } from "../exchange/exchange.ts";

/** What was found out about a server, so that it need not be found out again; kept over its restarts. */
export interface Memory {
  era?: Era | undefined;
  /** It speaks the transport of 2024-11-05. */
  isSse?: boolean;
  /** So often it ended when it was asked for the newest revision, as some old servers do at what they do not know. */
  endedAtProbe: number;
}
