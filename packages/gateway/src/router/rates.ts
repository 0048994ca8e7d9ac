// Rates and quotas: how often who may ask for what.
import type { GatewayLimit } from "@pratique/contracts";
import { isPratiqueError, type Clock } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import { principalKey, type Caller } from "../front/caller.ts";
import { isAmong, personOf } from "./profile.ts";

/** What is counted. Lists are of no server. */
export interface Counted {
  readonly caller: Caller;
  readonly kind: "calls" | "lists";
  readonly server?: string;
  readonly tool?: string;
}

/** Keeps counts of a day over restarts. */
export interface Quotas {
  /**
   * Takes up to `amount` of what is left of a quota today; resolves with how many were taken, durably.
   * What was taken and not used when the process ends is lost: more than the quota is never given.
   */
  take(quota: string, day: string, amount: number, perDay: number): Promise<number>;
}

type RefusalCode = "gateway.rate-limited" | "gateway.quota-spent";

interface Bucket {
  tokens: number;
  at: number;
}

interface Allowance {
  readonly day: string;
  left: number;
  taking: Promise<void> | undefined;
  isSpent: boolean;
}

const DAY_MS = 86_400_000;
/** Counts at a time: a full bucket is as good as none, so the oldest go. */
const KEYS_LIMIT = 50_000;
/** Refusals of one count have a record so often. */
const RECORD_EVERY_MS = 10_000;
/** Part of a quota that is taken at once, so that most requests wait for no disk. */
const PORTION = 100;

export class Rates {
  readonly #limits: readonly GatewayLimit[];
  readonly #clock: Clock;
  readonly #quotas: Quotas | undefined;
  readonly #buckets = new Map<string, Bucket>();
  readonly #allowances = new Map<string, Allowance>();
  /** When each count refused last; who goes on asking gets no record for each. */
  readonly #refused = new Map<string, number>();
  readonly #toRecord = new WeakSet<object>();

  constructor(options: {
    readonly limits: readonly GatewayLimit[];
    readonly clock: Clock;
    readonly quotas?: Quotas | undefined;
  }) {
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#quotas = options.quotas;
  }

  /** Counts a request. @throws `gateway.rate-limited`, `gateway.quota-spent` with `details.retryAfterMs` */
  take(counted: Counted): Promise<void> | void {
    if (this.#limits.length === 0) return;
    return this.#takeAll(counted);
  }

  /** True for the first refusal in a while: it is an act that did not happen, and has a record. */
  isToRecord(error: unknown): boolean {
    return typeof error === "object" && error !== null && this.#toRecord.has(error);
  }

  async #takeAll(counted: Counted): Promise<void> {
    const limits = this.#limits
      .filter((limit) => concerns(limit, counted))
      .map((limit) => ({ limit, key: keyOf(limit, counted) }));
    const now = this.#clock.now().getTime();
    for (const { limit, key } of limits) {
      const waitMs = this.#waitOf(limit, key, now);
      if (waitMs > 0) throw this.#refusal("gateway.rate-limited", limit, key, now, waitMs);
    }
    // Taken before anything is waited for: requests that come together share what there is.
    for (const { limit, key } of limits) this.#drain(limit, key, now, 1);
    try {
      for (const { limit, key } of limits) await this.#spend(limit, key, now);
    } catch (error) {
      for (const { limit, key } of limits) this.#drain(limit, key, now, -1);
      throw error;
    }
  }

  #refusal(code: RefusalCode, { name }: GatewayLimit, key: string, now: number, retryAfterMs: number): Error {
    const params = { limit: name, seconds: Math.ceil(retryAfterMs / 1000) };
    const error = gatewayErrors(code, params, { details: { limit: name, retryAfterMs } });
    const last = this.#refused.get(key);
    if (last !== undefined && now - last < RECORD_EVERY_MS) return error;
    this.#toRecord.add(error);
    this.#refused.delete(key);
    this.#refused.set(key, now);
    forgetOldest(this.#refused);
    return error;
  }

  /** How long until the next request may come. */
  #waitOf({ rate }: GatewayLimit, key: string, now: number): number {
    if (rate === undefined) return 0;
    const tokens = this.#tokens(rate, key, now);
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * rate.seconds * 1000) / rate.requests);
  }

  #tokens(rate: NonNullable<GatewayLimit["rate"]>, key: string, now: number): number {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return rate.requests;
    const grown = (Math.max(0, now - bucket.at) * rate.requests) / (rate.seconds * 1000);
    return Math.min(rate.requests, bucket.tokens + grown);
  }

  #drain({ rate }: GatewayLimit, key: string, now: number, count: 1 | -1): void {
    if (rate === undefined) return;
    const tokens = this.#tokens(rate, key, now) - count;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens, at: now });
    forgetOldest(this.#buckets);
  }

  async #spend(limit: GatewayLimit, key: string, now: number): Promise<void> {
    if (limit.perDay === undefined) return;
    const day = new Date(now).toISOString().slice(0, 10);
    let allowance = this.#allowances.get(key);
    if (allowance?.day !== day) {
      allowance = { day, left: 0, taking: undefined, isSpent: false };
      this.#allowances.set(key, allowance);
      forgetOldest(this.#allowances);
    }
    while (allowance.left < 1 && !allowance.isSpent) {
      allowance.taking ??= this.#refill(allowance, limit, limit.perDay, key);
      await allowance.taking;
    }
    if (allowance.left < 1) throw this.#refusal("gateway.quota-spent", limit, key, now, DAY_MS - (now % DAY_MS));
    allowance.left -= 1;
  }

  async #refill(allowance: Allowance, limit: GatewayLimit, perDay: number, key: string): Promise<void> {
    try {
      const portion = Math.max(1, Math.floor(perDay / PORTION));
      const taken = this.#quotas === undefined ? 0 : await this.#quotas.take(key, allowance.day, portion, perDay);
      allowance.left += taken;
      // Without anything to keep counts in, there is none to be had.
      if (taken === 0) allowance.isSpent = true;
    } finally {
      allowance.taking = undefined;
    }
  }
}

/** True for an error of this file. */
export function isLimit(error: unknown): boolean {
  return isPratiqueError(error) && (error.code === "gateway.rate-limited" || error.code === "gateway.quota-spent");
}

function forgetOldest(counts: Map<string, unknown>): void {
  const { value } = counts.keys().next();
  if (counts.size > KEYS_LIMIT && value !== undefined) counts.delete(value);
}

function concerns(limit: GatewayLimit, { caller, kind, server, tool }: Counted): boolean {
  const { counts, servers, tools, users, groups } = limit;
  if (counts !== "all" && counts !== kind) return false;
  if (servers !== undefined && (server === undefined || !servers.includes(server))) return false;
  if (tools !== undefined && (tool === undefined || !tools.includes(tool))) return false;
  if (users === undefined && groups === undefined) return true;
  return isAmong(caller.principal, users ?? [], groups ?? []);
}

function keyOf({ name, per }: GatewayLimit, { caller, server = "", tool = "" }: Counted): string {
  const parts = per.map((what) => {
    if (what === "server") return server;
    if (what === "tool") return `${server}/${tool}`;
    // All agents of a person share his count: starting more of them gives nobody more.
    const person = personOf(caller.principal);
    return principalKey({ ...caller, principal: person });
  });
  return JSON.stringify([name, ...parts]);
}
