// The streams of one session, and how much of them is kept for a client that comes back.
import { ALL_EVENTS_BYTES_LIMIT, EVENT_BYTES_LIMIT, EVENT_LIMIT } from "../front-limits.ts";
import { EventStream, type EventBudget } from "./event-stream.ts";

/** What all sessions keep together. */
export class EventPool {
  #bytes = 0;
  readonly #limitBytes: number;

  constructor(limitBytes: number = ALL_EVENTS_BYTES_LIMIT) {
    this.#limitBytes = limitBytes;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  get isFull(): boolean {
    return this.#bytes > this.#limitBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }
}

/** Streams that ended are kept for their clients as long as they are this few. */
const STREAM_LIMIT = 64;

export class EventStore implements EventBudget {
  readonly #pool: EventPool;
  readonly #streams = new Map<string, EventStream>();
  #made = 0;
  #events = 0;
  #bytes = 0;

  constructor(pool: EventPool) {
    this.#pool = pool;
  }

  open(): EventStream {
    this.#made += 1;
    const stream = new EventStream(this.#made.toString(36), this);
    this.#streams.set(stream.id, stream);
    for (const old of this.#streams.values()) {
      if (this.#streams.size <= STREAM_LIMIT) break;
      if (old.isEnded) this.#forget(old);
    }
    return stream;
  }

  find(id: string): EventStream | undefined {
    return this.#streams.get(id);
  }

  beat(): void {
    for (const stream of this.#streams.values()) stream.beat();
  }

  close(): void {
    for (const stream of this.#streams.values()) {
      stream.end();
      this.#forget(stream);
    }
  }

  grew(_stream: EventStream, events: number, bytes: number): void {
    this.#events += events;
    this.#bytes += bytes;
    this.#pool.add(bytes);
    if (bytes <= 0) return;
    // The oldest go first: of streams that ended, then of those that somebody hears.
    while (this.#isOver()) {
      const oldest = this.#oldest();
      if (oldest === undefined) return;
      oldest.shift();
    }
  }

  #isOver(): boolean {
    return this.#events > EVENT_LIMIT || this.#bytes > EVENT_BYTES_LIMIT || this.#pool.isFull;
  }

  #oldest(): EventStream | undefined {
    let live: EventStream | undefined;
    for (const stream of this.#streams.values()) {
      if (stream.kept === 0) continue;
      if (stream.isEnded) return stream;
      live ??= stream;
    }
    return live;
  }

  #forget(stream: EventStream): void {
    stream.clear();
    this.#streams.delete(stream.id);
  }
}
