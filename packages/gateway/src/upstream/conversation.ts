// JSON-RPC with one server: which answer belongs to which request, and to whom belongs what the server says unasked.
import type { Clock, JsonObject } from "@pratique/core";
import type { Exchange } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import { Flight, type Outgoing } from "./flight.ts";
import type { Line, LineListener } from "./line.ts";
import { isAtLeast } from "./log-levels.ts";
import { LostRequest, Misbehaviour } from "./lost-request.ts";
import { CODE, META, wireMessage, type RequestId, type WireMessage } from "./protocol.ts";

/** Requests to one server at a time. */
const FLIGHT_LIMIT = 2048;
/** Questions of one server that wait for clients. */
const QUESTION_LIMIT = 64;
/** and for those of one principal, where several share the connection: who does not answer keeps nobody else from it. */
const QUESTIONS_OF_ONE = 32;
/** Messages that nobody asked for, in a minute: a thousand a second of log and progress is more than a person reads, */
const UNASKED_LIMIT = 60_000;
/** and a question costs an answer. */
const QUESTION_WEIGHT = 6;
const UNASKED_WINDOW_MS = 60_000;
/** Messages in one batch (revision 2025-03-26). */
const BATCH_LIMIT = 256;

/** What a server may ask a client for. */
const QUESTIONS: readonly string[] = ["elicitation/create", "sampling/createMessage", "roots/list"];

export interface ConversationOptions {
  readonly clock: Clock;
  /** Everything that is asked over it is asked for one and the same principal. */
  readonly isPersonal: boolean;
  /** A notification that belongs to no request. */
  onNotification(method: string, params: JsonObject): void;
  onEnd(error: Error): void;
}

