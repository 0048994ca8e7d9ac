// One request that is under way to a server.
import type { JsonObject } from "@pratique/core";
import type { Exchange } from "../exchange/exchange.ts";

/** What is to be sent, in the form of the server's revision. */
export interface Outgoing {
  readonly method: string;
  /** Given the request's id, which is its progress token too. */
  params(id: number): JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly exchange?: Exchange;
  readonly signal?: AbortSignal;
  /** Longest silence; undefined: as long as it takes. */
  readonly silenceMs?: number;
  readonly totalMs?: number;
  /** For `subscriptions/listen`: what came for it. */
  onNotification?(method: string, params: JsonObject): void;
}

/** Why we ourselves ended a request, and tell the server so. */
export class Abandoned extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "Abandoned";
  }
}

export class Flight {
  readonly id: number;
  readonly outgoing: Outgoing;
  readonly answer: Promise<JsonObject>;
  /** Closes the HTTP request that it travels on; set by the line. */
  hangUp: (() => void) | undefined;
  isSettled = false;
  readonly #resolve: (result: JsonObject) => void;
  readonly #reject: (error: unknown) => void;
  readonly #onSettled: (flight: Flight) => void;
  readonly #onAbandoned: (flight: Flight, reason: string) => void;
  #silence: NodeJS.Timeout | undefined;
  #total: NodeJS.Timeout | undefined;
  /** Questions to the client: while a person thinks, no time runs. */
  #questions = 0;

  constructor(
    id: number,
    outgoing: Outgoing,
    hooks: { onSettled(flight: Flight): void; onAbandoned(flight: Flight, reason: string): void },
  ) {
    this.id = id;
    this.outgoing = outgoing;
    this.#onSettled = hooks.onSettled;
    this.#onAbandoned = hooks.onAbandoned;
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#startTimers();
    outgoing.signal?.addEventListener("abort", this.#abort);
    if (outgoing.signal !== outgoing.exchange?.signal) outgoing.exchange?.signal.addEventListener("abort", this.#abort);
  }

  land(result: JsonObject): void {
    if (this.#settle()) this.#resolve(result);
  }

  fail(error: unknown): void {
    if (this.#settle()) this.#reject(error);
  }

  /** Ends it from our side. */
  abandon(reason: string): void {
    if (this.isSettled) return;
    this.fail(new Abandoned(reason));
    this.#onAbandoned(this, reason);
  }

  /** The server said something about it: the silence starts anew. */
  heard(): void {
    this.#silence?.refresh();
  }

  questionAsked(): void {
    this.#questions += 1;
    this.#stopTimers();
  }

  questionAnswered(): void {
    this.#questions -= 1;
    if (this.#questions === 0 && !this.isSettled) this.#startTimers();
  }

  readonly #abort = (): void => this.abandon("it was cancelled");

  #settle(): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    this.#stopTimers();
    this.outgoing.signal?.removeEventListener("abort", this.#abort);
    this.outgoing.exchange?.signal.removeEventListener("abort", this.#abort);
    this.#onSettled(this);
    return true;
  }

  #startTimers(): void {
    const { silenceMs, totalMs } = this.outgoing;
    if (silenceMs !== undefined)
      this.#silence = setTimeout(() => this.abandon(`nothing was heard of it for ${silenceMs} ms`), silenceMs).unref();
    if (totalMs !== undefined)
      this.#total = setTimeout(() => this.abandon(`it took longer than ${totalMs} ms`), totalMs).unref();
  }

  #stopTimers(): void {
    clearTimeout(this.#silence);
    clearTimeout(this.#total);
  }
}
