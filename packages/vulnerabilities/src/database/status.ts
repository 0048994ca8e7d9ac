// How fresh what is known is: not checked, unavailable, stale and current are four things.
import type { DatabaseStatus, Freshness, SourceStatus } from "@pratique/contracts";
import type { SourceState } from "./source-state.ts";

/** From the worst. */
const ORDER: readonly Freshness[] = ["not-checked", "unavailable", "stale", "current"];

export function worstFreshness(all: Iterable<Freshness>): Freshness {
  const found = new Set(all);
  return ORDER.find((one) => found.has(one)) ?? "not-checked";
}

export function bestFreshness(all: Iterable<Freshness>): Freshness {
  const found = new Set(all);
  return ORDER.findLast((one) => found.has(one)) ?? "not-checked";
}

/** `state` is undefined for a source that is configured and was never tried. */
export function sourceStatus(
  name: string,
  state: SourceState | undefined,
  now: Date,
  staleAfterMs: number,
): SourceStatus {
  if (state === undefined) return { name, freshness: "not-checked", ecosystems: [], entries: 0 };
  const { format, ecosystems, entries, checkedAt, dataTime, failure } = state;
  const ageMs = ageOf(state, now);
  return {
    name,
    format,
    freshness: freshnessOf(ageMs, staleAfterMs, failure !== undefined),
    ecosystems: [...ecosystems],
    entries,
    ...(checkedAt === undefined ? {} : { checkedAt }),
    ...(dataTime === undefined ? {} : { dataTime }),
    ...(ageMs === undefined ? {} : { ageSeconds: Math.floor(ageMs / 1000) }),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** A dump that somebody brought is as old as its latest change, however lately it was imported. */
function ageOf(state: SourceState, now: Date): number | undefined {
  if (state.checkedAt === undefined) return undefined;
  const since = Date.parse(state.isFollowed ? state.checkedAt : (state.dataTime ?? state.checkedAt));
  // A clock that ran ahead, or a date in the future: no younger than now.
  return Number.isNaN(since) ? Infinity : Math.max(0, now.getTime() - since);
}

/** A failed attempt matters only once what is there is missing or old. */
function freshnessOf(ageMs: number | undefined, staleAfterMs: number, hasFailed: boolean): Freshness {
  if (ageMs === undefined) return hasFailed ? "unavailable" : "not-checked";
  if (ageMs <= staleAfterMs) return "current";
  return hasFailed ? "unavailable" : "stale";
}

export function databaseStatus(
  version: string,
  changedAt: string | undefined,
  sources: readonly SourceStatus[],
): DatabaseStatus {
  return {
    version,
    ...(changedAt === undefined ? {} : { changedAt }),
    freshness: worstFreshness(sources.map(({ freshness }) => freshness)),
    sources: [...sources],
  };
}