export class Conversation implements LineListener {
  readonly #options: ConversationOptions;
  readonly #flights = new Map<RequestId, Flight>();
  #line: Line | undefined;
  #lastId = 0;
  #questions = 0;
  readonly #questionsOf = new Map<string | undefined, number>();
  #unasked = 0;
  #windowStart = 0;
  #end: Error | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
  }

  /** To be called once, before anything is asked. */
  over(line: Line): void {
    this.#line = line;
  }

  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Requests of clients under way. */
  get inFlight(): number {
    let count = 0;
    for (const { outgoing } of this.#flights.values()) if (outgoing.exchange !== undefined) count += 1;
    return count;
  }

  /** @throws McpError, LostRequest, Abandoned */
  ask(outgoing: Outgoing): Promise<JsonObject> {
    return this.start(outgoing).answer;
  }

  /** As `ask`, for who may want to give it up. */
  start(outgoing: Outgoing): Flight {
    this.#lastId += 1;
    const flight = new Flight(this.#lastId, outgoing, {
      onSettled: ({ id }) => void this.#flights.delete(id),
      onAbandoned: (abandoned, reason) => this.#abandoned(abandoned, reason),
    });
    if (this.#line === undefined || this.#end !== undefined)
      flight.fail(
        new LostRequest(this.#end?.message ?? "there is no connection", { reached: false, endsConnection: true }),
      );
    else if (outgoing.signal?.aborted === true || outgoing.exchange?.signal.aborted === true)
      flight.fail(new Error("it was cancelled"));
    else if (this.#flights.size >= FLIGHT_LIMIT) flight.fail(new Error("too many requests are under way to it"));
    else {
      this.#flights.set(flight.id, flight);
      const { method } = outgoing;
      let text: string;
      try {
        text = JSON.stringify({ jsonrpc: "2.0", id: flight.id, method, params: outgoing.params(flight.id) });
      } catch (error) {
        flight.fail(error);
        return flight;
      }
      this.#line.send(flight, text);
    }
    return flight;
  }

  async tell(method: string, params: JsonObject): Promise<void> {
    if (this.#end === undefined) await this.#line?.say(JSON.stringify({ jsonrpc: "2.0", method, params }));
  }

  received(value: unknown, flight: Flight | undefined): void {
    if (Array.isArray(value)) {
      for (const item of value.slice(0, BATCH_LIMIT)) this.#receive(wireMessage(item), flight);
      return;
    }
    this.#receive(wireMessage(value), flight);
  }

  ended(error: Error): void {
    if (this.#end !== undefined) return;
    this.#end = error;
    const lost = new LostRequest(error.message, { reached: true, endsConnection: true }, error);
    for (const flight of this.#flights.values()) flight.fail(lost);
    this.#options.onEnd(error);
  }

  async close(isLost = false): Promise<void> {
    this.ended(new Error("the connection was closed"));
    await this.#line?.close(isLost);
  }

  #receive(message: WireMessage | undefined, flight: Flight | undefined): void {
    if (this.#end !== undefined) return;
    if (message?.kind === "result") {
      this.#flights.get(message.id)?.land(message.result);
      return;
    }
    if (message?.kind === "error") {
      const { code, message: text, data } = message.error;
      // What it could not read has no id to answer to, or one that the server made up: its stream tells which it was.
      const answered = (message.id === undefined ? undefined : this.#flights.get(message.id)) ?? flight;
      answered?.fail(new McpError(code, text, data));
      return;
    }
    if (this.#talksWithoutEnd(message?.kind === "request" ? QUESTION_WEIGHT : 1)) {
      this.ended(new Misbehaviour("it talks without end"));
      void this.close(true);
      return;
    }
    if (message === undefined) return;
    flight?.heard();
    if (message.kind === "request") this.#question(message.id, message.method, message.params, flight);
    else this.#notification(message.method, message.params, flight);
  }

  #notification(method: string, params: JsonObject, flight: Flight | undefined): void {
    if (method === "notifications/progress") {
      this.#progress(params);
      return;
    }
    const subscription = subscriptionOf(params);
    const listener = subscription === undefined ? flight : this.#flights.get(subscription);
    if (listener?.outgoing.onNotification !== undefined) {
      listener.outgoing.onNotification(method, params);
      return;
    }
    if (method === "notifications/cancelled") {
      this.#cancelled(params);
      return;
    }
    if (isOfServer(method)) {
      this.#options.onNotification(method, params);
      return;
    }
    const own = flight?.outgoing.exchange;
    if (own !== undefined) {
      tellOfServer(own, method, params);
      return;
    }
    const meant = method === "notifications/message" ? this.#meant() : undefined;
    if (meant !== undefined) tellOfServer(meant.exchange, method, params);
    // While several clients wait, it may concern any of them, and none must hear what concerns another.
    else if (method !== "notifications/message" || this.inFlight === 0) this.#options.onNotification(method, params);
  }

  #progress({ progressToken, ...params }: JsonObject): void {
    if (typeof progressToken !== "number") return;
    const flight = this.#flights.get(progressToken);
    const exchange = flight?.outgoing.exchange;
    if (flight === undefined || exchange === undefined) return;
    flight.heard();
    if (exchange.wantsProgress) exchange.notify({ method: "notifications/progress", params });
  }

  /** A server of revision 2026-07-28 ends a subscription so; what older ones cancel is a question that a client thinks about. */
  #cancelled({ requestId }: JsonObject): void {
    const flight = typeof requestId === "number" ? this.#flights.get(requestId) : undefined;
    if (flight?.outgoing.onNotification !== undefined) flight.land({});
  }

  #question(id: RequestId, method: string, params: JsonObject, flight: Flight | undefined): void {
    if (method === "ping") {
      this.#answer(id, { result: {} });
      return;
    }
    if (!QUESTIONS.includes(method)) {
      this.#refuse(id, new McpError(CODE.methodNotFound, "the gateway does not know this method"));
      return;
    }
    const asked =
      flight?.outgoing.exchange === undefined ? this.#meant() : { flight, exchange: flight.outgoing.exchange };
    if (asked === undefined) {
      this.#refuse(id, new McpError(CODE.invalidRequest, "it cannot be told which client's request this belongs to"));
      return;
    }
    const ofOne = this.#questionsOf.get(asked.exchange.principal) ?? 0;
    if (this.#questions >= QUESTION_LIMIT || (!this.#options.isPersonal && ofOne >= QUESTIONS_OF_ONE)) {
      this.#refuse(id, new McpError(CODE.internal, "too many questions wait for an answer"));
      return;
    }
    void this.#askClient(id, { method, params: withoutToken(params) }, asked);
  }

  async #askClient(
    id: RequestId,
    request: { readonly method: string; readonly params: JsonObject },
    { flight, exchange }: { readonly flight: Flight; readonly exchange: Exchange },
  ): Promise<void> {
    this.#countQuestion(exchange, 1);
    flight.questionAsked();
    try {
      this.#answer(id, { result: await exchange.ask(request) });
    } catch (error) {
      this.#refuse(id, error);
    } finally {
      this.#countQuestion(exchange, -1);
      flight.questionAnswered();
    }
  }

  #countQuestion({ principal }: Exchange, count: 1 | -1): void {
    this.#questions += count;
    const ofOne = (this.#questionsOf.get(principal) ?? 0) + count;
    if (ofOne > 0) this.#questionsOf.set(principal, ofOne);
    else this.#questionsOf.delete(principal);
  }

  /** The one request that a message without an address can belong to. Of several it is the latest, when all act for one principal. */
  #meant(): { readonly flight: Flight; readonly exchange: Exchange } | undefined {
    let meant: { flight: Flight; exchange: Exchange } | undefined;
    for (const flight of this.#flights.values()) {
      const { exchange } = flight.outgoing;
      if (exchange === undefined) continue;
      if (meant !== undefined && !this.#options.isPersonal) {
        const { principal } = exchange;
        if (principal === undefined || principal !== meant.exchange.principal) return undefined;
      }
      meant = { flight, exchange };
    }
    return meant;
  }

  #answer(id: RequestId, answer: { readonly result: JsonObject } | { readonly error: JsonObject }): void {
    if (this.#end !== undefined) return;
    void this.#line?.say(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
  }

  #refuse(id: RequestId, error: unknown): void {
    if (error instanceof McpError) {
      const { code, message, data } = error;
      this.#answer(id, { error: { code, message, ...(data === undefined ? {} : { data }) } });
    } else this.#answer(id, { error: { code: CODE.internal, message: "the client could not be asked" } });
  }

  #abandoned(flight: Flight, reason: string): void {
    // `initialize` must not be cancelled (revision 2025-11-25, basic/utilities/cancellation).
    if (this.#line?.hangUp(flight) === true || flight.outgoing.method === "initialize") return;
    void this.tell("notifications/cancelled", { requestId: flight.id, reason });
  }

  #talksWithoutEnd(weight: number): boolean {
    const now = this.#options.clock.now().getTime();
    if (now - this.#windowStart >= UNASKED_WINDOW_MS) {
      this.#windowStart = now;
      this.#unasked = 0;
    }
    this.#unasked += weight;
    return this.#unasked > UNASKED_LIMIT;
  }
}

