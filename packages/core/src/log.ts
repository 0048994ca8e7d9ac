// Structured, redacted operational log: one JSON object a line. Where lines go is the caller's choice.
import type { Clock } from "./clock.ts";
import { isPratiqueError } from "./pratique-error.ts";
import type { JsonObject } from "./json.ts";
import { redactJson } from "./redact.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface Log {
  debug(message: string, fields?: JsonObject): void;
  info(message: string, fields?: JsonObject): void;
  warn(message: string, fields?: JsonObject): void;
  error(message: string, fields?: JsonObject): void;
}

const ORDER: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** A log that hands redacted JSON lines of at least `level` to `write`. */
export function jsonLog(write: (line: string) => void, clock: Clock, level: LogLevel = "info"): Log {
  const at =
    (own: LogLevel) =>
    (message: string, fields: JsonObject = {}) => {
      if (ORDER[own] < ORDER[level]) return;
      write(JSON.stringify(redactJson({ time: clock.now().toISOString(), level: own, message, ...fields })) + "\n");
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

const ignore = (): void => undefined;

/** A log that keeps nothing. */
export const silentLog: Log = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** What a log line says of a failure: its code when it has one, its message, and never its stack's paths. */
export function describeError(error: unknown): JsonObject {
  if (isPratiqueError(error)) return { code: error.code, error: error.message };
  return { error: error instanceof Error ? error.message : String(error) };
}
