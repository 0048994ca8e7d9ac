// A registry as one talks to it: addresses, credentials, redirects and patience.
import { describeError, parseJson, readBounded, systemClock, type Clock, type Log } from "@pratique/core";
import type { IncomingMessage } from "node:http";
import { ociErrors } from "../errors.ts";
import { answerError } from "./answer-error.ts";
import { Authorizer, type TokenRequest } from "./authorizer.ts";
import type { BulkBody } from "./bulk-body.ts";
import type { CredentialSource } from "./credentials.ts";
import type { OpenUploads } from "./open-uploads.ts";
import {
  backoffMs,
  DEFAULT_RETRY,
  isTransientError,
  isTransientStatus,
  retryAfterMs,
  wasNotProcessed,
  type RetryOptions,
} from "./retry.ts";
import type { TokenMemory } from "./token-memory.ts";
import { ExchangeError, Transport, type RequestBody } from "./transport.ts";

export interface SessionOptions {
  readonly credentials?: CredentialSource | undefined;
  /** True: plain http. False: https even at loopback. Not given: http at loopback only. */
  readonly insecure?: boolean | undefined;
  readonly log?: Log | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
  readonly retry?: Partial<RetryOptions> | undefined;
  /** Where uploads are remembered beyond this process. */
  readonly uploads?: OpenUploads | undefined;
  /** Connections to use; its owner closes it. */
  readonly transport?: Transport | undefined;
  /** Tokens that other sessions were given for the same credentials. */
  readonly tokens?: TokenMemory | undefined;
}

export interface RegistryRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** A path of this registry, or a whole address that it named. */
  readonly to: string | URL;
  /** For errors: `manifest 1.0 of tools/weather`. */
  readonly what: string;
  readonly scopes: readonly string[];
  /** Statuses that are no failure. */
  readonly expect: readonly number[];
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: RequestBody | undefined;
  /** `idempotent` (the default but for POST and PATCH), `unprocessed`: only what the server cannot have acted on, or `never`. */
  readonly retry?: "idempotent" | "unprocessed" | "never" | undefined;
  /** The body of its answer may be large, and goes where its reader says. */
  readonly isBulk?: boolean | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: IncomingMessage;
  /** When it was asked for and can be had. */
  readonly bulk?: BulkBody | undefined;
  /** Where it came from, after redirects. */
  readonly url: URL;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const REDIRECT_LIMIT = 5;
const TOKEN_LIMIT_BYTES = 1024 * 1024;
/** Docker Hub's registry does not live at its name. */
const HUB = "docker.io";
const HUB_HOST = "registry-1.docker.io";

export class RegistrySession {
  readonly registry: string;
  readonly signal: AbortSignal | undefined;
  readonly retry: RetryOptions;
  readonly clock: Clock;
  readonly uploads: OpenUploads | undefined;
  readonly #base: URL;
  readonly #isInsecure: boolean;
  readonly #log: Log | undefined;
  readonly #transport: Transport;
  readonly #authorizer: Authorizer;

