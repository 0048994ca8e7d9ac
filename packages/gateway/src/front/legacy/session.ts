// A session of a client that speaks 2025-11-25 or older: what it said of itself, what it runs, what it was asked.
import { describeError, isPratiqueError, type JsonObject, type Log } from "@pratique/core";
import { answerLegacy } from "../../bridge/legacy-bridge.ts";
import { cannotAnswer, canVisit, missingCapability } from "../../bridge/client-abilities.ts";
import { loginNeeded } from "../../bridge/input-forms.ts";
import { gatewayErrors } from "../../errors.ts";
import type { ClientFacts, Exchange, ExchangeNotification, InputRequest } from "../../exchange/exchange.ts";
import { McpError } from "../../exchange/mcp-error.ts";
import type { Listening, RouterPort } from "../../exchange/router-port.ts";
import type { Caller } from "../caller.ts";
import { cleanParams } from "../clean-params.ts";
import { errorAnswer } from "../error-answer.ts";
import { ASK_TIMEOUT_MS, RUNNING_LIMIT, URI_LIMIT, WATCH_LIMIT } from "../front-limits.ts";
import { errorMessage } from "../http-answer.ts";
import type { RequestId, RpcNotification, RpcRequest, RpcResponse } from "../json-rpc.ts";
import { isLoud } from "../log-filter.ts";
import { withToken } from "../modern-outlet.ts";
import { CODE, LOG_LEVELS } from "../protocol.ts";

/** Where what belongs to a request goes until its answer. */
export interface SessionOutlet {
  /** False: it cannot reach the client. */
  send(message: JsonObject): boolean;
}

interface Question {
  readonly until: number;
  resolve(result: JsonObject): void;
  reject(error: McpError): void;
}

export interface SessionParts {
  readonly router: RouterPort;
  readonly log: Log;
  readonly now: () => number;
  /** Takes what belongs to no request. */
  readonly aside: (message: JsonObject) => void;
}

/** Least level of log messages that is asked of a server for a client that named none. */
const DEFAULT_LEVEL = "info";

export class LegacySession {
  caller: Caller;
  client: ClientFacts;
  readonly #parts: SessionParts;
  /** Set once the client named a level: until then it hears what its server sends. */
  #level: string | undefined;
  readonly #running = new Map<RequestId, AbortController>();
  readonly #questions = new Map<RequestId, Question>();
  #asked = 0;
  #listening: Promise<Listening> | undefined;
  readonly #watched = new Set<string>();
  /** Elicitations by URL whose end this client waits for. */
  readonly #elicitations = new Set<string>();
  #isClosed = false;

  constructor(caller: Caller, client: ClientFacts, parts: SessionParts) {
    this.caller = caller;
    this.client = { ...client, logLevel: DEFAULT_LEVEL };
    this.#parts = parts;
  }

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** The answer to send, or undefined when the client cancelled. Never rejects. */
  async answer(
    request: RpcRequest,
    outlet: SessionOutlet,
    left?: (abort: () => void) => void,
  ): Promise<JsonObject | undefined> {
    const { id, method } = request;
    const abort = new AbortController();
    try {
      if (this.#running.has(id)) throw new McpError(CODE.invalidRequest, "a request of this id is being answered");
      if (this.#running.size >= RUNNING_LIMIT)
        throw gatewayErrors("gateway.too-many-requests", { count: RUNNING_LIMIT });
    } catch (error) {
      return errorMessage(id, errorAnswer(error, "legacy"));
    }
    this.#running.set(id, abort);
    left?.(() => abort.abort());
    try {
      const result = await this.#result(request, outlet, abort.signal);
      return abort.signal.aborted ? undefined : { jsonrpc: "2.0", id, result };
    } catch (cause) {
      if (abort.signal.aborted) return undefined;
      const login = canVisit(this.client) ? loginNeeded(cause) : undefined;
      const error = login ?? cause;
      const answer = errorAnswer(error, "legacy");
      if (answer.isOurs) this.#parts.log.error("a request failed", { method, ...describeError(error) });
      this.#expectElicitations(error);
      return errorMessage(id, answer);
    } finally {
      this.#running.delete(id);
    }
  }

  notified({ method, params }: RpcNotification): void {
    if (method !== "notifications/cancelled") return;
    const { requestId } = params;
    if (typeof requestId === "string" || typeof requestId === "number") this.#running.get(requestId)?.abort();
  }

  /** An answer to a question of ours; one that nobody waits for is nobody's. */
  answered({ id, result, error }: RpcResponse): void {
    const question = this.#questions.get(id);
    if (question === undefined) return;
    this.#questions.delete(id);
    if (result !== undefined) question.resolve(result);
    else if (error !== undefined) question.reject(new McpError(error.code, error.message, error.data));
  }

  /** Hears of changes from now on; what it hears goes aside. */
  async listen(): Promise<Listening> {
    this.#listening ??= this.#parts.router
      .listen(this.caller, { tools: true, prompts: true, resources: true, uris: [] }, (told) => this.#tell(told))
      .catch((error: unknown) => {
        this.#listening = undefined;
        throw error;
      });
    const listening = await this.#listening;
    if (this.#isClosed) listening.end();
    return listening;
  }

  beat(): void {
    const now = this.#parts.now();
    for (const [id, { until, reject }] of this.#questions) {
      if (until > now) continue;
      this.#questions.delete(id);
      reject(new McpError(CODE.internal, "the client did not answer in time"));
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const abort of this.#running.values()) abort.abort();
    for (const { reject } of this.#questions.values()) reject(new McpError(CODE.internal, "the client left"));
    this.#questions.clear();
    void this.#listening?.then(
      (listening) => listening.end(),
      () => undefined,
    );
  }

  async #result(request: RpcRequest, outlet: SessionOutlet, signal: AbortSignal): Promise<JsonObject> {
    switch (request.method) {
      case "ping":
        return {};
      case "initialize":
        throw new McpError(CODE.invalidRequest, "the session is open");
      case "logging/setLevel":
        return this.#setLevel(request.params);
      case "resources/subscribe":
        return await this.#watch(request.params);
      case "resources/unsubscribe":
        return await this.#unwatch(request.params);
      default: {
        const { params, progressToken } = cleanParams(request.params);
        const exchange = this.#exchange({ method: request.method, params, progressToken, outlet, signal });
        return await answerLegacy(this.#parts.router, this.caller, exchange, (changed) => ({
          ...exchange,
          params: changed,
        }));
      }
    }
  }

  #exchange(options: {
    readonly method: string;
    readonly params: JsonObject;
    readonly progressToken: string | number | undefined;
    readonly outlet: SessionOutlet;
    readonly signal: AbortSignal;
  }): Exchange {
    const { method, params, progressToken, outlet, signal } = options;
    return {
      method,
      params,
      headers: NO_HEADERS,
      client: this.client,
      principal: this.caller.principal.id,
      signal,
      wantsProgress: progressToken !== undefined,
      notify: (notification) => {
        if (signal.aborted || (this.#level !== undefined && !isLoud(notification, this.#level))) return;
        const message = withToken(notification, progressToken);
        if (message !== undefined) outlet.send(message);
      },
      ask: (question) => this.#ask(question, outlet, signal),
    };
  }

  #ask(request: InputRequest, outlet: SessionOutlet, signal: AbortSignal): Promise<JsonObject> {
    const missing = missingCapability(this.client.capabilities, request);
    if (missing !== undefined) return Promise.reject(cannotAnswer(request, missing));
    if (signal.aborted || this.#questions.size >= RUNNING_LIMIT)
      return Promise.reject(new McpError(CODE.internal, "the client cannot be asked now"));
    this.#asked += 1;
    const id = this.#asked;
    this.#expectElicitation(request.params);
    if (!outlet.send({ jsonrpc: "2.0", id, ...request }))
      return Promise.reject(new McpError(CODE.internal, "the client takes no requests with its answers"));
    return new Promise<JsonObject>((resolve, reject) => {
      const onAbort = (): void => {
        this.#questions.delete(id);
        outlet.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: id } });
        reject(new McpError(CODE.internal, "the request was cancelled"));
      };
      signal.addEventListener("abort", onAbort, { once: true });
      const settled = (): void => signal.removeEventListener("abort", onAbort);
      this.#questions.set(id, {
        until: this.#parts.now() + ASK_TIMEOUT_MS,
        resolve: (result) => {
          settled();
          resolve(result);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
    });
  }

