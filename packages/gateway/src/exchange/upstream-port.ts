// A server behind the gateway as the router sees it, whatever revision and transport it speaks.
import type { JsonObject } from "@pratique/core";
import type { ServerDefinition, ServerStatus } from "../server-definition.ts";
import type { Answer, Era, Exchange } from "./exchange.ts";

export type ListKind = "tools" | "prompts" | "resources" | "templates";

/** What a server said of itself when it was last reached. */
export interface ServerFacts {
  readonly era: Era;
  readonly protocolVersion: string;
  readonly capabilities: JsonObject;
  readonly info: JsonObject;
  readonly instructions?: string;
}

/** All pages of one list, entries as the server gave them (unknown members too), bounded. */
export interface ListSnapshot {
  readonly items: readonly JsonObject[];
  /** Grows with each change; equal numbers mean equal items. */
  readonly generation: number;
  /** Caching hints of revision 2026-07-28, where the server gave them. */
  readonly ttlMs?: number;
  readonly cacheScope?: "public" | "private";
}

export type UpstreamEvent =
  | { readonly type: "list-changed"; readonly kind: ListKind }
  | { readonly type: "resource-updated"; readonly params: JsonObject }
  /** `notifications/message` outside of any request. */
  | { readonly type: "log"; readonly params: JsonObject }
  /** Any other notification outside of a request, tasks' status among them. */
  | { readonly type: "notification"; readonly method: string; readonly params: JsonObject };

/** One server for one credential scope: `""` when everybody shares it, else the principal it acts for. */
export interface UpstreamPort {
  readonly definition: ServerDefinition;
  readonly scope: string;
  status(): ServerStatus;
  /** Starts it when needed. @throws `gateway.server-unavailable` */
  facts(): Promise<ServerFacts>;
  /** As last known of it, without waiting; undefined before it was ever reached. */
  knownFacts(): ServerFacts | undefined;
  /** A list; of a server that is away or late, as it was last known. Never rejects. */
  list(kind: ListKind): Promise<ListSnapshot>;
  /** As last known, without waiting. */
  knownList(kind: ListKind): ListSnapshot | undefined;
  /** Sends a request in the form of the server's revision. @throws McpError, `gateway.server-unavailable`, `gateway.call-failed` */
  send(exchange: Exchange): Promise<Answer>;
  /** Resource subscriptions; counted by the caller, kept over a restart of the server. */
  watch(uri: string): Promise<void>;
  unwatch(uri: string): Promise<void>;
  /** What kept it from being reached may be over, such as a login that was missing: it is tried again at once. */
  retry?(): void;
  close(): Promise<void>;
}
