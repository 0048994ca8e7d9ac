// An open connection to a server: requests and subscriptions in the form of its revision.
import { isJsonObject, type JsonObject } from "@pratique/core";
import type { Answer, Exchange } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import type { ListKind, ServerFacts } from "../exchange/upstream-port.ts";
import { CALL_TIMEOUT_MS, CALL_TOTAL_TIMEOUT_MS, LIST_TIMEOUT_MS } from "../limits.ts";
import type { Conversation } from "./conversation.ts";
import { legacyParams, modernHeaders, modernParams, ownModernParams, paramHeadersOnly } from "./dialect.ts";
import { isLogLevel, leastLevel } from "./log-levels.ts";
import type { ParamHeader } from "./param-headers.ts";
import { CODE } from "./protocol.ts";
import { Subscription } from "./subscription.ts";

export interface ConnectionOptions {
  readonly conversation: Conversation;
  readonly facts: ServerFacts;
  /** How the gateway calls itself. */
  readonly info: JsonObject;
  /** Requests have HTTP headers. */
  readonly hasHeaders: boolean;
  /** The server's own stream of a revision that has one, if it is opened apart. */
  listen?(onOpen: (isResumed: boolean) => void): void;
  /** Stops what was started for it. */
  stop?(): Promise<void>;
}

export interface ConnectionListener {
  /** What a server of revision 2026-07-28 tells on the stream that it was asked for. */
  notification(method: string, params: JsonObject): void;
  /** What was said in between may be lost: every list may have changed. */
  gap(): void;
}

export class Connection {
  readonly facts: ServerFacts;
  readonly #options: ConnectionOptions;
  readonly #conversation: Conversation;
  /** Subscriptions to resources of an older server, by URI. */
  readonly #watching = new Map<string, Promise<unknown>>();
  #level: string | undefined;
  #subscription: Subscription | undefined;
  /** The stream on which an older server tells changes is open. */
  #isHeard: boolean;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#conversation = options.conversation;
    this.facts = options.facts;
    this.#isHeard = options.listen === undefined;
  }

  get isEnded(): boolean {
    return this.#conversation.isEnded;
  }

  /** Arguments of its tools go into headers too. */
  get hasParamHeaders(): boolean {
    return this.facts.era === "modern" && this.#options.hasHeaders;
  }

  get inFlight(): number {
    return this.#conversation.inFlight;
  }

  /** From now on changes are told, also those of `uris`. */
  listen(listener: ConnectionListener, uris: ReadonlySet<string>): void {
    const { facts, conversation, info } = this.#options;
    if (facts.era === "modern") {
      this.#subscription = new Subscription({
        conversation,
        facts,
        uris,
        params: (params) => ownModernParams(params, facts.protocolVersion, info),
        onGap: () => listener.gap(),
        onNotification: (method, told) => listener.notification(method, told),
      });
      this.#subscription.open();
      return;
    }
    for (const uri of uris) this.watch(uri).catch(() => undefined);
    this.#options.listen?.((isResumed) => {
      this.#isHeard = true;
      if (!isResumed) listener.gap();
    });
  }

  /** True when a change of this list will be told. */
  tellsChanges(kind: ListKind): boolean {
    if (this.#subscription !== undefined) return this.#subscription.tells(kind);
    return this.#isHeard && canTell(this.facts, kind);
  }

  /** @throws McpError, LostRequest, Abandoned */
  async send(exchange: Exchange, known: readonly ParamHeader[] | undefined): Promise<Answer> {
    const { method, params, headers: given } = exchange;
    const { hasHeaders, info } = this.#options;
    const limits = { exchange, signal: exchange.signal, silenceMs: CALL_TIMEOUT_MS, totalMs: CALL_TOTAL_TIMEOUT_MS };
    if (this.facts.era === "legacy") {
      const wanted = this.#levelFor(exchange);
      if (wanted !== undefined) await this.#setLevel(wanted);
      const headers = hasHeaders ? { headers: paramHeadersOnly(given) } : {};
      return await this.#conversation.ask({ method, params: legacyParams(exchange), ...headers, ...limits });
    }
    const headers = hasHeaders ? { headers: modernHeaders(method, params, { given, known }) } : {};
    return await this.#conversation.ask({
      method,
      params: modernParams(exchange, this.facts.protocolVersion, info),
      ...headers,
      ...limits,
    });
  }

  /** A request of the gateway's own. @throws McpError, LostRequest, Abandoned */
  async ask(method: string, params: JsonObject, signal?: AbortSignal): Promise<JsonObject> {
    const limits = { silenceMs: LIST_TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) };
    if (this.facts.era === "legacy") return await this.#conversation.ask({ method, params: () => params, ...limits });
    return await this.#conversation.ask({
      method,
      params: ownModernParams(params, this.facts.protocolVersion, this.#options.info),
      ...(this.#options.hasHeaders ? { headers: modernHeaders(method, params) } : {}),
      ...limits,
    });
  }

  /** @throws McpError when the server has no such subscriptions */
  async watch(uri: string): Promise<void> {
    if (member(this.facts.capabilities, "resources")["subscribe"] !== true)
      throw new McpError(CODE.methodNotFound, "the server offers no subscriptions to resources");
    if (this.#subscription !== undefined) {
      await this.#subscription.watch(uri);
      return;
    }
    const watching = this.#watching.get(uri) ?? this.ask("resources/subscribe", { uri });
    this.#watching.set(uri, watching);
    try {
      await watching;
    } catch (error) {
      this.#watching.delete(uri);
      throw error;
    }
  }

  async unwatch(uri: string): Promise<void> {
    if (this.#subscription === undefined) {
      this.#watching.delete(uri);
      await this.ask("resources/unsubscribe", { uri });
    } else this.#subscription.unwatch(uri);
  }

  async close(isLost = false): Promise<void> {
    this.#subscription?.close();
    await this.#conversation.close(isLost);
    await this.#options.stop?.();
  }

  /** The level to ask an older server for, when it is not low enough yet. */
  #levelFor({ client: { logLevel } }: Exchange): string | undefined {
    if (!isLogLevel(logLevel) || !("logging" in this.facts.capabilities)) return undefined;
    const least = leastLevel(this.#level, logLevel);
    return least === this.#level ? undefined : least;
  }

  async #setLevel(level: string): Promise<void> {
    this.#level = level;
    try {
      await this.ask("logging/setLevel", { level });
    } catch {
      // It logs as it likes, then; the call itself is what matters.
    }
  }
}

/** Whether a server says that it tells when this list changes. */
export function canTell({ capabilities }: ServerFacts, kind: ListKind): boolean {
  return member(capabilities, kind === "templates" ? "resources" : kind)["listChanged"] === true;
}

/** Whether a server has such a list at all. */
export function hasList({ capabilities }: ServerFacts, kind: ListKind): boolean {
  return isJsonObject(capabilities[kind === "templates" ? "resources" : kind]);
}

function member(capabilities: JsonObject, key: string): JsonObject {
  const value = capabilities[key];
  return isJsonObject(value) ? value : {};
}
