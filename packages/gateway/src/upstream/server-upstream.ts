// One server for one scope: started when it is first needed, and again when it ended; its lists as they were last known.
import { describeError, SingleFlight, type JsonObject, type Log } from "@pratique/core";
import type { Answer, Exchange } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import type { ListKind, ListSnapshot, ServerFacts, UpstreamPort } from "../exchange/upstream-port.ts";
import { LIST_TIMEOUT_MS, LIST_WAIT_MS } from "../limits.ts";
import type { ServerDefinition, ServerStatus } from "../server-definition.ts";
import { hasList, type Connection } from "./connection.ts";
import { fetchList, LISTS, type FetchedList } from "./fetch-list.ts";
import { Life } from "./life.ts";
import { ListShelf } from "./list-shelf.ts";
import { LostRequest } from "./lost-request.ts";
import { paramHeaders, type ParamHeader } from "./param-headers.ts";
import { CODE } from "./protocol.ts";
import { callFailed, reasonOf } from "./reason.ts";
import { isRepeatable } from "./repeatable.ts";
import type { UpstreamOptions } from "./upstream-options.ts";
import { statusOf } from "./upstream-status.ts";
import { abortable, settledWithin } from "./waiting.ts";

/** How often a request is sent again when its connection breaks, */
const LOSSES = 6;
/** and when the server ends while it works on it, which may be because of it. */
const CRASHES = 3;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 3200;
/** An older server that tells no changes is asked again in the background, but not with every list. */
const UNTOLD_FRESH_MS = 10_000;
/** Changes that come close together are one. */
const CHANGE_PAUSE_MS = 50;
const KINDS: readonly ListKind[] = ["tools", "prompts", "resources", "templates"];
const EMPTY: FetchedList = { items: [], text: "", leftOut: 0, ttlMs: undefined, cacheScope: undefined };

export class ServerUpstream implements UpstreamPort {
  readonly definition: ServerDefinition;
  readonly scope: string;
  readonly #options: UpstreamOptions;
  readonly #log: Log;
  readonly #life: Life;
  readonly #shelf = new ListShelf();
  readonly #fetching = new SingleFlight<void>();
  readonly #watched = new Set<string>();
  /** Lists that were asked for, so that they are worth keeping fresh, */
  readonly #asked = new Set<ListKind>();
  /** and that somebody got without what the server has by now. */
  readonly #missed = new Set<ListKind>();
  /** Lists that are fetched in a moment, and whether their change is told then. */
  readonly #changing = new Map<ListKind, { readonly timer: NodeJS.Timeout; readonly isTold: boolean }>();
  #facts: ServerFacts | undefined;
  #params: ReadonlyMap<string, readonly ParamHeader[]> | undefined;

