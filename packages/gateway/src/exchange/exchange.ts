// One request of a client on its way to a server, in a form that belongs to no protocol revision.
import type { JsonObject } from "@pratique/core";

/** modern: revision 2026-07-28, without sessions. legacy: 2025-11-25 and older. */
export type Era = "modern" | "legacy";

/** What a client says of itself, with `initialize` or in the `_meta` of each request. */
export interface ClientFacts {
  readonly era: Era;
  readonly protocolVersion: string;
  readonly capabilities: JsonObject;
  /** `Implementation`: name, version, and whatever else it says. */
  readonly info?: JsonObject;
  /** Least level of the log messages that it wants; undefined: none were asked for. */
  readonly logLevel?: string;
}

/** What a server wants of the client while it answers: `elicitation/create`, `sampling/createMessage`, `roots/list`. */
export interface InputRequest {
  readonly method: string;
  readonly params: JsonObject;
}

/** A notification that belongs to the request: `notifications/progress` (without its token), `notifications/message`. */
export interface ExchangeNotification {
  readonly method: string;
  readonly params: JsonObject;
}

export interface Exchange {
  readonly method: string;
  /**
   * As the client sent them, with the server's own names in the place of public ones. `_meta` holds what the client put
   * there, unknown keys too, without `progressToken` and the keys of the transport (`io.modelcontextprotocol/…`), which
   * whoever sends it on adds in the form of the server's revision.
   * A retry of revision 2026-07-28 has `inputResponses` and the server's own `requestState`.
   */
  readonly params: JsonObject;
  /** Headers that must reach the server: `Mcp-Param-*`, in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly client: ClientFacts;
  /** Id of the principal it acts for: what concerns one of his requests may be told with any of them. Absent: told with none. */
  readonly principal?: string;
  /** Id of the JSON-RPC request, and of the session that it belongs to: for its span. */
  readonly requestId?: string | number;
  readonly sessionId?: string;
  /** Aborted when the client cancelled or left. */
  readonly signal: AbortSignal;
  /** The client asked for progress. */
  readonly wantsProgress: boolean;
  notify(notification: ExchangeNotification): void;
  /**
   * Asks the client in the midst of the request; only servers of the older revisions do. Resolves with the client's result.
   * @throws McpError when the client cannot be asked, or answered with an error
   */
  ask(request: InputRequest): Promise<JsonObject>;
}

/**
 * What a request resolves with: the result's members as the server gave them, unknown ones too.
 * A server of revision 2026-07-28 may answer `resultType: "input_required"` with `inputRequests` and `requestState`.
 */
export type Answer = JsonObject;
