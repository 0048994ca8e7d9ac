// One plain HTTP request out of a sandbox, sent on anew: what is asked for is the host that was decided (RFC 9112 §3.2).
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { sandboxErrors } from "../errors.ts";
import { parseHostPort, type HostPort } from "./allow-list.ts";
import type { OpenedEgress } from "./egress-gate.ts";

/** RFC 9110 §7.6.1, and those that are for the proxy. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authorization",
  "proxy-authenticate",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
const HTTP_PORT = 80;

/** @throws `egress.malformed`, and whatever `open` does; then nothing has been sent */
export async function forwardRequest(
  request: IncomingMessage,
  response: ServerResponse,
  target: HostPort | undefined,
  open: (place: HostPort) => Promise<OpenedEgress>,
): Promise<void> {
  const { place, path } = wanted(request, target);
  const headers = { ...endToEnd(request.headers), ...framing(request.headers), host: request.headers.host ?? "" };
  const { socket, end } = await open(place);
  let isDone = false;
  try {
    await new Promise<void>((resolve, reject) => {
      const outgoing = httpRequest({
        createConnection: () => socket,
        method: request.method,
        path,
        headers: { ...headers, connection: "close" },
        setHost: false,
        insecureHTTPParser: false,
      });
      let isAnswered = false;
      outgoing.once("error", reject);
      outgoing.once("response", (incoming) => {
        isAnswered = true;
        answer(incoming, response).then(resolve, reject);
      });
      // Without an error when the host changes to another protocol.
      outgoing.once("close", () => isAnswered || reject(new Error("the host gave no answer")));
      pipeline(request, outgoing).catch(reject);
      response.once("close", () => socket.destroy());
    });
    isDone = true;
  } finally {
    socket.destroy();
    end({ bytesOut: socket.bytesWritten, bytesIn: socket.bytesRead, ...(isDone ? {} : { cut: "failed" }) });
  }
}

async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  // Throws for a status that is none, such as 000.
  response.writeHead(incoming.statusCode ?? 502, endToEnd(incoming.headers));
  await pipeline(incoming, response);
}

/** How long the body is, said anew whatever the method: a body that nothing announces is a second request (RFC 9112 §11.2). */
function framing(headers: IncomingHttpHeaders): Record<string, string> {
  const { "content-length": length, "transfer-encoding": coding } = headers;
  if (coding === undefined) return length === undefined ? {} : { "content-length": length };
  if (coding.toLowerCase() !== "chunked") {
    throw sandboxErrors("egress.malformed", { reason: "its transfer coding is not chunked" });
  }
  return { "transfer-encoding": "chunked" };
}

function wanted(
  { url = "", headers }: IncomingMessage,
  target: HostPort | undefined,
): { place: HostPort; path: string } {
  const host = parseHostPort(headers.host ?? "", HTTP_PORT);
  const [, authority, path] = /^http:\/\/([^/?#]+)([^#]*)$/i.exec(url) ?? [];
  const place = target ?? (authority === undefined ? undefined : parseHostPort(authority, HTTP_PORT));
  if (place === undefined || (authority === undefined) !== (target !== undefined)) {
    throw sandboxErrors("egress.malformed", { reason: "a request to the proxy names a whole http address" });
  }
  if (host === undefined || host.host !== place.host || host.port !== place.port) {
    throw sandboxErrors("egress.malformed", { reason: "the Host header is another than the address's" });
  }
  const rest = target === undefined ? (path ?? "") : url;
  return { place, path: rest.startsWith("/") ? rest : `/${rest}` };
}

function endToEnd(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const named = new Set((headers.connection ?? "").toLowerCase().split(/\s*,\s*/));
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !HOP_BY_HOP.has(name) && !named.has(name)) kept[name] = value;
  }
  return kept;
}
