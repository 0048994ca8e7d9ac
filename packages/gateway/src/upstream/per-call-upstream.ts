// A server whose state must not outlive a request: each gets a process of its own.
import { describeError, SingleFlight } from "@pratique/core";
import type { Answer, Exchange } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import type { ListKind, ListSnapshot, ServerFacts, UpstreamPort } from "../exchange/upstream-port.ts";
import { LIST_TIMEOUT_MS, LIST_WAIT_MS, START_TIMEOUT_MS } from "../limits.ts";
import type { ServerDefinition, ServerState, ServerStatus } from "../server-definition.ts";
import { hasList, type Connection } from "./connection.ts";
import { fetchList } from "./fetch-list.ts";
import { ListShelf } from "./list-shelf.ts";
import type { Memory } from "./memory.ts";
import { openConnection } from "./open-connection.ts";
import { CODE } from "./protocol.ts";
import { callFailed, reasonOf, unavailable } from "./reason.ts";
import { Turnstile } from "./turnstile.ts";
import type { UpstreamOptions } from "./upstream-options.ts";
import { statusOf } from "./upstream-status.ts";
import { settledWithin } from "./waiting.ts";

/** Processes at a time. */
const PROCESS_LIMIT = 16;
/** Nobody tells that its lists changed: so often they are looked at again, while somebody asks for them. */
const LISTS_FRESH_MS = 10 * 60_000;
const KINDS: readonly ListKind[] = ["tools", "prompts", "resources", "templates"];

export class PerCallUpstream implements UpstreamPort {
  readonly definition: ServerDefinition;
  readonly scope: string;
  readonly #options: UpstreamOptions;
  readonly #memory: Memory = { endedAtProbe: 0 };
  readonly #shelf = new ListShelf();
  readonly #surveying = new SingleFlight<void>();
  readonly #turnstile = new Turnstile(PROCESS_LIMIT);
  readonly #closing = new AbortController();
  readonly #ending = new Set<Promise<unknown>>();
  #facts: ServerFacts | undefined;
  #running = 0;
  #error: string | undefined;

  constructor(definition: ServerDefinition, scope: string, options: UpstreamOptions) {
    this.definition = definition;
    this.scope = scope;
    this.#options = options;
  }

  status(): ServerStatus {
    const state: ServerState = this.#running > 0 ? "ready" : this.#error === undefined ? "idle" : "failed";
    return statusOf(this.definition, { state, error: this.#error, tools: this.#shelf.read("tools").items.length });
  }

  async facts(): Promise<ServerFacts> {
    if (this.#facts === undefined) await this.#survey();
    if (this.#facts === undefined) throw unavailable(this.definition.name, this.#error ?? "it said nothing of itself");
    return this.#facts;
  }

  knownFacts(): ServerFacts | undefined {
    return this.#facts;
  }

  knownList(kind: ListKind): ListSnapshot | undefined {
    return this.#shelf.known(kind);
  }

  async list(kind: ListKind): Promise<ListSnapshot> {
    const known = this.#shelf.known(kind);
    if (this.#shelf.ageMs(kind, this.#now()) < LISTS_FRESH_MS) return this.#shelf.read(kind);
    const surveyed = this.#survey();
    if (known === undefined) await settledWithin(surveyed, LIST_WAIT_MS);
    else surveyed.catch(() => undefined);
    return this.#shelf.read(kind);
  }

  async send(exchange: Exchange): Promise<Answer> {
    const { method, params, signal } = exchange;
    const what = method === "tools/call" ? String(params["name"]) : method;
    try {
      return await this.#withProcess((connection) => connection.send(exchange, undefined), signal);
    } catch (error) {
      throw callFailed(error, this.definition.name, what);
    }
  }

  async watch(): Promise<void> {
    throw new McpError(CODE.methodNotFound, "a server that runs for one request at a time tells of no changes");
  }

  async unwatch(): Promise<void> {
    // Nothing is watched.
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await settledWithin(Promise.allSettled(this.#ending), START_TIMEOUT_MS);
  }

  #survey(): Promise<void> {
    return this.#surveying.run("", async () => {
      try {
        await this.#withProcess((connection) => this.#readLists(connection));
      } catch (error) {
        const fields = { server: this.definition.name, ...describeError(error) };
        this.#options.log.warn("a list cannot be had", fields);
        throw error;
      }
    });
  }

  async #readLists(connection: Connection): Promise<void> {
    for (const kind of KINDS) {
      if (!hasList(connection.facts, kind)) continue;
      const doubts = this.#shelf.doubts(kind);
      const signal = AbortSignal.timeout(LIST_TIMEOUT_MS);
      const isKnown = this.#shelf.known(kind) !== undefined;
      try {
        const fetched = await fetchList(kind, (method, params) => connection.ask(method, params, signal));
        const isChanged = this.#shelf.put(kind, fetched, { fetchedAt: this.#now(), doubts });
        if (isChanged && isKnown) this.#options.onEvent({ type: "list-changed", kind });
      } catch (error) {
        if (!(error instanceof McpError)) throw error;
      }
    }
  }

  /** The process has not always ended when the answer is there; `close` waits for it. */
  async #withProcess<T>(task: (connection: Connection) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const leave = await this.#turnstile.enter(signal);
    this.#running += 1;
    const done = Promise.withResolvers<void>();
    const ended: Promise<unknown> = done.promise.finally(() => {
      this.#ending.delete(ended);
      this.#running -= 1;
      leave();
    });
    this.#ending.add(ended);
    let connection: Connection | undefined;
    try {
      connection = await this.#open(signal);
      this.#facts = connection.facts;
      this.#error = undefined;
      return await task(connection);
    } finally {
      void (connection?.close() ?? Promise.resolve()).catch(() => undefined).then(done.resolve);
    }
  }

  async #open(signal: AbortSignal | undefined): Promise<Connection> {
    const { clock, info, after, onEvent } = this.#options;
    const { name, transport } = this.definition;
    if (after !== undefined) await Promise.allSettled([after]);
    const signals = [
      this.#closing.signal,
      AbortSignal.timeout(START_TIMEOUT_MS),
      ...(signal === undefined ? [] : [signal]),
    ];
    try {
      return await openConnection(transport, {
        scope: this.scope,
        info,
        clock,
        memory: this.#memory,
        signal: AbortSignal.any(signals),
        lifetime: this.#closing.signal,
        // It lives for one request, whose client is the only one that it can mean.
        onNotification: (method, params) => {
          if (method === "notifications/message") onEvent({ type: "log", params });
        },
        onEnd: () => undefined,
      });
    } catch (error) {
      if (signal?.aborted !== true) this.#error = reasonOf(error);
      throw unavailable(name, reasonOf(error), error);
    }
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}
