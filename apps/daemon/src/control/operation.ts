// What an operation of the control API is: one literal that yields routing, validation and OpenAPI.
import type { Principal } from "@pratique/contracts";
import type { z } from "zod";

export interface Request<Body> {
  /** Who asks; never undefined, since the router refuses strangers. */
  readonly principal: Principal;
  readonly body: Body;
  readonly query: URLSearchParams;
  /** Named parts of the path. */
  readonly path: Readonly<Record<string, string>>;
  /** Of a reader of server-sent events that comes back. */
  readonly lastEventId: string | null;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
}

export interface Operation {
  readonly method: "GET" | "POST" | "DELETE";
  /** Under `/control/v1`, with `{name}` for parts: `/records/{id}`. */
  readonly path: string;
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly answer: z.ZodType;
  /** `stream` answers one JSON document a line, `events` server-sent events. */
  readonly form: "json" | "stream" | "events";
  readonly query?: Readonly<Record<string, string>>;
  /** What is thrown before the iterable is there gets its own status; later the answer just breaks off. */
  readonly handle: (request: Request<never>) => Promise<unknown> | AsyncIterable<unknown>;
}

/** An operation without a body, or with a query only. */
export function get<Answer extends z.ZodType>(
  path: string,
  summary: string,
  answer: Answer,
  handle: (request: Request<undefined>) => Promise<z.input<Answer>>,
  query: Readonly<Record<string, string>> = {},
): Operation {
  return { method: "GET", path, summary, answer, form: "json", query, handle };
}

/** An operation that acts on a checked body. */
export function post<Body extends z.ZodType, Answer extends z.ZodType>(
  path: string,
  summary: string,
  body: Body,
  answer: Answer,
  handle: (request: Request<z.output<Body>>) => Promise<z.input<Answer>>,
): Operation {
  return { method: "POST", path, summary, body, answer, form: "json", handle };
}

/** An operation that answers line by line. */
export function stream<Body extends z.ZodType, Answer extends z.ZodType>(
  path: string,
  summary: string,
  body: Body,
  answer: Answer,
  handle: (request: Request<z.output<Body>>) => AsyncIterable<z.input<Answer>>,
): Operation {
  return { method: "POST", path, summary, body, answer, form: "stream", handle };
}

/** A read that answers line by line. */
export function follow<Answer extends z.ZodType>(
  path: string,
  summary: string,
  answer: Answer,
  handle: (request: Request<undefined>) => Promise<AsyncIterable<z.input<Answer>>>,
  query: Readonly<Record<string, string>> = {},
): Operation {
  return { method: "GET", path, summary, answer, form: "stream", query, handle };
}

/** One server-sent event. */
export interface SentEvent {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
}

/** A read that answers with server-sent events (HTML, "Server-sent events"); `answer` is the shape of their data. */
export function events(
  path: string,
  summary: string,
  answer: z.ZodType,
  handle: (request: Request<undefined>) => Promise<AsyncIterable<SentEvent>>,
  query: Readonly<Record<string, string>> = {},
): Operation {
  return { method: "GET", path, summary, answer, form: "events", query, handle };
}
