// Severity of log messages (RFC 5424), as clients ask for it.

const LEVELS: readonly string[] = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

export function isLogLevel(level: unknown): level is string {
  return typeof level === "string" && LEVELS.includes(level);
}

/** True when whoever wants messages from `wanted` on gets one of `level`. */
export function isAtLeast(level: unknown, wanted: string): boolean {
  return typeof level !== "string" || LEVELS.indexOf(level) >= LEVELS.indexOf(wanted);
}

/** The one that lets more through; undefined is none yet. */
export function leastLevel(one: string | undefined, other: string): string {
  return one !== undefined && isAtLeast(other, one) ? one : other;
}