  constructor(registry: string, options: SessionOptions = {}) {
    this.registry = registry;
    this.signal = options.signal;
    this.uploads = options.uploads;
    this.retry = { ...DEFAULT_RETRY, ...options.retry };
    this.#isInsecure = options.insecure === true;
    const host = registry === HUB ? HUB_HOST : registry;
    const isPlain = options.insecure ?? isLoopback(new URL(`http://${host}`));
    this.#base = new URL(`${isPlain ? "http" : "https"}://${host}`);
    this.clock = options.clock ?? systemClock;
    this.#log = options.log;
    this.#transport = options.transport ?? new Transport();
    this.#authorizer = new Authorizer({
      registry,
      credentials: options.credentials,
      clock: this.clock,
      mayBePlain: (url) => this.#mayBePlain(url),
      askToken: (request) => this.#askToken(request),
      memory: options.tokens,
    });
  }

  /** Sends a request as often as it takes and may. @throws `registry.*` */
  async request(request: RegistryRequest): Promise<Answer> {
    for (let attempt = 0; ; attempt += 1) {
      const isLast = attempt + 1 >= this.retry.attempts;
      const outcome = await this.#try(request);
      if ("answer" in outcome) {
        const { answer } = outcome;
        if (request.expect.includes(answer.status)) return answer;
        if (isLast || !mayRepeatAnswer(request, answer.status)) {
          const context = {
            registry: this.registry,
            what: request.what,
            clean: (text: string) => this.#authorizer.clean(text),
          };
          throw await answerError(answer.body, context);
        }
        answer.body.resume();
        await this.#wait(attempt, request, retryAfterMs(answer.headers["retry-after"], this.clock));
      } else {
        if (isLast || !mayRepeatError(request, outcome.error)) throw this.exchangeError(outcome.error);
        await this.#wait(attempt, request, undefined);
      }
    }
  }

  async #wait(attempt: number, request: RegistryRequest, wishMs: number | undefined): Promise<void> {
    const waitMs = backoffMs(attempt, wishMs, this.retry);
    this.#log?.debug("asking the registry again", { registry: this.registry, what: request.what, waitMs });
    await this.pause(waitMs);
  }

  /** Waits, or ends with the caller's signal. */
  async pause(milliseconds: number): Promise<void> {
    this.signal?.throwIfAborted();
    try {
      await this.retry.sleep(milliseconds, this.signal);
    } catch (error) {
      throw this.signal?.aborted === true ? this.signal.reason : error;
    }
  }

  /** A broken connection as an error with a code; others pass unchanged. */
  exchangeError(error: unknown): unknown {
    if (!(error instanceof ExchangeError)) return error;
    if (this.signal?.aborted === true) return this.signal.reason;
    // The cause is left out: its text holds the address, which may be a signed one.
    return ociErrors("registry.unreachable", { registry: this.registry, reason: error.code });
  }

  async #try(request: RegistryRequest): Promise<{ readonly answer: Answer } | { readonly error: unknown }> {
    try {
      return { answer: await this.#authorized(request) };
    } catch (error) {
      return { error };
    }
  }

  async #authorized(request: RegistryRequest): Promise<Answer> {
    const url = this.resolve(request.to, this.#base);
    const isOwn = url.origin === this.#base.origin;
    const sent = isOwn ? await this.#authorizer.authorization(request.scopes) : undefined;
    const answer = await this.#follow(request, url, sent);
    const isChallenge = answer.status === 401 && answer.url.origin === this.#base.origin;
    // A body that was read from a stream is gone: it cannot be sent a second time.
    if (!isChallenge || (request.body !== undefined && Symbol.asyncIterator in request.body)) return answer;
    const next = await this.#authorizer.answer(answer.headers["www-authenticate"], request.scopes, sent);
    if (next === undefined) return answer;
    answer.body.resume();
    return this.#follow(request, url, next);
  }

  /** Follows redirects; what is meant for this registry does not go to another (CVE-2018-1000007 and its like). */
  async #follow(request: RegistryRequest, first: URL, authorization: string | undefined): Promise<Answer> {
    let url = first;
    for (let hop = 0; hop <= REDIRECT_LIMIT; hop += 1) {
      const isOwn = url.origin === this.#base.origin;
      const headers = { "user-agent": "pratique", ...request.headers };
      const exchange = {
        method: request.method,
        url,
        headers: isOwn && authorization !== undefined ? { ...headers, authorization } : headers,
        body: request.body,
        signal: this.signal,
      };
      const { answer: body, bulk }: Awaited<ReturnType<Transport["sendForBulk"]>> =
        request.isBulk === true
          ? await this.#transport.sendForBulk(exchange)
          : { answer: await this.#transport.send(exchange) };
      const status = body.statusCode ?? 0;
      const location = body.headers.location;
      const isRedirect = REDIRECTS.has(status) && (request.method === "GET" || request.method === "HEAD");
      if (!isRedirect || location === undefined) return { status, headers: body.headers, body, bulk, url };
      body.resume();
      url = this.resolve(location, url);
    }
    throw this.badAnswer("it redirects in circles");
  }

  /**
   * The address that a registry (or a redirect) names. Never less protected than the registry itself;
   * one behind a TLS proxy that calls itself http is taken at its https address.
   */
  resolve(location: string | URL, base: URL): URL {
    if (typeof location === "string" && !URL.canParse(location, base.href))
      throw this.badAnswer("it names an unreadable address");
    const url = new URL(location, base);
    if (isInward(url) && !(isLoopback(url) && isLoopback(this.#base))) {
      throw this.badAnswer("it sends on to an address of this machine or its link");
    }
    if (url.protocol === "https:") return url;
    if (url.protocol === "http:" && this.#base.protocol === "http:" && this.#mayBePlain(url)) return url;
    if (url.protocol === "http:" && url.hostname === this.#base.hostname) {
      return new URL(`${this.#base.origin}${url.pathname}${url.search}`);
    }
    throw this.badAnswer("it sends on to an address without encryption");
  }

  #mayBePlain(url: URL): boolean {
    return this.#isInsecure || isLoopback(url);
  }

  badAnswer(reason: string): Error {
    return ociErrors("registry.bad-answer", { registry: this.registry, reason });
  }

  /** Reads a JSON body of bounded size. @throws `registry.bad-answer` */
  async json(body: IncomingMessage, limitBytes: number): Promise<unknown> {
    try {
      return parseJson((await readBounded(body, limitBytes, "the answer")).toString("utf8"), "the answer");
    } catch (error) {
      body.destroy();
      throw this.badAnswer(String(describeError(error)["error"]));
    }
  }

  async #askToken(request: TokenRequest): Promise<unknown> {
    for (let attempt = 0; ; attempt += 1) {
      const isLast = attempt + 1 >= this.retry.attempts;
      try {
        const body = request.body === undefined ? undefined : [request.body];
        const headers = { "user-agent": "pratique", ...request.headers };
        const answer = await this.#transport.send({ ...request, headers, body, signal: this.signal });
        const status = answer.statusCode ?? 0;
        if (status === 200) return await this.json(answer, TOKEN_LIMIT_BYTES);
        answer.resume();
        if (isLast || !isTransientStatus(status)) return undefined;
        await this.pause(backoffMs(attempt, retryAfterMs(answer.headers["retry-after"], this.clock), this.retry));
      } catch (error) {
        if (isLast || !isTransientError(error)) throw error;
        await this.pause(backoffMs(attempt, undefined, this.retry));
      }
    }
  }
}

