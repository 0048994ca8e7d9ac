// One HTTP exchange over node:http or node:https with kept connections. No redirects, no retries, no credentials.
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { pipeline } from "node:stream/promises";
import { rootCertificates } from "node:tls";
import { BulkBody } from "./bulk-body.ts";

export type RequestBody = readonly Uint8Array[] | AsyncIterable<Uint8Array>;

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A failed exchange, with whether the connection was an old one that the peer had closed meanwhile. */
export class ExchangeError extends Error {
  readonly code: string;
  readonly isStaleConnection: boolean;

  constructor(code: string, isStaleConnection: boolean, cause: unknown) {
    super(code, { cause });
    this.name = "ExchangeError";
    this.code = code;
    this.isStaleConnection = isStaleConnection;
  }
}

/** Connections to registries. Idle ones do not keep the process alive. */
export class Transport {
  readonly #http: HttpAgent;
  readonly #https: HttpsAgent;
  /** For bodies that are read past node:http: their connections cannot be used again. */
  readonly #bulkHttp = new HttpAgent();
  readonly #bulkHttps: HttpsAgent;
  readonly #hasProxies: boolean;
  readonly #idleTimeoutMs: number;

  /**
   * `idleTimeoutMs`: how long a connection may stand still before it counts as broken. `ca`: PEM, beside the usual ones.
   * `proxies`: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in either case. This machine itself is always reached without.
   */
  constructor(idleTimeoutMs = 60_000, ca?: string, proxies: Readonly<Record<string, string>> = {}) {
    const proxyEnv = Object.keys(proxies).length === 0 ? {} : { proxyEnv: withoutLoopback(proxies) };
    this.#http = new HttpAgent({ keepAlive: true, maxSockets: 32, ...proxyEnv });
    const authorities = ca === undefined ? {} : { ca: [...rootCertificates, ca] };
    this.#https = new HttpsAgent({ keepAlive: true, maxSockets: 32, ...proxyEnv, ...authorities });
    this.#bulkHttps = new HttpsAgent(authorities);
    this.#hasProxies = Object.keys(proxies).length > 0;
    this.#idleTimeoutMs = idleTimeoutMs;
  }

  /** Resolves with the head of the answer; whoever asked must read or destroy its body. @throws ExchangeError */
  send(request: HttpRequest): Promise<IncomingMessage> {
    return this.#exchange(request, undefined);
  }

  /** The same for an answer whose body may be large: on a connection of its own, where nothing is between. */
  async sendForBulk(request: HttpRequest): Promise<{ readonly answer: IncomingMessage; readonly bulk?: BulkBody }> {
    if (this.#hasProxies) return { answer: await this.send(request) };
    const bulk = new BulkBody();
    return { answer: await this.#exchange(request, bulk), bulk };
  }

  #agentFor(isPlain: boolean, isBulk: boolean): HttpAgent {
    if (isBulk) return isPlain ? this.#bulkHttp : this.#bulkHttps;
    return isPlain ? this.#http : this.#https;
  }

  #exchange(request: HttpRequest, bulk: BulkBody | undefined): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const isPlain = request.url.protocol === "http:";
      const options = {
        method: request.method,
        headers: { ...lengthHeader(request.body), ...request.headers },
        agent: this.#agentFor(isPlain, bulk !== undefined),
        // Agents hand it on to the connection that they open.
        ...(bulk === undefined ? {} : { onread: bulk.onread }),
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      };
      const call = isPlain ? httpRequest(request.url, options) : httpsRequest(request.url, options);
      call.setTimeout(this.#idleTimeoutMs, () => call.destroy(Object.assign(new Error("idle"), { code: "ETIMEDOUT" })));
      if (bulk !== undefined) call.once("socket", (socket) => bulk.attach(socket));
      const unsent = new AbortController();
      call.once("response", (answer) => {
        // An answer that came before the whole body was sent (a refusal) ends the sending once it has been read.
        answer.once("close", () => unsent.abort());
        resolve(answer);
      });
      call.on("error", (error) => reject(new ExchangeError(codeOf(error), call.reusedSocket, error)));
      sendBody(call, request.body, unsent.signal).catch((error: unknown) => {
        // When the source failed it is its error that counts; a broken connection has been told by `call` itself.
        reject(error);
        call.destroy();
      });
    });
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
    this.#bulkHttp.destroy();
    this.#bulkHttps.destroy();
  }
}

function withoutLoopback(proxies: Readonly<Record<string, string>>): Record<string, string> {
  const excepted = [proxies["no_proxy"] ?? proxies["NO_PROXY"] ?? "", "localhost", "127.0.0.1", "[::1]", "::1"];
  const no = excepted.filter((host) => host !== "").join(",");
  return { ...proxies, no_proxy: no, NO_PROXY: no };
}

async function sendBody(call: ClientRequest, body: RequestBody | undefined, signal: AbortSignal): Promise<void> {
  if (body !== undefined && Symbol.asyncIterator in body) return pipeline(body, call, { signal });
  for (const chunk of body ?? []) call.write(chunk);
  call.end();
}

function lengthHeader(body: RequestBody | undefined): Record<string, string> {
  if (body === undefined || Symbol.asyncIterator in body) return {};
  return { "content-length": String(body.reduce((sum, chunk) => sum + chunk.byteLength, 0)) };
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : error.message.slice(0, 120);
}
