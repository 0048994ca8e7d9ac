// One upstream registry: how it is reached, and whether it answers at present.
import { isJsonObject, isPratiqueError, type Clock, type Log } from "@pratique/core";
import {
  RegistrySession,
  remoteRepository,
  Transport,
  type Credentials,
  type Repository,
  type SessionOptions,
} from "@pratique/oci";
import { registryErrors } from "../errors.ts";
import { fitsRepository } from "../pattern.ts";

export type ImageType = "hardened" | "official" | "verified" | "organization" | "community";

export interface UpstreamOptions {
  /** The host as references name it: `docker.io`. */
  readonly name: string;
  /** Where it really answers; a path in it comes before every repository's name. */
  readonly url: URL;
  /** PEM of a certificate authority to trust beside the usual ones. */
  readonly ca?: string | undefined;
  readonly credentials?: (() => Promise<Credentials | undefined>) | undefined;
  /** A tag that was looked up less than this ago is not looked up again. */
  readonly freshnessMs: number;
  /** What is known of images by their name alone; the first pattern that fits counts. */
  readonly imageTypes: readonly { readonly repository: string; readonly type: ImageType }[];
}

export interface UpstreamState {
  readonly name: string;
  readonly url: string;
  /** `resting`: it asked for fewer requests. */
  readonly state: "unused" | "up" | "down" | "resting";
  readonly since?: string;
  readonly reason?: string;
}

/** How long one that did not answer is left alone where a copy will do. */
const LEFT_ALONE_MS = 15_000;
const REST_MS = 60_000;
const LONGEST_REST_MS = 60 * 60 * 1000;
/** A client waits for us: a short try again is worth it, a long one is the client's own choice. */
const RETRY = { attempts: 3, firstDelayMs: 200, longestDelayMs: 2000 };
const IDLE_MS = 30_000;

export class Upstream {
  readonly name: string;
  /** Its part of a repository's name in the content store; a port's colon cannot be in one. */
  readonly segment: string;
  readonly freshnessMs: number;
  readonly #options: UpstreamOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #transport: Transport;
  readonly #session: RegistrySession;
  #state: UpstreamState;
  #until = 0;

  constructor(
    options: UpstreamOptions,
    shared: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
  ) {
    const { name, url } = options;
    this.name = name;
    this.segment = name.replace(":", "_");
    this.freshnessMs = options.freshnessMs;
    this.#options = options;
    this.#clock = shared.clock;
    this.#log = shared.log;
    this.#transport = new Transport(IDLE_MS, options.ca);
    const session: SessionOptions = {
      credentials: options.credentials,
      insecure: url.protocol === "http:",
      retry: RETRY,
      transport: this.#transport,
      ...shared,
    };
    this.#session = new RegistrySession(url.host, session);
    this.#state = { name, url: url.origin, state: "unused" };
  }

