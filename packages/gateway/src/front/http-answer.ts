// Answers of HTTP, written as plainly as node:http can.
import type { ServerResponse } from "node:http";
import type { JsonObject } from "@pratique/core";
import type { ErrorAnswer } from "./error-answer.ts";
import type { RequestId } from "./json-rpc.ts";

export function sendJson(res: ServerResponse, status: number, body: JsonObject | readonly JsonObject[]): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  res.end(text);
}

export function sendStatus(res: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  res.writeHead(status, { "content-length": 0, ...headers });
  res.end();
}

export function errorMessage(id: RequestId | null, { error }: Pick<ErrorAnswer, "error">): JsonObject {
  return { jsonrpc: "2.0", id, error };
}

export function sendError(res: ServerResponse, id: RequestId | null, answer: ErrorAnswer): void {
  if (res.headersSent) return void res.destroy();
  // What was not read of a request must not be taken for the next one.
  if (answer.status === 413 || answer.status === 408) res.setHeader("connection", "close");
  sendJson(res, answer.status, errorMessage(id, answer));
}

export const EVENT_STREAM: Record<string, string> = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  // nginx would keep events back until its buffer is full.
  "x-accel-buffering": "no",
};
