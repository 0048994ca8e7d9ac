// What the side that talks to clients asks of the router.
import type { JsonObject } from "@pratique/core";
import type { Caller } from "../front/caller.ts";
import type { Answer, ClientFacts, Exchange, ExchangeNotification } from "./exchange.ts";

/** What the gateway says of itself to one caller: with `initialize` or `server/discover`. */
export interface Face {
  readonly info: JsonObject;
  /** Those that some server behind it has, and the gateway's own; `extensions` too. */
  readonly capabilities: JsonObject;
  readonly instructions?: string;
}

export interface ListenFilter {
  readonly tools: boolean;
  readonly prompts: boolean;
  readonly resources: boolean;
  /** URIs whose updates are wanted. */
  readonly uris: readonly string[];
  /** Tasks whose status is wanted (extension `io.modelcontextprotocol/tasks`). */
  readonly taskIds?: readonly string[];
}

export interface Listening {
  /** For sessions of the older revisions, which subscribe one by one. @throws `gateway.unknown-resource`, `policy.denied` */
  watch(uri: string): Promise<void>;
  unwatch(uri: string): Promise<void>;
  end(): void;
}

export interface RouterPort {
  face(caller: Caller, client: ClientFacts): Promise<Face>;
  /**
   * Answers any request but those of the transport (initialize, server/discover, ping, subscriptions/listen,
   * resources/subscribe, logging/setLevel): decided, passed on, screened, recorded.
   * @throws McpError, PratiqueError
   */
  answer(caller: Caller, exchange: Exchange): Promise<Answer>;
  /** A tool by its public name, as this caller is shown it and as last known; to compare `Mcp-Param-*` with the arguments. */
  tool?(caller: Caller, name: string): JsonObject | undefined;
  /** Tells what changes for this caller from now on: list_changed, resources/updated, log messages outside of requests. */
  listen(caller: Caller, filter: ListenFilter, tell: (notification: ExchangeNotification) => void): Promise<Listening>;
}
