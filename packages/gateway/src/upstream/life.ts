// The life of a server: opened when it is needed, again when it ended, after pauses when it fails, stopped when nobody uses it.
import { setTimeout as sleep } from "node:timers/promises";
import { describeError, isPratiqueError, type JsonObject } from "@pratique/core";
import { START_TIMEOUT_MS } from "../limits.ts";
import type { ServerDefinition, ServerState } from "../server-definition.ts";
import { backoffMs, remoteBackoffMs } from "./backoff.ts";
import type { Connection } from "./connection.ts";
import { HttpRefusal } from "./http-refusal.ts";
import { LostRequest, Misbehaviour } from "./lost-request.ts";
import type { Memory } from "./memory.ts";
import { openConnection } from "./open-connection.ts";
import { reasonOf, unavailable } from "./reason.ts";
import type { UpstreamOptions } from "./upstream-options.ts";
import { abortable, settledWithin } from "./waiting.ts";

/** A server that lived as long as this did not fail at its start. */
const HEALTHY_MS = 10_000;
/** For one that others run a shorter time will do: to come back to it costs less. */
const HEALTHY_REMOTE_MS = 1000;
/** After so many failures in a row one that we start is started only when somebody asks. */
const RETRIES = 8;
/** So long callers wait for a server that was there a moment ago. */
const GRACE_MS = 10_000;
const GRACE_PAUSE_MS = 50;
const GRACE_LONGEST_PAUSE_MS = 1000;
/** A pause after a failure that is waited through, when it worked before. */
const SHORT_PAUSE_MS = 2000;
/** Who needs other credentials gets them from a person: it is asked again when somebody asks, and no sooner than this. */
const CREDENTIALS_PAUSE_MS = 1000;

export interface LifeOptions extends UpstreamOptions {
  onNotification(method: string, params: JsonObject): void;
  /** A connection is open; nothing was said over it yet. */
  onReady(connection: Connection): void;
  /** Somebody waits for what it says, so that it may not rest. */
  isNeeded(): boolean;
}

export class Life {
  state: ServerState = "idle";
  error: string | undefined;
  /** Stopped because nobody used it, and not because of anything that happened to it. */
  isResting = false;
  readonly #definition: ServerDefinition;
  readonly #scope: string;
  readonly #options: LifeOptions;
  readonly #memory: Memory = { endedAtProbe: 0 };
  readonly #closing = new AbortController();
  /** We start it: to try again costs a process. */
  readonly #isStarted: boolean;
  #connection: Connection | undefined;
  #opening: Promise<Connection> | undefined;
  /** Connections, and starts that were given up, whose processes may not have ended yet. */
  readonly #ending = new Set<Promise<unknown>>();
  #openingSince = 0;
  #readySince = 0;
  #hasAnswered = false;
  #wasReady = false;
  #failures = 0;
  #lastFailure: unknown;
  #failingSince = 0;
  #retryAt = 0;
  #retry: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #uses = 0;
  #usedAt = 0;

  constructor(definition: ServerDefinition, scope: string, options: LifeOptions) {
    this.#definition = definition;
    this.#scope = scope;
    this.#options = options;
    const { transport } = definition;
    this.#isStarted = transport.type === "stdio" || transport.start !== undefined;
    if (options.after !== undefined) this.#awaitEnd(options.after);
  }

  /** The connection, if one is open now. */
  get live(): Connection | undefined {
    return this.#connection?.isEnded === false ? this.#connection : undefined;
  }

  /** @throws `gateway.server-unavailable`, what the server's credentials throw */
  connected(): Promise<Connection> {
    const { live } = this;
    if (live !== undefined) return Promise.resolve(live);
    if (this.#opening === undefined) {
      this.#openingSince = this.#now();
      this.#opening = this.#open().finally(() => (this.#opening = undefined));
    }
    return this.#opening;
  }

  /** Forgets that it failed. */
  retry(): void {
    if (this.state !== "failed") return;
    this.#failures = 0;
    this.#retryAt = 0;
    this.#wake();
  }

  /** How long a start that takes is worth waiting for, of so much at most. */
  patienceMs(mostMs: number): number {
    return this.#opening === undefined ? mostMs : Math.max(0, this.#openingSince + mostMs - this.#now());
  }

