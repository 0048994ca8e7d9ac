// The HTTP answer to a POST of a session: JSON as long as nothing else is to be said, then a stream that can be taken up again.
import type { ServerResponse } from "node:http";
import type { JsonObject } from "@pratique/core";
import type { Beating, Heartbeat } from "../heartbeat.ts";
import { EVENT_STREAM, sendJson } from "../http-answer.ts";
import type { EventStore } from "./event-store.ts";
import type { EventStream } from "./event-stream.ts";
import type { SessionOutlet } from "./session.ts";

export interface SessionReplyOptions {
  readonly res: ServerResponse;
  readonly accept: string | undefined;
  readonly heartbeat: Heartbeat;
  readonly store: EventStore;
  readonly isPrimed: boolean;
  /** How many answers there will be, */
  readonly count: number;
  /** and whether they came as a batch (2025-03-26). */
  readonly isBatch: boolean;
}

export class SessionReply implements SessionOutlet, Beating {
  readonly #options: SessionReplyOptions;
  readonly #canStream: boolean;
  readonly #mustStream: boolean;
  readonly #answers: JsonObject[] = [];
  readonly #aborts: (() => void)[] = [];
  #missing: number;
  #stream: EventStream | undefined;
  #isYoung = true;
  #hasLeft = false;

  constructor(options: SessionReplyOptions) {
    const { res, accept, heartbeat, count } = options;
    this.#options = options;
    this.#missing = count;
    const all = accept === undefined || accept.includes("*/*");
    this.#canStream = all || accept.includes("text/event-stream");
    this.#mustStream = !all && this.#canStream && !accept.includes("application/json");
    res.once("close", this.#onClose);
    heartbeat.add(this);
  }

  /** Called when the client left and nothing can reach it any more. */
  onLeft(abort: () => void): void {
    if (this.#hasLeft) abort();
    else this.#aborts.push(abort);
  }

  send(message: JsonObject): boolean {
    if (!this.#canStream || this.#hasLeft || this.#missing === 0) return false;
    this.#streaming().send(message);
    return true;
  }

  /** One of the answers; undefined for a request that its client cancelled. */
  answer(message: JsonObject | undefined): void {
    this.#missing -= 1;
    if (message !== undefined) {
      if (this.#stream !== undefined || (this.#mustStream && !this.#hasLeft)) this.#streaming().send(message);
      else this.#answers.push(message);
    }
    if (this.#missing === 0) this.#finish();
  }

  beat(): void {
    if (this.#isYoung) this.#isYoung = false;
    else if (this.#canStream && !this.#hasLeft) this.#streaming().beat();
  }

  #streaming(): EventStream {
    if (this.#stream !== undefined) return this.#stream;
    const { res, store, isPrimed } = this.#options;
    this.#stream = store.open();
    this.#stream.attach(res, { after: undefined, isPrimed });
    for (const answer of this.#answers.splice(0)) this.#stream.send(answer);
    return this.#stream;
  }

  #finish(): void {
    const { res, heartbeat, isBatch } = this.#options;
    heartbeat.delete(this);
    if (this.#stream !== undefined) return this.#stream.end();
    if (this.#hasLeft) return;
    const [first] = this.#answers;
    if (first !== undefined) return sendJson(res, 200, isBatch ? this.#answers : first);
    // There is no answer to a request that was cancelled, and HTTP wants one.
    res.writeHead(this.#canStream ? 200 : 202, this.#canStream ? EVENT_STREAM : {});
    res.end();
  }

  readonly #onClose = (): void => {
    // A stream that broke off can be taken up again: its requests go on (2025-11-25, Resumability).
    if (this.#missing === 0 || this.#stream !== undefined) return;
    this.#hasLeft = true;
    this.#options.heartbeat.delete(this);
    for (const abort of this.#aborts) abort();
  };
}
