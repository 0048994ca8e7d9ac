// A stream of events of a session that its client can take up again where it broke off (2025-11-25, Resumability).
import type { ServerResponse } from "node:http";
import type { JsonObject } from "@pratique/core";
import { EVENT_STREAM } from "../http-answer.ts";
import { UNREAD_LIMIT_BYTES } from "../front-limits.ts";

interface Event {
  readonly sequence: number;
  readonly text: string;
}

/** What streams together may keep; told of each event that is kept and that goes. */
export interface EventBudget {
  grew(stream: EventStream, events: number, bytes: number): void;
}

/** How long a client should wait before it takes a broken stream up again. */
const RETRY_MS = 1000;

export class EventStream {
  readonly id: string;
  readonly #budget: EventBudget;
  #events: Event[] = [];
  #next = 1;
  /** The last event that went out on some connection. */
  #heard = 0;
  #sink: ServerResponse | undefined;
  #isEnded = false;

  constructor(id: string, budget: EventBudget) {
    this.id = id;
    this.#budget = budget;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  get isAttached(): boolean {
    return this.#sink !== undefined;
  }

  get kept(): number {
    return this.#events.length;
  }

  /**
   * Goes out on `res` from now on, beginning with what came after the event `after`. Another connection that
   * had it is ended: a message goes to one stream only.
   */
  attach(
    res: ServerResponse,
    { after, isPrimed }: { readonly after: number | undefined; readonly isPrimed: boolean },
  ): void {
    const before = this.#sink;
    this.#sink = undefined;
    before?.end();
    res.writeHead(200, EVENT_STREAM);
    // An event without data gives the client an id to come back with before anything happened (SEP-1699).
    if (isPrimed && after === undefined) res.write(`id: ${this.#name(0)}\nretry: ${RETRY_MS}\ndata: \n\n`);
    else res.flushHeaders();
    // Whoever does not say where it broke off gets what nobody has heard yet.
    const from = after ?? this.#heard;
    for (const event of this.#events) if (event.sequence > from) res.write(this.#frame(event));
    this.#heard = this.#next - 1;
    if (this.#isEnded) return void res.end();
    this.#sink = res;
    res.once("close", () => {
      if (this.#sink === res) this.#sink = undefined;
    });
  }

  send(message: JsonObject): void {
    if (this.#isEnded) return;
    const event = { sequence: this.#next, text: JSON.stringify(message) };
    this.#next += 1;
    this.#events.push(event);
    if (this.#sink !== undefined) this.#heard = event.sequence;
    this.#write(this.#frame(event));
    this.#budget.grew(this, 1, event.text.length);
  }

  beat(): void {
    this.#write(":\n\n");
  }

  /** Nothing more will come; what is kept can still be asked for. */
  end(): void {
    this.#isEnded = true;
    this.#sink?.end();
    this.#sink = undefined;
  }

  /** Forgets its oldest event. */
  shift(): void {
    const oldest = this.#events.shift();
    if (oldest !== undefined) this.#budget.grew(this, -1, -oldest.text.length);
  }

  /** Forgets all. */
  clear(): void {
    while (this.#events.length > 0) this.shift();
  }

  #write(text: string): void {
    const sink = this.#sink;
    if (sink === undefined) return;
    sink.write(text);
    // Who does not read can come back and ask for what is kept.
    if (sink.writableLength > UNREAD_LIMIT_BYTES) sink.destroy();
  }

  #frame({ sequence, text }: Event): string {
    return `id: ${this.#name(sequence)}\ndata: ${text}\n\n`;
  }

  #name(sequence: number): string {
    return `${this.id}.${sequence}`;
  }
}

/** `STREAM.SEQUENCE`, as a client brings it back; undefined when it is none of ours. */
export function readEventId(text: string): { readonly stream: string; readonly sequence: number } | undefined {
  const found = /^([0-9a-z]{1,12})\.(\d{1,15})$/.exec(text);
  return found === null ? undefined : { stream: found[1]!, sequence: Number(found[2]) };
}
