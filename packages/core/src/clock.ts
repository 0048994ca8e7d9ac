// Time comes in by parameter, so that tests own it.

/** Where a component reads the time. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };

/** A clock that stands at a time until it is moved. */
export interface ManualClock extends Clock {
  advance(milliseconds: number): void;
}

export function manualClock(start: string | Date = "2026-01-01T00:00:00Z"): ManualClock {
  let at = new Date(start).getTime();
  return { now: () => new Date(at), advance: (milliseconds) => void (at += milliseconds) };
}
