// A request of a client of 2026-07-28 on its way: it may be asked things, be parked with its questions, and go on with a retry.
import type { JsonObject } from "@pratique/core";
import type { Answer, ClientFacts, Exchange, ExchangeNotification, InputRequest } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import { BACKLOG_LIMIT, INPUT_LIMIT } from "../front/front-limits.ts";
import { ASKABLE, CODE } from "../front/protocol.ts";
import { cannotAnswer, missingCapability } from "./client-abilities.ts";
import type { Outlet } from "./outlet.ts";

export type Outcome =
  | { readonly type: "answered"; readonly answer: Answer }
  | { readonly type: "failed"; readonly error: unknown }
  | { readonly type: "asked" };

interface Question {
  readonly request: InputRequest;
  resolve(result: JsonObject): void;
  reject(error: McpError): void;
}

export interface LiveCallOptions {
  readonly method: string;
  readonly params: JsonObject;
  readonly headers: Readonly<Record<string, string>>;
  readonly client: ClientFacts;
  readonly wantsProgress: boolean;
  /** Whom it is for. */
  readonly principal: string;
}

const ASKED: Outcome = { type: "asked" };

export class LiveCall implements Exchange {
  readonly method: string;
  readonly params: JsonObject;
  readonly headers: Readonly<Record<string, string>>;
  readonly client: ClientFacts;
  readonly wantsProgress: boolean;
  readonly principal: string;
  /** A capability that the client had not when the server asked. */
  missing: JsonObject | undefined;
  /** How often it was parked. */
  round = 0;
  readonly #left = new AbortController();
  /** Own members, all of what an exchange is: whoever changes its params spreads it. */
  readonly signal: AbortSignal = this.#left.signal;
  #outlet: Outlet | undefined;
  #outcome: Outcome | undefined;
  #wake: ((outcome: Outcome) => void) | undefined;
  #backlog: ExchangeNotification[] = [];
  #questions: Map<string, Question> | undefined;
  #asked = 0;

  constructor({ method, params, headers, client, wantsProgress, principal }: LiveCallOptions) {
    this.method = method;
    this.params = params;
    this.headers = headers;
    this.client = client;
    this.wantsProgress = wantsProgress;
    this.principal = principal;
  }

  /** True while an HTTP request waits for it. */
  get isAttached(): boolean {
    return this.#outlet !== undefined;
  }

  /** What the client is to answer, by key. */
  get questions(): ReadonlyMap<string, { readonly request: InputRequest }> {
    return this.#questions ?? NO_QUESTIONS;
  }

  readonly notify = (notification: ExchangeNotification): void => {
    if (this.#outlet !== undefined) this.#outlet.notify(notification);
    else if (this.#backlog.length < BACKLOG_LIMIT) this.#backlog.push(notification);
  };

  readonly ask = (request: InputRequest): Promise<JsonObject> => {
    const missing = ASKABLE.has(this.method) ? missingCapability(this.client.capabilities, request) : {};
    if (missing !== undefined) {
      if (Object.keys(missing).length > 0) this.missing ??= missing;
      return Promise.reject(cannotAnswer(request, missing));
    }
    this.#questions ??= new Map();
    if (this.#questions.size >= INPUT_LIMIT || this.signal.aborted)
      return Promise.reject(new McpError(CODE.internal, "the client cannot be asked now"));
    const asked = new Promise<JsonObject>((resolve, reject) => {
      this.#asked += 1;
      this.#questions?.set(`input-${this.#asked}`, { request, resolve, reject });
    });
    // A server that asks several things at once asks them in one answer.
    setImmediate(() => {
      if (this.questions.size > 0) this.#settle(ASKED);
    });
    return asked;
  };

  /** Waits for what comes next; notifications go to `outlet` meanwhile. */
  wait(outlet: Outlet): Promise<Outcome> {
    this.#outlet = outlet;
    outlet.onLeft = () => this.abort();
    for (const notification of this.#backlog.splice(0)) outlet.notify(notification);
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#outcome !== undefined) this.#settle(this.#outcome);
      else if (this.questions.size > 0) this.#settle(ASKED);
    });
  }

  /** The end of it, as the router tells. */
  follow(answering: Promise<Answer>): void {
    answering.then(
      (answer) => this.#settle((this.#outcome = { type: "answered", answer })),
      (error: unknown) => this.#settle((this.#outcome = { type: "failed", error })),
    );
  }

  /** Hands answers to whoever asked. */
  take(results: ReadonlyMap<string, JsonObject>): void {
    for (const [key, result] of results) {
      this.#questions?.get(key)?.resolve(result);
      this.#questions?.delete(key);
    }
  }

  abort(): void {
    const error = new McpError(CODE.internal, "the client did not answer");
    for (const { reject } of this.#questions?.values() ?? []) reject(error);
    this.#questions?.clear();
    this.#left.abort();
  }

  #settle(outcome: Outcome): void {
    const wake = this.#wake;
    if (wake === undefined) return;
    if (this.#outlet !== undefined) this.#outlet.onLeft = undefined;
    this.#wake = undefined;
    this.#outlet = undefined;
    wake(outcome);
  }
}

const NO_QUESTIONS: ReadonlyMap<string, { readonly request: InputRequest }> = new Map();
