// When to ask again, and how long to wait before (RFC 9110 §10.2.3, RFC 6585 §4).
import type { Clock } from "@pratique/core";
import { setTimeout as delay } from "node:timers/promises";
import { ExchangeError } from "./transport.ts";

export interface RetryOptions {
  /** Tries in all. */
  readonly attempts: number;
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
  /** From 0 to 1: spreads the waiting of many clients. */
  readonly random: () => number;
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

export const DEFAULT_RETRY: RetryOptions = {
  attempts: 5,
  firstDelayMs: 250,
  longestDelayMs: 30_000,
  random: Math.random,
  sleep: (milliseconds, signal) => delay(milliseconds, undefined, signal === undefined ? {} : { signal }),
};

const TRANSIENT_STATUS: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
/** A refused connection or an unknown host will not mend in seconds: those fail at once. */
const TRANSIENT_CODE: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "EAI_AGAIN", "ECONNABORTED"]);

export function isTransientStatus(status: number): boolean {
  return TRANSIENT_STATUS.has(status);
}

/** True for a connection that broke, on which asking again may help. */
export function isTransientError(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return false;
  return TRANSIENT_CODE.has(error.code);
}

/** True when the server cannot have acted on the request, so that even one that is not idempotent may go again. */
export function wasNotProcessed(error: unknown): boolean {
  return error instanceof ExchangeError && error.isStaleConnection && isTransientError(error);
}

/** `Retry-After`, in milliseconds from now. */
export function retryAfterMs(header: string | undefined, clock: Clock): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,6}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - clock.now().getTime());
}

/** How long to wait after a failed try (from 0): doubling, half of it by chance; a server's own wish counts more. */
export function backoffMs(attempt: number, wishMs: number | undefined, options: RetryOptions): number {
  const growing = options.firstDelayMs * 2 ** attempt;
  const own = growing / 2 + (growing / 2) * options.random();
  return Math.min(Math.max(wishMs ?? 0, own), options.longestDelayMs);
}
