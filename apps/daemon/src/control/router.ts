// Routes `/control/v1`: finds the operation, checks the body, runs it, and answers JSON or a stream of lines.
import type { IncomingMessage, ServerResponse } from "node:http";
import { once } from "node:events";
import { describeError, isPratiqueError, parseJson, readBounded, type Log } from "@pratique/core";
import type { Principal } from "@pratique/contracts";
import type { z } from "zod";
import { daemonErrors } from "../errors.ts";
import { openApiOf } from "./openapi.ts";
import type { Operation } from "./operation.ts";
import { sendEvents } from "./send-events.ts";
import { problemOf } from "./problem.ts";
import { issueText, tellingIssue } from "../telling-issue.ts";

const PREFIX = "/control/v1";
const BODY_LIMIT_BYTES = 1024 * 1024;

interface Route {
  readonly operation: Operation;
  readonly pattern: RegExp;
}

/** Serves the operations; the caller has authenticated. */
export function createControlApi(operations: readonly Operation[], version: string, log: Log) {
  const routes: Route[] = operations.map((operation) => ({
    operation,
    pattern: new RegExp(`^${operation.path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`),
  }));
  const openApi = JSON.stringify(openApiOf(operations, version));

  return async (
    req: IncomingMessage,
    res: ServerResponse,
    url: URL,
    principal: Principal | undefined,
  ): Promise<void> => {
    try {
      const path = url.pathname.slice(PREFIX.length);
      if (path === "/openapi.json" && req.method === "GET") return sendJson(res, 200, openApi);
      if (principal === undefined) {
        res.setHeader("www-authenticate", 'Bearer realm="pratique"');
        throw daemonErrors("control.unauthorized");
      }
      const found = match(routes, req.method ?? "GET", path);
      if (found === undefined) throw daemonErrors("control.not-found", { path: url.pathname.slice(0, 200) });
      await answer(found.operation, found.parts, { req, res, url, principal });
    } catch (error) {
      if (!isPratiqueError(error))
        log.error("control API failed", { path: url.pathname, ...describeError(error), stack: stackOf(error) });
      if (res.headersSent) return void res.destroy();
      const problem = problemOf(error);
      sendJson(res, problem.status, JSON.stringify(problem), "application/problem+json");
    }
  };
}

interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly url: URL;
  readonly principal: Principal;
}

async function answer(operation: Operation, path: Readonly<Record<string, string>>, exchange: Exchange): Promise<void> {
  const { req, res, url, principal } = exchange;
  const body = operation.body === undefined ? undefined : await readBody(req, operation.body);
  const gone = new AbortController();
  res.on("close", () => gone.abort());
  const lastEventId = req.headers["last-event-id"];
  const request = {
    principal,
    body: body as never,
    query: url.searchParams,
    path,
    lastEventId: typeof lastEventId === "string" ? lastEventId : null,
    signal: gone.signal,
  };
  const result = await operation.handle(request);
  if (isIterable(result) && operation.form === "events") return await sendEvents(res, result);
  if (isIterable(result)) {
    res.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
    res.flushHeaders();
    for await (const line of result) {
      if (!res.write(JSON.stringify(line) + "\n")) await Promise.race([once(res, "drain"), once(res, "close")]);
    }
    res.end();
    return;
  }
  sendJson(res, 200, JSON.stringify(result));
}

function isIterable(result: unknown): result is AsyncIterable<unknown> {
  return typeof result === "object" && result !== null && Symbol.asyncIterator in result;
}

function match(
  routes: readonly Route[],
  method: string,
  path: string,
): { operation: Operation; parts: Record<string, string> } | undefined {
  for (const { operation, pattern } of routes) {
    if (operation.method !== method) continue;
    const found = pattern.exec(path);
    if (found === null) continue;
    const parts = Object.entries(found.groups ?? {}).map(([name, value]) => [name, decode(value)]);
    return { operation, parts: Object.fromEntries(parts) as Record<string, string> };
  }
  return undefined;
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (cause) {
    throw daemonErrors("control.bad-request", { problem: "the path is not valid percent-encoding" }, { cause });
  }
}

async function readBody(req: IncomingMessage, schema: z.ZodType): Promise<unknown> {
  const text = (await readBounded(req, BODY_LIMIT_BYTES, "the request body")).toString("utf8");
  const parsed = schema.safeParse(text === "" ? {} : parseJson(text, "the request body"));
  if (parsed.success) return parsed.data;
  throw daemonErrors("control.bad-request", { problem: issueText(tellingIssue(parsed.error), "body") });
}

function sendJson(res: ServerResponse, status: number, text: string, type = "application/json"): void {
  const bytes = Buffer.from(text);
  res.writeHead(status, { "content-type": type, "content-length": bytes.length, "cache-control": "no-store" });
  res.end(bytes);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? "") : "";
}