  /** A repository there, by its name without the registry. */
  repository(name: string): Repository {
    const prefix = this.#options.url.pathname.replace(/^\/+|\/+$/g, "");
    const repository = prefix === "" ? name : `${prefix}/${name}`;
    return remoteRepository({ registry: this.#session.registry, repository }, { session: this.#session });
  }

  imageTypeOf(repository: string): ImageType | undefined {
    return this.#options.imageTypes.find((known) => fitsRepository(known.repository, repository))?.type;
  }

  get state(): UpstreamState {
    return this.#state;
  }

  /** Why it is better left alone just now. */
  get pause(): string | undefined {
    return this.#clock.now().getTime() < this.#until ? this.#state.reason : undefined;
  }

  /** Milliseconds for which it wants no requests. */
  get restMs(): number {
    return this.#state.state === "resting" ? Math.max(0, this.#until - this.#clock.now().getTime()) : 0;
  }

  /** Asks it something, and remembers how that went. @throws `registry.upstream-*`, `registry.rate-limited`, `registry.unreachable` */
  async ask<T>(question: () => Promise<T>): Promise<T> {
    // Asking again before its time only makes it longer.
    if (this.restMs > 0) throw this.#resting();
    try {
      const answer = await question();
      this.#seen("up", undefined, 0);
      return answer;
    } catch (error) {
      throw this.#read(error);
    }
  }

  /**
   * As `ask`, for somebody with a copy at hand, who need not wait long: then it counts as down. The question goes on,
   * and its answer still counts.
   */
  async askPatiently<T>(question: () => Promise<T>, patienceMs: number): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const reason = `nothing came for ${patienceMs} ms`;
      this.#seen("down", reason, LEFT_ALONE_MS);
      late.reject(registryErrors("registry.upstream-down", { upstream: this.name, reason }));
    }, patienceMs);
    const answer = question();
    answer.catch(() => undefined);
    return Promise.race([answer, late.promise]).finally(() => clearTimeout(timer));
  }

  /** With the wish of the upstream, for clients. */
  #resting(cause?: Error): Error {
    const details = { retryAfterSeconds: Math.ceil(this.restMs / 1000) };
    return registryErrors("registry.upstream-resting", { upstream: this.name }, { details, cause });
  }

  #read(error: unknown): unknown {
    if (!isPratiqueError(error)) return error;
    const upstream = this.name;
    const raise = { cause: error };
    switch (error.code) {
      case "registry.unreachable":
        this.#seen("down", error.message, LEFT_ALONE_MS);
        return registryErrors("registry.upstream-down", { upstream, reason: error.message }, raise);
      case "registry.failed":
      case "registry.bad-answer":
        this.#seen("down", error.message, LEFT_ALONE_MS);
        return registryErrors("registry.upstream-failed", { upstream, reason: error.message }, raise);
      case "registry.rate-limited":
        this.#seen("resting", "it asks for fewer requests", restOf(error.details, this.#clock));
        return this.#resting(error);
      case "registry.unauthorized":
      case "registry.denied":
        this.#seen("up", undefined, 0);
        return registryErrors("registry.upstream-denied", { upstream, reason: error.message }, raise);
      case "digest.mismatch":
      case "size.mismatch":
      case "manifest.too-large":
      case "manifest.invalid":
        return registryErrors("registry.upstream-corrupt", { upstream, reason: error.message }, raise);
      default:
        return error;
    }
  }

  #seen(state: UpstreamState["state"], reason: string | undefined, pauseMs: number): void {
    const now = this.#clock.now();
    this.#until = now.getTime() + pauseMs;
    if (this.#state.state === state && this.#state.reason === reason) return;
    const { state: before, name, url } = this.#state;
    const since = before === state ? this.#state.since : now.toISOString();
    this.#state = {
      name,
      url,
      state,
      ...(since === undefined ? {} : { since }),
      ...(reason === undefined ? {} : { reason }),
    };
    if (before === state) return;
    const fields = { upstream: this.name, ...(reason === undefined ? {} : { reason }) };
    if (state !== "up") this.#log.warn("an upstream registry does not serve; what is cached is", fields);
    else if (before !== "unused") this.#log.info("an upstream registry serves again", fields);
  }

  close(): void {
    this.#transport.close();
  }
}

function restOf(details: unknown, clock: Clock): number {
  const given = isJsonObject(details) ? details["retryAfter"] : undefined;
  if (typeof given !== "string") return REST_MS;
  const wishMs = /^\d{1,6}$/.test(given) ? Number(given) * 1000 : Date.parse(given) - clock.now().getTime();
  return Number.isNaN(wishMs) ? REST_MS : Math.min(Math.max(wishMs, 1000), LONGEST_REST_MS);
}

/** True when an upstream cannot serve at present, so that a copy may stand in. */
export function isOutage(error: unknown): boolean {
  return (
    isPratiqueError(error, "registry.upstream-down") ||
    isPratiqueError(error, "registry.upstream-failed") ||
    isPratiqueError(error, "registry.upstream-resting")
  );
}
