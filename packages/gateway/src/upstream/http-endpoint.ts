// HTTP requests to one server: kept-alive connections, its credentials, and no redirect to anybody else.
import * as http from "node:http";
import * as https from "node:https";
import { urlToHttpOptions } from "node:url";
import type { UpstreamAuth } from "../server-definition.ts";
import { discard } from "./http-body.ts";
import { LostRequest } from "./lost-request.ts";

/** Servers close idle connections after 5 s (Node, uvicorn) or later; ours end before, so that no request meets a closing one. */
const IDLE_SOCKET_MS = 4000;
const FREE_SOCKETS = 64;
const REDIRECT_LIMIT = 3;
const RENEWAL_LIMIT = 3;

/** The server cannot have seen anything of the request. */
const UNREACHED: readonly string[] = [
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "ERR_INVALID_CHAR",
];

/** So long a message that has no answer may take to be taken. */
const SAY_MS = 10_000;

/** A request that can be ended at any time, also while a next one is prepared after a redirect or new credentials. */
export class HttpCall {
  #request: http.ClientRequest | undefined;
  isEnded = false;

  under(request: http.ClientRequest): void {
    this.#request = request;
    if (this.isEnded) request.destroy();
  }

  end(): void {
    this.isEnded = true;
    this.#request?.destroy();
  }
}

export interface HttpEndpointOptions {
  readonly url: URL;
  /** A Unix socket to go through; the address only says path and host then. */
  readonly socketPath?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly auth?: UpstreamAuth | undefined;
  readonly scope: string;
  /** Aborted when the server is taken away. */
  readonly signal: AbortSignal;
}

export interface HttpRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly headers: Record<string, string>;
  readonly body?: string;
  /** Somewhere else at the same origin. */
  readonly url?: URL;
}

export class HttpEndpoint {
  readonly url: URL;
  readonly #options: HttpEndpointOptions;
  readonly #headers: Record<string, string>;
  readonly #agent: http.Agent;
  readonly #target: http.RequestOptions;
  readonly #way: http.RequestOptions;
  readonly #request: typeof http.request;

  constructor(options: HttpEndpointOptions) {
    this.url = options.url;
    this.#options = options;
    this.#headers = lowerCase(options.headers ?? {});
    const isSecure = this.url.protocol === "https:";
    const agentOptions = {
      keepAlive: true,
      maxFreeSockets: FREE_SOCKETS,
      timeout: IDLE_SOCKET_MS,
      scheduling: "lifo",
    } as const;
    this.#agent = isSecure ? new https.Agent(agentOptions) : new http.Agent(agentOptions);
    this.#target = urlToHttpOptions(this.url);
    const { socketPath } = options;
    this.#way = { agent: this.#agent, ...(socketPath === undefined ? {} : { socketPath }) };
    this.#request = isSecure ? https.request : http.request;
  }

  /**
   * Resolves with the response as soon as its head is there.
   * @throws LostRequest when there is none, and what the credentials throw
   */
  async open(call: HttpCall, { method, headers, body, url = this.url }: HttpRequest): Promise<http.IncomingMessage> {
    const { auth, scope, signal } = this.#options;
    let target = url;
    for (let redirects = 0, renewals = 0; ;) {
      const credentials = auth === undefined ? undefined : lowerCase(await auth.headers(scope, signal));
      const all = { ...this.#headers, ...headers, ...credentials };
      const response = await this.#once(call, target, method, all, body);
      const { statusCode = 0 } = response;
      if (statusCode >= 300 && statusCode < 400) {
        discard(response);
        target = this.#redirected(target, response, method);
        redirects += 1;
        if (redirects > REDIRECT_LIMIT) throw new Error("it redirects without end");
        continue;
      }
      if ((statusCode === 401 || statusCode === 403) && auth !== undefined && renewals < RENEWAL_LIMIT) {
        renewals += 1;
        const wwwAuthenticate = response.headers["www-authenticate"];
        const sent = all["authorization"];
        const answer = { status: statusCode, wwwAuthenticate, sent };
        if (await this.#renewed(response, () => auth.renew(scope, answer, signal))) continue;
      }
      return response;
    }
  }

  /** Sends what has no answer. Resolves when it was taken, or not: the next request finds out what is wrong. */
  async say(request: HttpRequest): Promise<void> {
    const call = new HttpCall();
    const late = setTimeout(() => call.end(), SAY_MS).unref();
    try {
      discard(await this.open(call, request));
    } catch {
      // Nothing waits for it.
    } finally {
      clearTimeout(late);
    }
  }

  /** A response that is of no use any more keeps no connection. */
  async #renewed(response: http.IncomingMessage, renew: () => Promise<boolean>): Promise<boolean> {
    try {
      const isRenewed = await renew();
      if (isRenewed) discard(response);
      return isRenewed;
    } catch (error) {
      response.destroy();
      throw error;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #once(
    call: HttpCall,
    url: URL,
    method: string,
    headers: Record<string, string>,
    body: string | undefined,
  ): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      if (call.isEnded) {
        reject(new LostRequest("it was given up", { reached: false, endsConnection: false }));
        return;
      }
      if (body !== undefined) headers["content-length"] = String(Buffer.byteLength(body));
      let request: http.ClientRequest;
      try {
        const target = url === this.url ? this.#target : urlToHttpOptions(url);
        request = this.#request({ ...target, ...this.#way, method, headers });
      } catch (error) {
        reject(error);
        return;
      }
      call.under(request);
      request.once("response", (response) => {
        // Whoever reads it hears of it too; a response that waits for new credentials has no reader.
        response.on("error", () => undefined);
        resolve(response);
      });
      // Not once: a socket that breaks after the answer tells so here too.
      request.on("error", (error: NodeJS.ErrnoException) => reject(lost(error)));
      request.end(body);
    });
  }

  /** Only where the method stays what it is (RFC 9110 §15.4), and only to the same origin: others must not see our credentials. */
  #redirected(from: URL, response: http.IncomingMessage, method: string): URL {
    const { statusCode = 0, headers } = response;
    const location = headers.location === undefined ? undefined : URL.parse(headers.location, from.href);
    if (location === undefined || location === null) throw new Error(`it answered with status ${statusCode}`);
    if (location.origin !== this.url.origin) throw new Error("it redirects to another origin");
    if (method !== "GET" && statusCode !== 307 && statusCode !== 308)
      throw new Error(`it answered with status ${statusCode}`);
    return location;
  }
}

function lost(error: NodeJS.ErrnoException): LostRequest {
  const { code = "" } = error;
  const unreached = UNREACHED.includes(code) || isCertificateError(code);
  return new LostRequest(reason(error), { reached: !unreached, endsConnection: code === "ECONNREFUSED" }, error);
}

function isCertificateError(code: string): boolean {
  return code.startsWith("ERR_TLS_") || code.startsWith("CERT_") || /SELF_SIGNED|UNABLE_TO_/.test(code);
}

/** An error of several addresses that failed has no message of its own. */
function reason({ message, code }: NodeJS.ErrnoException): string {
  return message === "" ? (code ?? "the connection failed") : message;
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
