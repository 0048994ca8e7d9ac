// One server behind the gateway: started when it is first needed, and again, with growing pauses, when it died.
import {
  ProtocolError,
  type CallToolResult,
  type Client,
  type GetPromptResult,
  type ProgressCallback,
  type Prompt,
  type ReadResourceResult,
  type Resource,
  type ResourceTemplateType,
  type Tool,
} from "@modelcontextprotocol/client";
import { describeError, SingleFlight, type Clock, type JsonObject, type Log } from "@pratique/core";
import { shortText } from "../catalog/clean-text.ts";
import { gatewayErrors } from "../errors.ts";
import * as limits from "../limits.ts";
import type { ServerDefinition, ServerState, ServerStatus } from "../server-definition.ts";
import { backoffMs } from "./backoff.ts";
import { connect, type Connection, type ListKind } from "./connect.ts";

export interface UpstreamOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly info: { readonly name: string; readonly version: string };
  /** What must have ended before this one starts: a server of the same name that it replaces. */
  readonly after?: Promise<unknown> | undefined;
  /** A list of this server is not what it was. */
  onListChanged(kind: ListKind): void;
}

export interface Lists {
  readonly tools: readonly Tool[];
  readonly prompts: readonly Prompt[];
  readonly resources: readonly Resource[];
  readonly templates: readonly ResourceTemplateType[];
}

export interface RequestOptions {
  readonly signal: AbortSignal;
  readonly onprogress?: ProgressCallback | undefined;
}

const NOTHING: Lists = { tools: [], prompts: [], resources: [], templates: [] };
/** A server that lived as long as this did not fail at its start. */
const HEALTHY_MS = 10_000;
/** After so many failures in a row it is started only when somebody asks. */
const RETRIES = 8;
/** Characters of an error or a progress message of a server that are passed on. */
const ANSWER_LIMIT = 1000;
/** Characters of a failure's reason. */
const REASON_LIMIT = 300;

export class Upstream {
  readonly definition: ServerDefinition;
  readonly #options: UpstreamOptions;
  readonly #flight = new SingleFlight<Client>();
  readonly #listing = new SingleFlight<unknown>();
  readonly #closing = new AbortController();
  #client: Client | undefined;
  /** The latest connection, until the process behind it has ended too. */
  #connection: Connection | undefined;
  #connecting: Promise<Client> | undefined;
  #state: ServerState = "idle";
  #startedAt = 0;
  #failures = 0;
  /** Some older servers end at a request that they do not know: every second try spares them the probe. */
  #isProbed = true;
  #retryAt = 0;
  #error: string | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** As last listed; kept while a server is away, so that names stay. */
  #lists: Lists = NOTHING;
  readonly #fresh = new Set<keyof Lists>();

  constructor(definition: ServerDefinition, options: UpstreamOptions) {
    this.definition = definition;
    this.#options = options;
  }

  status(): ServerStatus {
    const { name, isolated, reference, digest } = this.definition;
    return {
      name,
      state: this.#state,
      isolated,
      tools: this.#lists.tools.length,
      ...(reference === undefined ? {} : { reference }),
      ...(digest === undefined ? {} : { digest }),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  /** A list; of a server that is away or late, as it was last known. Never rejects. */
  async list<K extends keyof Lists>(kind: K): Promise<Lists[K]> {
    if (!this.#fresh.has(kind) || this.#client === undefined) {
      const refreshed = this.#listing.run(kind, () => this.#refresh(kind));
      await settledWithin(refreshed, limits.LIST_WAIT_MS);
    }
    return this.#lists[kind];
  }

  async callTool(name: string, args: JsonObject, options: RequestOptions): Promise<CallToolResult> {
    return await this.#request(name, options, (client, requestOptions) =>
      client.callTool({ name, arguments: args }, requestOptions),
    );
  }

  async getPrompt(name: string, args: Record<string, string>, options: RequestOptions): Promise<GetPromptResult> {
    return await this.#request(name, options, (client, requestOptions) =>
      client.getPrompt({ name, arguments: args }, requestOptions),
    );
  }