  /** Somebody uses it until `used`. */
  use(): void {
    this.#uses += 1;
  }

  used(): void {
    this.#uses -= 1;
    this.#usedAt = this.#now();
    this.#restLater();
  }

  answered(connection: Connection): void {
    if (connection === this.#connection) this.#hasAnswered = true;
  }

  /** What was agreed over a connection is void, or it has ended. */
  lost(connection: Connection, error: Error): void {
    if (this.#connection !== connection) return;
    const { log } = this.#options;
    const server = this.#definition.name;
    this.#connection = undefined;
    this.#awaitEnd(connection.close(true));
    if (this.#closing.signal.aborted) return;
    log.warn("server ended", { server, reason: reasonOf(error) });
    const lived = this.#now() - this.#readySince;
    // One that did something, or lived for a while, is started again at once. One that ends soon after each start is not.
    const isSound = this.#isStarted ? this.#hasAnswered || lived >= HEALTHY_MS : lived >= HEALTHY_REMOTE_MS;
    if (isSound && !(error instanceof Misbehaviour)) {
      this.#failures = 0;
      this.state = "idle";
      this.error = reasonOf(error);
    } else this.#failed(error);
    if (!this.#isStarted || this.#options.isNeeded()) this.#wake();
  }

  /** @throws when it is taken away, or the signal is aborted */
  async pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
    const signals = signal === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, signal]);
    await sleep(milliseconds, undefined, { signal: signals });
  }

  /** Resolves when its processes have ended, also one that was just being started. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#retry);
    clearTimeout(this.#idle);
    const connection = this.#connection;
    this.#connection = undefined;
    this.state = "idle";
    if (connection !== undefined) this.#awaitEnd(connection.close());
    await this.#opening?.catch(() => undefined);
    // A start that hangs is not waited for without end; what comes of it late is stopped all the same.
    await settledWithin(Promise.allSettled(this.#ending), START_TIMEOUT_MS);
  }

  async #open(): Promise<Connection> {
    await this.#throughPause();
    clearTimeout(this.#retry);
    this.state = "starting";
    const wasThere = this.#wasReady && !this.#isStarted;
    const until = this.#now() + GRACE_MS;
    for (let pauseMs = GRACE_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, GRACE_LONGEST_PAUSE_MS)) {
      try {
        return this.#ready(await this.#openOnce());
      } catch (error) {
        if (this.#closing.signal.aborted) throw this.#gone();
        if (!wasThere || !(error instanceof LostRequest) || this.#now() + pauseMs > until) {
          this.#failed(error);
          throw isForPerson(error) ? error : this.#unavailable(error);
        }
        await this.pause(pauseMs).catch(() => undefined);
      }
    }
  }

  /** After a failure it is not tried again at once; one that worked before is worth a short wait. */
  async #throughPause(): Promise<void> {
    if (this.#closing.signal.aborted) throw this.#gone();
    const leftMs = this.#retryAt - this.#now();
    if (leftMs <= 0) return;
    if (isForPerson(this.#lastFailure)) throw this.#lastFailure;
    if (!this.#wasReady || leftMs > SHORT_PAUSE_MS)
      throw unavailable(this.#definition.name, this.error ?? "it failed a moment ago");
    await this.pause(leftMs).catch(() => undefined);
    if (this.#closing.signal.aborted) throw this.#gone();
  }

  async #openOnce(): Promise<Connection> {
    const ended = settledWithin(Promise.allSettled(this.#ending), START_TIMEOUT_MS);
    if (!(await abortable(ended, this.#closing.signal))) throw new Error("the one before it has not ended");
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
    const own: { opened?: Connection } = {};
    const opening = openConnection(this.#definition.transport, {
      scope: this.#scope,
      info: this.#options.info,
      clock: this.#options.clock,
      memory: this.#memory,
      signal,
      lifetime: this.#closing.signal,
      onNotification: (method, params) => this.#options.onNotification(method, params),
      onEnd: (error) => {
        if (own.opened !== undefined) this.lost(own.opened, error);
      },
    });
    // When it is given up here, it stops what it started when that is there.
    this.#awaitEnd(
      opening.then(
        async (connection) => {
          if (signal.aborted && connection !== own.opened) await connection.close(true);
        },
        () => undefined,
      ),
    );
    own.opened = await abortable(opening, signal);
    return own.opened;
  }

  #ready(connection: Connection): Connection {
    const { log } = this.#options;
    if (this.#closing.signal.aborted) {
      this.#awaitEnd(connection.close());
      throw this.#gone();
    }
    if (connection.isEnded) throw new LostRequest("it ended", { reached: true, endsConnection: true });
    this.#connection = connection;
    this.#readySince = this.#now();
    this.#wasReady = true;
    this.#hasAnswered = false;
    this.isResting = false;
    this.state = "ready";
    this.error = undefined;
    this.#retryAt = 0;
    log.info("server ready", { server: this.#definition.name, protocol: connection.facts.protocolVersion });
    this.#usedAt = this.#now();
    this.#restLater();
    this.#options.onReady(connection);
    return connection;
  }

  #failed(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    const now = this.#now();
    if (this.#failures === 0) this.#failingSince = now;
    this.#failures += 1;
    this.#lastFailure = error;
    this.state = "failed";
    this.error = reasonOf(error);
    const wantsCredentials = needsPerson(error);
    const pauseMs = wantsCredentials
      ? CREDENTIALS_PAUSE_MS
      : this.#isStarted
        ? backoffMs(this.#failures)
        : remoteBackoffMs(this.#failures, now - this.#failingSince);
    this.#retryAt = now + pauseMs;
    const { log } = this.#options;
    const fields = { server: this.#definition.name, reason: this.error, failures: this.#failures, pauseMs };
    // A server that is away for long is news once.
    if (this.#failures <= RETRIES) log.warn("server failed", fields);
    else log.debug("server failed", fields);
    if (wantsCredentials || (this.#isStarted && this.#failures > RETRIES)) return;
    clearTimeout(this.#retry);
    // Tried again unasked, so that clients hear of its tools as soon as it is up.
    this.#retry = setTimeout(() => this.#wake(), pauseMs + 1).unref();
  }

  /** What comes of it is told by `state` and `onReady`. */
  #wake(): void {
    this.connected().catch(() => undefined);
  }

  /** Stops it when it was not used for as long as its definition says. */
  #restLater(): void {
    const { idleStopMs } = this.#definition;
    if (idleStopMs === undefined || !this.#isStarted || this.#closing.signal.aborted) return;
    if (this.#idle !== undefined) return;
    const dueMs = Math.max(1, this.#usedAt + idleStopMs - this.#now());
    this.#idle = setTimeout(() => {
      this.#idle = undefined;
      const isDue = this.#now() - this.#usedAt >= idleStopMs && this.#uses === 0 && !this.#options.isNeeded();
      if (isDue) this.#rest();
      else if (this.live !== undefined) this.#restLater();
    }, dueMs).unref();
  }

  #rest(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    this.state = "idle";
    this.error = undefined;
    this.isResting = true;
    this.#options.log.info("server rests", { server: this.#definition.name });
    this.#awaitEnd(connection.close());
  }

  /** The next start waits until then. */
  #awaitEnd(end: Promise<unknown>): void {
    const settled: Promise<unknown> = end
      .catch((error: unknown) => {
        const fields = { server: this.#definition.name, ...describeError(error) };
        this.#options.log.debug("closing a server failed", fields);
      })
      .finally(() => this.#ending.delete(settled));
    this.#ending.add(settled);
  }

  #gone(): Error {
    return unavailable(this.#definition.name, "it was taken away");
  }

  #unavailable(error: unknown): Error {
    return unavailable(this.#definition.name, reasonOf(error), error);
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}

/** What is said of credentials tells a person what to do. */
function isForPerson(error: unknown): error is Error {
  return isPratiqueError(error) && /^(gateway|secret)/.test(error.code);
}

function needsPerson(error: unknown): boolean {
  if (error instanceof HttpRefusal) return error.status === 401 || error.status === 403;
  return isPratiqueError(error, "gateway.authorization-needed");
}
