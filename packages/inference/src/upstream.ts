// A route to somebody else's OpenAI-compatible API.
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { inferenceErrors } from "./errors.ts";

export interface UpstreamRoute {
  readonly name: string;
  /** Up to and with `/v1`. */
  readonly baseUrl: string;
  /** The model's name over there. */
  readonly model: string;
  readonly apiKey?: string;
}

export interface UpstreamRequest {
  readonly body: Uint8Array;
  readonly signal: AbortSignal;
  /** Until its headers, and between two chunks. */
  readonly timeoutMs: number;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** The address of an upstream's chat completions. @throws `upstream.insecure`, `upstream.unreachable` */
export function completionsUrl(route: UpstreamRoute): URL {
  const url = URL.parse(`${route.baseUrl.replace(/\/+$/, "")}/chat/completions`);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw inferenceErrors("upstream.unreachable", { name: route.name, detail: "its address is no http(s) URL" });
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname))
    throw inferenceErrors("upstream.insecure", { name: route.name });
  return url;
}

/** Sends a completion request; redirects are answers like any other, so the key goes nowhere else. */
export function requestUpstream(route: UpstreamRoute, options: UpstreamRequest): Promise<IncomingMessage> {
  const url = completionsUrl(route);
  const send = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const timedOut = () => inferenceErrors("upstream.timeout", { name: route.name, seconds: options.timeoutMs / 1000 });
    const outgoing = send(
      url,
      {
        method: "POST",
        signal: options.signal,
        timeout: options.timeoutMs,
        headers: {
          "content-type": "application/json",
          "content-length": String(options.body.byteLength),
          accept: "application/json, text/event-stream",
          "accept-encoding": "identity",
          "user-agent": "pratique",
          ...(route.apiKey === undefined ? {} : { authorization: `Bearer ${route.apiKey}` }),
        },
      },
      resolve,
    );
    outgoing.once("timeout", () => outgoing.destroy(timedOut()));
    outgoing.once("error", (cause) => {
      const error =
        cause instanceof Error && "code" in cause && cause.code === "upstream.timeout"
          ? cause
          : inferenceErrors("upstream.unreachable", { name: route.name, detail: cause.message }, { cause });
      reject(options.signal.aborted ? cause : error);
    });
    outgoing.end(options.body);
  });
}