  async readResource(uri: string, options: RequestOptions): Promise<ReadResourceResult> {
    return await this.#request(uri, options, (client, requestOptions) => client.readResource({ uri }, requestOptions));
  }

  /** Resolves when its process has ended, also one that was just being started. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#retry);
    this.#client = undefined;
    this.#state = "idle";
    await this.#disconnect();
    // A start that hangs is not waited for without end; what comes of it late is stopped all the same.
    if (this.#connecting !== undefined) await settledWithin(this.#connecting, limits.START_TIMEOUT_MS);
  }

  async #disconnect(): Promise<void> {
    try {
      await this.#connection?.close();
    } catch (error) {
      this.#options.log.debug("closing a server failed", { server: this.definition.name, ...describeError(error) });
    }
  }

  /** @throws `gateway.server-unavailable`, `gateway.call-failed`, or the server's own protocol error */
  async #request<T>(
    what: string,
    { signal, onprogress }: RequestOptions,
    send: (client: Client, options: object) => Promise<T>,
  ): Promise<T> {
    const client = await this.#connected();
    try {
      return await send(client, {
        signal: AbortSignal.any([signal, this.#closing.signal]),
        timeout: limits.CALL_TIMEOUT_MS,
        maxTotalTimeout: limits.CALL_TOTAL_TIMEOUT_MS,
        resetTimeoutOnProgress: true,
        ...(onprogress === undefined ? {} : { onprogress: cleanProgress(onprogress) }),
      });
    } catch (cause) {
      // Its data is left out: in it a server could pass off its own words as the gateway's codes and hints.
      if (isAnswer(cause)) throw new ProtocolError(cause.code, shortText(cause.message, ANSWER_LIMIT));
      throw gatewayErrors(
        "gateway.call-failed",
        { server: this.definition.name, what, reason: messageOf(cause) },
        { cause },
      );
    }
  }

  async #connected(): Promise<Client> {
    if (this.#client !== undefined) return this.#client;
    this.#connecting = this.#flight.run("", () => this.#connect());
    return await this.#connecting;
  }

  async #connect(): Promise<Client> {
    const { name, transport } = this.definition;
    const { clock, log, info, after, onListChanged } = this.#options;
    const now = (): number => clock.now().getTime();
    if (this.#closing.signal.aborted) throw this.#unavailable("it was taken away");
    if (now() < this.#retryAt) throw this.#unavailable(this.#error ?? "it failed a moment ago");
    clearTimeout(this.#retry);
    this.#state = "starting";
    try {
      await Promise.allSettled([after, this.#disconnect()]);
      const connection = await connect(transport, {
        info,
        isProbed: this.#isProbed,
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(limits.START_TIMEOUT_MS)]),
        onListChanged: (kind) => {
          this.#fresh.delete(kind);
          if (kind === "resources") this.#fresh.delete("templates");
          onListChanged(kind);
        },
        onLeftOut: (kind, count) => log.warn("part of a list is left out", { server: name, kind, count }),
      });
      if (this.#closing.signal.aborted) {
        await connection.close();
        throw new Error("it was taken away");
      }
      const { client } = connection;
      this.#connection = connection;
      client.onclose = () => this.#lost(client);
      client.onerror = (error) => log.debug("a server misbehaves", { server: name, ...describeError(error) });
      this.#client = client;
      this.#startedAt = now();
      this.#state = "ready";
      this.#error = undefined;
      this.#fresh.clear();
      log.info("server ready", { server: name, protocol: client.getNegotiatedProtocolVersion() ?? "unknown" });
      return client;
    } catch (cause) {
      this.#isProbed = !this.#isProbed;
      this.#failed(messageOf(cause));
      throw this.#unavailable(messageOf(cause), cause);
    }
  }

  #lost(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#fresh.clear();
    if (this.#closing.signal.aborted) return;
    const lived = this.#options.clock.now().getTime() - this.#startedAt;
    if (lived >= HEALTHY_MS) this.#failures = 0;
    if (lived >= HEALTHY_MS || this.#failures === 0) {
      // The first end is no pattern: the next call starts it at once.
      this.#failures = lived >= HEALTHY_MS ? 0 : 1;
      this.#state = "idle";
      this.#error = "it ended";
      this.#options.log.warn("server ended", { server: this.definition.name });
      return;
    }
    this.#failed("it ended soon after its start");
  }

  #failed(reason: string): void {
    if (this.#closing.signal.aborted) return;
    this.#failures += 1;
    this.#state = "failed";
    this.#error = reason;
    const pauseMs = backoffMs(this.#failures);
    this.#retryAt = this.#options.clock.now().getTime() + pauseMs;
    this.#options.log.warn("server failed", {
      server: this.definition.name,
      reason,
      failures: this.#failures,
      pauseMs,
    });
    if (this.#failures > RETRIES) return;
    clearTimeout(this.#retry);
    // Started again unasked, so that clients hear of its tools as soon as it is up.
    this.#retry = setTimeout(() => void this.#again(), pauseMs + 1);
    this.#retry.unref();
  }

  async #again(): Promise<void> {
    try {
      await this.#connected();
    } catch {
      // Already told and counted by #failed.
      return;
    }
    for (const kind of ["tools", "prompts", "resources"] as const) this.#options.onListChanged(kind);
  }

  async #refresh(kind: keyof Lists): Promise<void> {
    const { log } = this.#options;
    try {
      const client = await this.#connected();
      const { [kind]: has } = { ...NO_CAPABILITIES, ...capabilities(client) };
      const entries = has ? await fetchList(client, kind, this.#closing.signal) : [];
      this.#lists = { ...this.#lists, [kind]: entries };
      this.#fresh.add(kind);
    } catch (error) {
      log.warn("a list cannot be had", { server: this.definition.name, kind, ...describeError(error) });
    }
  }

  #unavailable(reason: string, cause?: unknown): Error {
    const params = { server: this.definition.name, reason };
    return gatewayErrors("gateway.server-unavailable", params, cause === undefined ? {} : { cause });
  }
}

const NO_CAPABILITIES = { tools: false, prompts: false, resources: false, templates: false };

function capabilities(client: Client): Partial<Record<keyof Lists, boolean>> {
  const { tools, prompts, resources } = client.getServerCapabilities() ?? {};
  const hasResources = resources !== undefined;
  return {
    tools: tools !== undefined,
    prompts: prompts !== undefined,
    resources: hasResources,
    templates: hasResources,
  };
}

async function fetchList(client: Client, kind: keyof Lists, signal: AbortSignal): Promise<readonly object[]> {
  const timeout = limits.LIST_TIMEOUT_MS;
  const options = { signal: AbortSignal.any([signal, AbortSignal.timeout(timeout)]), timeout };
  if (kind === "tools") return (await client.listTools(undefined, options)).tools;
  if (kind === "prompts") return (await client.listPrompts(undefined, options)).prompts;
  if (kind === "resources") return (await client.listResources(undefined, options)).resources;
  return (await client.listResourceTemplates(undefined, options)).resourceTemplates;
}

/** An error that the server itself answered with, in JSON-RPC's own terms. */
function isAnswer(error: unknown): error is Error & { readonly code: number } {
  return error instanceof Error && "code" in error && typeof error.code === "number";
}

function messageOf(error: unknown): string {
  return shortText(error instanceof Error ? error.message : String(error), REASON_LIMIT);
}

/** Only what MCP knows of progress, its message without secrets. */
function cleanProgress(onprogress: ProgressCallback): ProgressCallback {
  return ({ progress, total, message }) =>
    onprogress({
      progress,
      ...(total === undefined ? {} : { total }),
      ...(message === undefined ? {} : { message: shortText(message, ANSWER_LIMIT) }),
    });
}

async function settledWithin(promise: Promise<unknown>, timeoutMs: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  await Promise.race([promise.catch(() => undefined), late]);
  clearTimeout(timer);
}