function retryOf(request: RegistryRequest): "idempotent" | "unprocessed" | "never" {
  if (request.body !== undefined && Symbol.asyncIterator in request.body) return "never";
  return request.retry ?? (request.method === "POST" || request.method === "PATCH" ? "unprocessed" : "idempotent");
}

function mayRepeatAnswer(request: RegistryRequest, status: number): boolean {
  const retry = retryOf(request);
  if (retry === "idempotent") return isTransientStatus(status);
  return retry === "unprocessed" && status === 429;
}

function mayRepeatError(request: RegistryRequest, error: unknown): boolean {
  const retry = retryOf(request);
  if (retry === "idempotent") return isTransientError(error);
  return retry === "unprocessed" && wasNotProcessed(error);
}

/** Addresses that only who runs this machine has to do with: its own, and those of its link, as of a cloud's metadata. */
function isInward(url: URL): boolean {
  const { hostname } = url;
  return (
    isLoopback(url) ||
    hostname === "0.0.0.0" ||
    hostname === "[::]" ||
    hostname.startsWith("169.254.") ||
    // Link-local (RFC 4291 §2.5.6), and IPv4 in IPv6 (§2.5.5.2): 127/8, 169.254/16, 0/8.
    /^\[fe[89ab]|^\[::ffff:(?:7f|a9fe:|0:)/.test(hostname)
  );
}

/** True for this machine: 127.0.0.0/8, ::1, localhost. */
export function isLoopback(url: URL): boolean {
  const { hostname } = url;
  if (hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]") return true;
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);
}
