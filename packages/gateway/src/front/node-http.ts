// Between node:http and the web standard requests that the SDK's transports take.
import type { IncomingMessage, ServerResponse } from "node:http";
import { isPratiqueError, parseJson, readBounded, type PratiqueError } from "@pratique/core";
import { isShallow } from "../catalog/clean-result.ts";
import { gatewayErrors } from "../errors.ts";
import { REQUEST_LIMIT_BYTES } from "../limits.ts";

export interface ReadRequest {
  readonly request: Request;
  /** Parsed body of a POST. */
  readonly body: unknown;
}

/** Reads a request, its body bounded. @throws `input.too-large`, `input.not-json`, `gateway.bad-request` */
export async function readRequest(req: IncomingMessage, res: ServerResponse): Promise<ReadRequest> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(req.headers)) {
    // The token has done its work: nothing behind this line sees it.
    if (value === undefined || name === "authorization" || name === "cookie" || name.startsWith(":")) continue;
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  const gone = new AbortController();
  res.once("close", () => gone.abort());
  const method = req.method ?? "GET";
  const body = method === "POST" ? await readBody(req) : undefined;
  const request = new Request("http://gateway.invalid/mcp", { method, headers, signal: gone.signal });
  return { request, body };
}

async function readBody(req: IncomingMessage): Promise<unknown> {
  const bytes = await readBounded(req, REQUEST_LIMIT_BYTES, "the request");
  const body = parseJson(bytes.toString("utf8"), "the request");
  if (!isShallow(body)) throw gatewayErrors("gateway.bad-request", { reason: "the request nests too deep" });
  return body;
}

/** Sends a response; a stream goes out as it comes, and is cancelled when the client leaves. */
export async function sendResponse(response: Response, res: ServerResponse): Promise<void> {
  const headers = Object.fromEntries(response.headers);
  if (headers["content-type"]?.startsWith("text/event-stream")) headers["x-accel-buffering"] = "no";
  res.writeHead(response.status, headers);
  if (response.body === null) return void res.end();
  res.flushHeaders();
  const reader = response.body.getReader();
  const onClose = (): void => void reader.cancel().catch(() => undefined);
  res.once("close", onClose);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!res.write(value) && !res.destroyed) await drained(res);
    }
  } finally {
    res.off("close", onClose);
    res.end();
  }
}

async function drained(res: ServerResponse): Promise<void> {
  await new Promise<void>((resolve) => {
    const settle = (): void => {
      res.off("drain", settle).off("close", settle);
      resolve();
    };
    res.on("drain", settle).on("close", settle);
  });
}

const PARSE_ERROR = -32_700;
const INVALID_REQUEST = -32_600;
const INTERNAL_ERROR = -32_603;

/** An error before any MCP server was reached, as a JSON-RPC error with the HTTP status that fits it. */
export function sendError(error: unknown, res: ServerResponse): void {
  if (res.headersSent) return void res.destroy();
  const known: Pick<PratiqueError, "code" | "message" | "status" | "hint"> = isPratiqueError(error)
    ? error
    : { code: "gateway.failed", message: "the gateway failed", status: 500, hint: undefined };
  const code = known.code === "input.not-json" ? PARSE_ERROR : known.status < 500 ? INVALID_REQUEST : INTERNAL_ERROR;
  const data = { code: known.code, ...(known.hint === undefined ? {} : { hint: known.hint }) };
  if (known.status === 401) res.setHeader("www-authenticate", 'Bearer realm="pratique"');
  // What was not read of a request that is too large must not be taken for the next one.
  if (known.status === 413) res.setHeader("connection", "close");
  res.writeHead(known.status, { "content-type": "application/json" });
  res.end(JSON.stringify({ jsonrpc: "2.0", id: null, error: { code, message: known.message, data } }));
}
