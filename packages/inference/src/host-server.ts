// The engine host's HTTP face on its Unix socket: OpenAI's chat completions, for our own daemon only.
import { randomUUID, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { readBounded, systemClock } from "@pratique/core";
import { CompletionWire } from "./completion-wire.ts";
import type { HostModel } from "./host-model.ts";
import { readHostRequest, RequestError } from "./host-request.ts";

const MAX_BODY_BYTES = 12 * 1024 * 1024;

export interface HostServerOptions {
  readonly model: HostModel;
  /** The name answers carry. */
  readonly name: string;
  readonly key: string;
}

function sendJson(res: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  res.writeHead(status, { "content-type": "application/json", "content-length": body.length });
  res.end(body);
}

function isAuthorized(req: IncomingMessage, key: string): boolean {
  const given = Buffer.from(req.headers.authorization ?? "");
  const wanted = Buffer.from(`Bearer ${key}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function errorBody(error: unknown): {
  status: number;
  body: { error: { code: number; message: string; type: string } };
} {
  const status = error instanceof RequestError ? error.status : 500;
  const type = error instanceof RequestError ? error.type : "server_error";
  const message = error instanceof Error ? error.message : String(error);
  return { status, body: { error: { code: status, message, type } } };
}

async function complete(req: IncomingMessage, res: ServerResponse, options: HostServerOptions): Promise<void> {
  let body: unknown;
  try {
    body = JSON.parse((await readBounded(req, MAX_BODY_BYTES)).toString("utf8"));
  } catch {
    throw new RequestError("the body is not JSON");
  }
  const request = readHostRequest(body);
  const gone = new AbortController();
  res.once("close", () => gone.abort());
  const wire = new CompletionWire({
    id: `chatcmpl-${randomUUID()}`,
    model: options.name,
    created: Math.floor(systemClock.now().getTime() / 1000),
    mayCall: request.mayCall,
  });
  const writeEvent = (event: unknown) => {
    if (!res.headersSent) res.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    res.write(`data: ${JSON.stringify(event)}\n\n`);
  };
  try {
    const end = await options.model.answer(request, gone.signal, (part) => {
      const event = wire.add(part);
      if (request.stream && event !== undefined) writeEvent(event);
    });
    if (end.reason === "cancelled") return;
    if (wire.isUnreadable)
      throw new RequestError("the model wrote a tool call that cannot be read", 502, "server_error");
    if (!request.stream) return sendJson(res, 200, wire.completion(end));
    for (const event of wire.lastEvents(end, request.includeUsage)) writeEvent(event);
    res.end("data: [DONE]\n\n");
  } catch (error) {
    if (!res.headersSent) throw error;
    writeEvent(errorBody(error).body);
    res.end();
  }
}

/** Makes the server; the caller listens. */
export function hostServer(options: HostServerOptions): Server {
  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    if (req.url === "/health") return sendJson(res, 200, { status: "ok" });
    if (!isAuthorized(req, options.key)) throw new RequestError("Invalid API Key", 401, "authentication_error");
    if (req.method === "GET" && req.url === "/v1/models") {
      return sendJson(res, 200, {
        object: "list",
        data: [
          {
            id: options.name,
            object: "model",
            created: 0,
            owned_by: "llamacpp",
            meta: { n_ctx: options.model.contextTokens },
          },
        ],
      });
    }
    if (req.method === "POST" && req.url === "/v1/chat/completions") return complete(req, res, options);
    throw new RequestError("File Not Found", 404, "not_found_error");
  };
  return createServer((req, res) => {
    handle(req, res).catch((error: unknown) => {
      if (res.headersSent) return void res.destroy();
      const { status, body } = errorBody(error);
      sendJson(res, status, body);
    });
  });
}