  #setLevel({ level }: JsonObject): JsonObject {
    if (typeof level !== "string" || !LOG_LEVELS.includes(level))
      throw new McpError(CODE.invalidParams, "Invalid params: level");
    this.#level = level;
    this.client = { ...this.client, logLevel: level };
    return {};
  }

  async #watch(params: JsonObject): Promise<JsonObject> {
    const uri = uriIn(params);
    if (this.#watched.has(uri)) return {};
    if (this.#watched.size >= WATCH_LIMIT)
      throw new McpError(CODE.invalidParams, `no more than ${WATCH_LIMIT} resources can be watched`);
    this.#watched.add(uri);
    try {
      await (await this.listen()).watch(uri);
    } catch (error) {
      this.#watched.delete(uri);
      throw error;
    }
    return {};
  }

  async #unwatch(params: JsonObject): Promise<JsonObject> {
    const uri = uriIn(params);
    if (this.#watched.delete(uri)) await (await this.listen()).unwatch(uri);
    return {};
  }

  #tell(notification: ExchangeNotification): void {
    const { method, params } = notification;
    if (this.#isClosed || (this.#level !== undefined && !isLoud(notification, this.#level))) return;
    // The end of an elicitation concerns whoever was asked to begin it.
    if (method === "notifications/elicitation/complete" && !this.#elicitations.delete(String(params["elicitationId"])))
      return;
    this.#parts.aside({ jsonrpc: "2.0", method, params });
  }

  #expectElicitation({ elicitationId }: JsonObject): void {
    if (typeof elicitationId !== "string" || this.#elicitations.size >= WATCH_LIMIT) return;
    this.#elicitations.add(elicitationId);
    // Its end is told outside of the request: without listening it would not be heard.
    void this.listen().catch((error: unknown) =>
      this.#parts.log.debug("a session cannot listen", describeError(error)),
    );
  }

  /** -32042 names elicitations that the client is to begin itself. */
  #expectElicitations(error: unknown): void {
    if (isPratiqueError(error) || !(error instanceof McpError) || error.code !== CODE.urlElicitation) return;
    const { data } = error;
    if (typeof data !== "object" || data === null || !("elicitations" in data)) return;
    const list = data.elicitations;
    if (!Array.isArray(list)) return;
    for (const one of list.slice(0, WATCH_LIMIT))
      if (typeof one === "object" && one !== null) this.#expectElicitation(one);
  }
}

const NO_HEADERS: Readonly<Record<string, string>> = {};

function uriIn({ uri }: JsonObject): string {
  if (typeof uri !== "string" || uri.length > URI_LIMIT) throw new McpError(CODE.invalidParams, "Invalid params: uri");
  return uri;
}