function subscriptionOf({ _meta: meta }: JsonObject): RequestId | undefined {
  if (typeof meta !== "object" || meta === null || Array.isArray(meta)) return undefined;
  const id = (meta as JsonObject)[META.subscription];
  return typeof id === "number" || typeof id === "string" ? id : undefined;
}

/** What concerns the server and not a request, on whatever stream it comes. */
function isOfServer(method: string): boolean {
  return method.endsWith("/list_changed") || method === "notifications/resources/updated";
}

/** To the client whose request it is; log messages only as it wants them. */
function tellOfServer(exchange: Exchange, method: string, params: JsonObject): void {
  if (method === "notifications/message") {
    const { logLevel, era } = exchange.client;
    // Without a level a client of the newest revision wants none, and an older one what the server finds right.
    if (logLevel === undefined ? era === "modern" : !isAtLeast(params["level"], logLevel)) return;
  }
  exchange.notify({ method, params });
}

/** Progress of the answer cannot reach the server: it is not asked for. */
function withoutToken(params: JsonObject): JsonObject {
  const { _meta: meta, ...rest } = params;
  if (typeof meta !== "object" || meta === null || Array.isArray(meta)) return params;
  const { progressToken, ...others } = meta as JsonObject;
  return progressToken === undefined ? params : { ...rest, _meta: others };
}