  constructor(definition: ServerDefinition, scope: string, options: UpstreamOptions) {
    this.definition = definition;
    this.scope = scope;
    this.#options = options;
    this.#log = options.log;
    this.#life = new Life(definition, scope, {
      ...options,
      onNotification: (method, params) => this.#heard(method, params),
      onReady: (connection) => this.#ready(connection),
      isNeeded: () => this.#watched.size > 0,
    });
  }

  status(): ServerStatus {
    const { state, error } = this.#life;
    return statusOf(this.definition, { state, error, tools: this.#shelf.read("tools").items.length });
  }

  async facts(): Promise<ServerFacts> {
    if (this.#facts !== undefined) return this.#facts;
    return (await this.#life.connected()).facts;
  }

  knownFacts(): ServerFacts | undefined {
    return this.#facts;
  }

  knownList(kind: ListKind): ListSnapshot | undefined {
    return this.#shelf.known(kind);
  }

  async list(kind: ListKind): Promise<ListSnapshot> {
    this.#asked.add(kind);
    const known = this.#shelf.known(kind);
    const freshness = this.#freshness(kind);
    if (known !== undefined && freshness === "fresh") return known;
    const fetched = this.#fetch(kind);
    if (known !== undefined && freshness === "away") {
      fetched.catch(() => undefined);
      return known;
    }
    // A server that is slow to start is waited for once, and not with every list.
    const waitMs = Math.min(LIST_WAIT_MS, this.#life.patienceMs(LIST_WAIT_MS));
    if (!(await settledWithin(fetched, waitMs))) this.#missed.add(kind);
    return this.#shelf.read(kind);
  }

  async send(exchange: Exchange): Promise<Answer> {
    const { method, params, signal } = exchange;
    const { name } = this.definition;
    const tool = method === "tools/call" ? String(params["name"]) : undefined;
    const verdict =
      tool !== undefined && Object.hasOwn(this.definition.verdicts, tool) ? this.definition.verdicts[tool] : undefined;
    try {
      return await this.#repeating(
        async (connection) => await this.#sendOver(connection, exchange, tool),
        () => isRepeatable(method, verdict, tool === undefined ? undefined : this.#shelf.tool(tool)),
        signal,
      );
    } catch (error) {
      throw callFailed(error, name, tool ?? method);
    }
  }

  async watch(uri: string): Promise<void> {
    this.#watched.add(uri);
    try {
      await this.#repeating((connection) => connection.watch(uri));
    } catch (error) {
      this.#watched.delete(uri);
      throw callFailed(error, this.definition.name, uri);
    }
  }

  async unwatch(uri: string): Promise<void> {
    if (!this.#watched.delete(uri)) return;
    try {
      // One that is away has forgotten it, and does not hear of it again.
      await this.#life.live?.unwatch(uri);
    } catch (error) {
      this.#log.debug("a subscription was not ended", { server: this.definition.name, ...describeError(error) });
    }
  }

  retry(): void {
    this.#life.retry();
  }

  async close(): Promise<void> {
    for (const { timer } of this.#changing.values()) clearTimeout(timer);
    await this.#life.close();
  }

  async #sendOver(connection: Connection, exchange: Exchange, tool: string | undefined): Promise<Answer> {
    if (tool === undefined || !connection.hasParamHeaders) return await connection.send(exchange, undefined);
    if (this.#params === undefined) await settledWithin(this.#fetch("tools"), LIST_TIMEOUT_MS);
    try {
      return await connection.send(exchange, this.#params?.get(tool));
    } catch (error) {
      // Its schema may have changed (revision 2026-07-28, streamable-http §client behavior).
      if (!(error instanceof McpError) || error.code !== CODE.headerMismatch) throw error;
      const before = this.#params;
      this.#shelf.doubt("tools");
      await settledWithin(this.#fetch("tools"), LIST_TIMEOUT_MS);
      if (this.#params === before) throw error;
      return await connection.send(exchange, this.#params?.get(tool));
    }
  }

  /** Runs a task over the connection, and again over a new one while that does no harm. */
  async #repeating<T>(
    task: (connection: Connection) => Promise<T>,
    isHarmless: () => boolean = () => true,
    signal?: AbortSignal,
  ): Promise<T> {
    let [losses, crashes, pauseMs] = [0, 0, FIRST_PAUSE_MS];
    for (;;) {
      const connection = this.#life.live ?? (await abortable(this.#life.connected(), signal));
      this.#life.use();
      try {
        const result = await task(connection);
        this.#life.answered(connection);
        return result;
      } catch (error) {
        if (error instanceof McpError) this.#life.answered(connection);
        if (!(error instanceof LostRequest)) throw error;
        if (error.endsConnection) this.#life.lost(connection, error);
        losses += 1;
        if (error.endsConnection && error.reached) crashes += 1;
        const mayRepeat = !error.reached || isHarmless();
        if (!mayRepeat || losses > LOSSES || crashes > CRASHES || signal?.aborted === true) throw error;
        await this.#life.pause(pauseMs, signal).catch(() => {
          throw error;
        });
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      } finally {
        this.#life.used();
      }
    }
  }

  /** `away`: it is known and the server is not there, so that it is not waited for. */
  #freshness(kind: ListKind): "fresh" | "stale" | "away" {
    const connection = this.#life.live;
    const isDoubted = this.#shelf.isStale(kind);
    // One that was stopped because nobody used it has changed nothing since, and sleeps on.
    if (connection === undefined) return this.#life.isResting && !isDoubted ? "fresh" : "away";
    if (isDoubted) return "stale";
    if (connection.tellsChanges(kind)) return "fresh";
    const ageMs = this.#shelf.ageMs(kind, this.#now());
    if (connection.facts.era === "modern") return ageMs < (this.#shelf.read(kind).ttlMs ?? 0) ? "fresh" : "stale";
    return ageMs < UNTOLD_FRESH_MS ? "fresh" : "away";
  }

  #fetch(kind: ListKind): Promise<void> {
    return this.#fetching.run(kind, () => this.#fetchNow(kind));
  }

  async #fetchNow(kind: ListKind): Promise<void> {
    const { name } = this.definition;
    try {
      let doubts = 0;
      const fetched = await this.#repeating(async (connection) => {
        doubts = this.#shelf.doubts(kind);
        return await this.#read(connection, kind);
      });
      if (fetched.leftOut > 0)
        this.#log.warn("part of a list is left out", { server: name, kind, count: fetched.leftOut });
      const isKnown = this.#shelf.known(kind) !== undefined;
      const isChanged = this.#shelf.put(kind, fetched, { fetchedAt: this.#now(), doubts });
      const isMissed = this.#missed.delete(kind);
      if (isChanged && (isKnown || (isMissed && fetched.items.length > 0)))
        this.#options.onEvent({ type: "list-changed", kind });
      // What changed while it was fetched is not in it.
      if (this.#shelf.isStale(kind) && !this.#changing.has(kind)) this.#later(kind, () => this.#fetchAgain(kind));
    } catch (error) {
      this.#log.debug("a list cannot be had", { server: name, kind, ...describeError(error) });
      throw error;
    }
  }

  async #read(connection: Connection, kind: ListKind): Promise<FetchedList> {
    if (!hasList(connection.facts, kind)) return EMPTY;
    const signal = AbortSignal.timeout(LIST_TIMEOUT_MS);
    try {
      const fetched = await fetchList(kind, (method, params) => connection.ask(method, params, signal));
      return kind === "tools" && connection.hasParamHeaders ? this.#withParamHeaders(fetched) : fetched;
    } catch (error) {
      // Servers have resources without templates, and say so in this way.
      if (error instanceof McpError && error.code === CODE.methodNotFound) return EMPTY;
      throw error;
    }
  }

  /** Tools whose headers are wrong cannot be called over HTTP: they are left out (streamable-http §schema extension). */
  #withParamHeaders(fetched: FetchedList): FetchedList {
    const params = new Map<string, readonly ParamHeader[]>();
    const items = fetched.items.filter((tool) => {
      const found = paramHeaders(tool["inputSchema"]);
      if (found.valid) params.set(String(tool["name"]), found.headers);
      else {
        const fields = { server: this.definition.name, tool: reasonOf(tool["name"]), reason: found.reason };
        this.#log.warn("a tool is left out", fields);
      }
      return found.valid;
    });
    this.#params = params;
    return { ...fetched, items };
  }

  #ready(connection: Connection): void {
    this.#facts = connection.facts;
    this.#shelf.doubtAll();
    const notification = (method: string, params: JsonObject): void => this.#heard(method, params);
    connection.listen({ notification, gap: () => this.#gap() }, this.#watched);
    this.#refetch();
  }

  #gap(): void {
    this.#shelf.doubtAll();
    this.#refetch();
  }

  #refetch(): void {
    for (const kind of this.#asked) this.#fetch(kind).catch(() => undefined);
  }

  #heard(method: string, params: JsonObject): void {
    const { onEvent } = this.#options;
    const changed = KINDS.filter((kind) => LISTS[kind].changed === method);
    if (changed.length > 0) for (const kind of changed) this.#changed(kind);
    else if (method === "notifications/resources/updated") onEvent({ type: "resource-updated", params });
    else if (method === "notifications/message") onEvent({ type: "log", params });
    else onEvent({ type: "notification", method, params });
  }

  /** Told when the new list is there, so that whoever asks for it then need not wait. */
  #changed(kind: ListKind): void {
    this.#shelf.doubt(kind);
    const waiting = this.#changing.get(kind);
    if (waiting?.isTold === true) return;
    clearTimeout(waiting?.timer);
    this.#later(kind, () => void this.#tellChange(kind), true);
  }

  #later(kind: ListKind, act: () => void, isTold = false): void {
    const timer = setTimeout(() => {
      this.#changing.delete(kind);
      act();
    }, CHANGE_PAUSE_MS).unref();
    this.#changing.set(kind, { timer, isTold });
  }

  #fetchAgain(kind: ListKind): void {
    if (this.#life.live !== undefined) this.#fetch(kind).catch(() => undefined);
  }

  async #tellChange(kind: ListKind): Promise<void> {
    const before = this.#shelf.read(kind).generation;
    if (this.#asked.has(kind)) await settledWithin(this.#fetch(kind), LIST_TIMEOUT_MS);
    // A change that was found has been told already.
    if (this.#shelf.read(kind).generation === before) this.#options.onEvent({ type: "list-changed", kind });
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}
