// The streams of one session, and how much of them is kept for a client that comes back.
import { ALL_EVENTS_BYTES_LIMIT, EVENT_BYTES_LIMIT, EVENT_LIMIT } from "../front-limits.ts";
import { EventStream, type EventBudget } from "./event-stream.ts";

interface Holder {
  bytes: number;
  readonly stores: Set<EventStore>;
}

/** What all sessions keep together. When it is full, whoever holds most gives way: nobody takes from others what they keep. */
export class EventPool {
  #bytes = 0;
  readonly #limitBytes: number;
  /** By principal; only those who hold anything. */
  readonly #holders = new Map<string, Holder>();

  constructor(limitBytes: number = ALL_EVENTS_BYTES_LIMIT) {
    this.#limitBytes = limitBytes;
  }

  grew(store: EventStore, bytes: number): void {
    this.#bytes += bytes;
    const holder = this.#holders.get(store.owner) ?? { bytes: 0, stores: new Set() };
    this.#holders.set(store.owner, holder);
    holder.bytes += bytes;
    if (store.bytes > 0) holder.stores.add(store);
    else holder.stores.delete(store);
    if (holder.stores.size === 0) this.#holders.delete(store.owner);
    if (bytes <= 0) return;
    while (this.#bytes > this.#limitBytes && largest(largest(this.#holders.values())?.stores ?? [])?.shift() === true);
  }

  get bytes(): number {
    return this.#bytes;
  }
}

function largest<T extends { readonly bytes: number }>(all: Iterable<T>): T | undefined {
  let most: T | undefined;
  for (const one of all) if (most === undefined || one.bytes > most.bytes) most = one;
  return most;
}

/** Streams that ended are kept for their clients as long as they are this few. */
const STREAM_LIMIT = 64;

export class EventStore implements EventBudget {
  /** Whose session it is. */
  readonly owner: string;
  readonly #pool: EventPool;
  readonly #streams = new Map<string, EventStream>();
  #made = 0;
  #events = 0;
  #bytes = 0;

  constructor(pool: EventPool, owner: string) {
    this.#pool = pool;
    this.owner = owner;
  }

  get bytes(): number {
    return this.#bytes;
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
    if (bytes > 0) while ((this.#events > EVENT_LIMIT || this.#bytes > EVENT_BYTES_LIMIT) && this.shift());
    this.#pool.grew(this, bytes);
  }

  /** Forgets its oldest event: of streams that ended, then of those that somebody hears. False: there is none. */
  shift(): boolean {
    const oldest = this.#oldest();
    oldest?.shift();
    return oldest !== undefined;
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
