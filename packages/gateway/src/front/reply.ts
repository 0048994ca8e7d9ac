// The HTTP answer to a POST: one JSON document as long as nothing else is to be said, a stream of events from then on.
import type { ServerResponse } from "node:http";
import type { JsonObject } from "@pratique/core";
import { UNREAD_LIMIT_BYTES } from "./front-limits.ts";
import type { Beating, Heartbeat } from "./heartbeat.ts";
import { EVENT_STREAM, sendJson } from "./http-answer.ts";

export interface ReplyOptions {
  readonly res: ServerResponse;
  readonly accept: string | undefined;
  readonly heartbeat: Heartbeat;
  /** Called once when the client went away before the end. */
  readonly onLeft: () => void;
}

export class Reply implements Beating {
  readonly #res: ServerResponse;
  readonly #heartbeat: Heartbeat;
  readonly #onLeft: () => void;
  /** A client may say that it takes no streams; it hears no notifications then. */
  readonly canStream: boolean;
  readonly #mustStream: boolean;
  #isStreaming = false;
  #isEnded = false;
  #isYoung = true;

  constructor({ res, accept, heartbeat, onLeft }: ReplyOptions) {
    this.#res = res;
    this.#heartbeat = heartbeat;
    this.#onLeft = onLeft;
    const all = accept === undefined || accept.includes("*/*");
    this.canStream = all || accept.includes("text/event-stream");
    this.#mustStream = !all && this.canStream && !accept.includes("application/json");
    res.once("close", this.#onClose);
    heartbeat.add(this);
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** A notification, or a request of ours. False: it cannot reach the client. */
  send(message: JsonObject): boolean {
    if (this.#isEnded || !this.canStream) return false;
    this.#write(`data: ${JSON.stringify(message)}\n\n`);
    return !this.#isEnded;
  }

  /** The answer, which is the end. `status` counts when nothing was sent before. */
  end(message: JsonObject | readonly JsonObject[], status = 200): void {
    if (this.#isEnded) return;
    if (!this.#isStreaming && !(this.#mustStream && status === 200)) {
      this.#finish();
      return sendJson(this.#res, status, message);
    }
    const messages: readonly JsonObject[] = isList(message) ? message : [message];
    for (const one of messages) this.#write(`data: ${JSON.stringify(one)}\n\n`);
    this.#finish();
    this.#res.end();
  }

  /** Ends without an answer, as for a request that its client cancelled. */
  drop(): void {
    if (this.#isEnded) return;
    if (!this.#isStreaming) this.#start();
    this.#finish();
    this.#res.end();
  }

  beat(): void {
    // Between two beats an answer is given the time of a whole one before it becomes a stream.
    if (this.#isYoung) this.#isYoung = false;
    else if (this.canStream) this.#write(":\n\n");
  }

  #start(): void {
    this.#isStreaming = true;
    this.#res.writeHead(200, EVENT_STREAM);
  }

  #write(text: string): void {
    if (this.#isEnded) return;
    if (!this.#isStreaming) this.#start();
    this.#res.write(text);
    // Who does not read holds our memory.
    if (this.#res.writableLength > UNREAD_LIMIT_BYTES) this.#res.destroy();
  }

  #finish(): void {
    this.#isEnded = true;
    this.#heartbeat.delete(this);
  }

  readonly #onClose = (): void => {
    if (this.#isEnded) return;
    this.#finish();
    this.#onLeft();
  };
}

function isList(message: JsonObject | readonly JsonObject[]): message is readonly JsonObject[] {
  return Array.isArray(message);
}
