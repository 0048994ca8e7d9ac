// Calls that wait for their client to come back with answers: bounded, and not for ever.
import { randomUUID } from "node:crypto";
import type { Clock } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import { principalKey, type Caller } from "../front/caller.ts";
import { ASK_TIMEOUT_MS, PARKED_LIMIT, PARKED_PER_PRINCIPAL, USED_LIMIT } from "../front/front-limits.ts";
import type { Beating } from "../front/heartbeat.ts";
import type { LiveCall } from "./live-call.ts";

interface Parked {
  readonly call: LiveCall;
  readonly principal: string;
  readonly until: number;
}

export class ParkedCalls implements Beating {
  readonly #clock: Clock;
  readonly #parked = new Map<string, Parked>();
  readonly #counts = new Map<string, number>();
  /** Places that were left by a retry: whoever comes to one again is told so, as long as it is remembered. */
  readonly #used = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#parked.size;
  }

  /** @throws `gateway.too-many-parked` */
  park(call: LiveCall, caller: Caller): string {
    const principal = principalKey(caller);
    this.beat();
    const count = this.#counts.get(principal) ?? 0;
    if (count >= PARKED_PER_PRINCIPAL || this.#parked.size >= PARKED_LIMIT)
      throw gatewayErrors("gateway.too-many-parked", { count });
    this.#counts.set(principal, count + 1);
    const id = randomUUID();
    this.#parked.set(id, { call, principal, until: this.#now() + ASK_TIMEOUT_MS });
    return id;
  }

  /** @throws `gateway.state-used`, `gateway.state-gone` */
  find(id: string): LiveCall {
    this.beat();
    const parked = this.#parked.get(id);
    if (parked === undefined) throw gatewayErrors(this.#used.has(id) ? "gateway.state-used" : "gateway.state-gone");
    return parked.call;
  }

  /** Its client is back: the place is taken once. */
  leave(id: string): void {
    this.#release(id);
    this.#used.add(id);
    const [oldest] = this.#used;
    if (this.#used.size > USED_LIMIT && oldest !== undefined) this.#used.delete(oldest);
  }

  #release(id: string): void {
    const parked = this.#parked.get(id);
    if (parked === undefined) return;
    this.#parked.delete(id);
    const count = (this.#counts.get(parked.principal) ?? 1) - 1;
    if (count > 0) this.#counts.set(parked.principal, count);
    else this.#counts.delete(parked.principal);
  }

  /** Gives up those whose client did not come back. All were parked for the same time: the oldest is the first to go. */
  beat(): void {
    const now = this.#now();
    for (const [id, { call, until }] of this.#parked) {
      if (until > now) return;
      this.#release(id);
      call.abort();
    }
  }

  close(): void {
    for (const [id, { call }] of this.#parked) {
      this.#release(id);
      call.abort();
    }
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}
