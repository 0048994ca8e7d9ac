// All sessions: each belongs to the principal who opened it, and to nobody else; who holds too many loses his idlest.
import type { Clock } from "@pratique/core";
import { gatewayErrors } from "../../errors.ts";
import { isSameCaller, principalKey, type Caller } from "../caller.ts";
import { SESSION_IDLE_MS, SESSION_LIMIT, SESSIONS_PER_PRINCIPAL } from "../front-limits.ts";
import type { Beating } from "../heartbeat.ts";

/** What the table knows of a session. */
export interface Seat {
  readonly id: string;
  /** As its last request said: groups may change while a session lasts. */
  caller: Caller;
  lastUsed: number;
  /** True while it answers something, or while its client listens. */
  readonly isBusy: boolean;
  beat(): void;
  close(): void;
}

export interface SessionTableOptions {
  readonly clock: Clock;
  readonly limit?: number;
  readonly perPrincipal?: number;
}

export class SessionTable<T extends Seat> implements Beating {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #perPrincipal: number;
  readonly #seats = new Map<string, T>();
  readonly #held = new Map<string, Set<T>>();

  constructor({ clock, limit = SESSION_LIMIT, perPrincipal = SESSIONS_PER_PRINCIPAL }: SessionTableOptions) {
    this.#clock = clock;
    this.#limit = limit;
    this.#perPrincipal = perPrincipal;
  }

  get count(): number {
    return this.#seats.size;
  }

  /** Whoever it belongs to. */
  find(id: string): T | undefined {
    return this.#seats.get(id);
  }

  /** @throws `gateway.session-unknown` */
  get(id: string, caller: Caller): T {
    const seat = this.#seats.get(id);
    // A session of somebody else is as unknown as one that never was.
    if (seat === undefined || !isSameCaller(seat.caller, caller)) throw gatewayErrors("gateway.session-unknown");
    seat.caller = caller;
    seat.lastUsed = this.now();
    return seat;
  }

  /**
   * When the principal has all that one may have, his own session that is idle longest goes;
   * when all places are taken, that of whoever holds most.
   * @throws `gateway.too-many-sessions` when none of them is idle
   */
  add(seat: T): void {
    const key = principalKey(seat.caller);
    const own = this.#held.get(key);
    if (own !== undefined && own.size >= this.#perPrincipal) this.#endIdlest(own);
    else if (this.#seats.size >= this.#limit)
      this.#endIdlest([...this.#held.values()].reduce((most, held) => (held.size > most.size ? held : most)));
    this.#seats.set(seat.id, seat);
    const held = this.#held.get(key);
    if (held === undefined) this.#held.set(key, new Set([seat]));
    else held.add(seat);
  }

  end(seat: T): void {
    if (!this.#seats.delete(seat.id)) return;
    const key = principalKey(seat.caller);
    const held = this.#held.get(key);
    held?.delete(seat);
    if (held?.size === 0) this.#held.delete(key);
    seat.close();
  }

  beat(): void {
    const before = this.now() - SESSION_IDLE_MS;
    for (const seat of this.#seats.values()) {
      if (!seat.isBusy && seat.lastUsed < before) this.end(seat);
      else seat.beat();
    }
  }

  close(): void {
    for (const seat of this.#seats.values()) this.end(seat);
  }

  now(): number {
    return this.#clock.now().getTime();
  }

  #endIdlest(seats: Iterable<T> & { readonly size: number }): void {
    let idlest: T | undefined;
    for (const seat of seats)
      if (!seat.isBusy && (idlest === undefined || seat.lastUsed < idlest.lastUsed)) idlest = seat;
    if (idlest === undefined) throw gatewayErrors("gateway.too-many-sessions", { count: seats.size });
    this.end(idlest);
  }
}
