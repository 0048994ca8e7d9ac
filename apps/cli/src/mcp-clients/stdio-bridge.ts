// Relays MCP between a client on standard streams and the gateway over Streamable HTTP. Messages pass as they are.
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { isJsonObject, type JsonObject } from "@pratique/core";
import { ParamHeaders, versionIn } from "./param-headers.ts";

export interface StdioBridgeOptions {
  readonly url: string;
  /** Asked again when it was refused. */
  readonly token: () => Promise<string>;
  readonly input: Readable;
  /** Takes one message. */
  readonly write: (line: string) => void;
  /** For a person: what goes wrong. */
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

const SESSION = "mcp-session-id";
const INTERNAL_ERROR = -32_603;
/** The daemon may be about to start, or to start again. */
const TRIES = 8;
const FIRST_PAUSE_MS = 100;
const MESSAGE_LIMIT = 64 * 1024 * 1024;

type Id = string | number;

/** Resolves when the input has ended and what was under way is answered. */
export async function runStdioBridge(options: StdioBridgeOptions): Promise<void> {
  await new StdioBridge(options).run();
}

class StdioBridge {
  readonly #options: StdioBridgeOptions;
  readonly #params = new ParamHeaders();
  readonly #inFlight = new Map<Id, AbortController>();
  readonly #ended = new AbortController();
  #token: string | undefined;
  #session: string | undefined;
  #version: string | undefined;
  /** What opened the session, to open it again after the daemon was started anew. */
  #opening: JsonObject | undefined;
  #reopening: Promise<void> | undefined;
  #isListening = false;

  constructor(options: StdioBridgeOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { input, signal } = this.#options;
    const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY, signal });
    const tasks = new Set<Promise<void>>();
    // In their order as long as a session is being opened; then each by itself.
    try {
      for await (const line of lines) {
        for (const message of messagesIn(line)) {
          const task = this.#take(message).finally(() => tasks.delete(task));
          tasks.add(task);
          if (message["method"] === "initialize" || message["method"] === "notifications/initialized") await task;
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    await Promise.allSettled(tasks);
    await this.#close();
  }

  async #take(message: JsonObject): Promise<void> {
    const { id, method, params } = message;
    if (method === "notifications/cancelled" && isJsonObject(params)) {
      const running = this.#inFlight.get(params["requestId"] as Id);
      // Revision 2026-07-28: closing the stream is the cancellation.
      if (running !== undefined && this.#session === undefined) return running.abort();
    }
    const isRequest = typeof method === "string" && (typeof id === "string" || typeof id === "number");
    if (method === "initialize") this.#opening = message;
    const stop = new AbortController();
    if (isRequest) this.#inFlight.set(id, stop);
    try {
      await this.#send(message, AbortSignal.any([stop.signal, this.#options.signal]));
      if (method === "notifications/initialized") this.#listen();
    } catch (error) {
      if (stop.signal.aborted || this.#options.signal.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.note(`pratique: ${reason}`);
      if (isRequest)
        this.#say({ jsonrpc: "2.0", id, error: { code: INTERNAL_ERROR, message: `${reason}; pratique status` } });
    } finally {
      if (isRequest && this.#inFlight.get(id) === stop) this.#inFlight.delete(id);
    }
  }

  async #send(message: JsonObject, signal: AbortSignal, isRetry = false): Promise<void> {
    const response = await this.#post(message, signal);
    if (response.status === 404 && this.#session !== undefined && !isRetry && message["method"] !== "initialize") {
      await response.body?.cancel();
      await this.#reopen();
      return await this.#send(message, signal, true);
    }
    if (message["method"] === "initialize") this.#session = response.headers.get(SESSION) ?? undefined;
    await this.#pass(response, message);
  }

  async #post(message: JsonObject, signal: AbortSignal): Promise<Response> {
    const body = JSON.stringify(message);
    for (let attempt = 1; ; attempt += 1) {
      this.#token ??= await this.#options.token();
      try {
        const response = await fetch(this.#options.url, {
          method: "POST",
          headers: {
            ...this.#headers(),
            ...this.#params.of(message),
            "content-type": "application/json",
            accept: "application/json, text/event-stream",
          },
          body,
          signal,
        });
        if (response.status !== 401 || attempt > 1) return response;
        await response.body?.cancel();
        this.#token = undefined;
      } catch (error) {
        // Only what never reached it may be sent again.
        if (!isRefused(error) || attempt >= TRIES) throw reasonOf(error);
        await delay(FIRST_PAUSE_MS * 2 ** Math.min(attempt - 1, 4), undefined, { signal });
      }
    }
  }

  #headers(): Record<string, string> {
    return {
      authorization: `Bearer ${this.#token ?? ""}`,
      ...(this.#session === undefined ? {} : { [SESSION]: this.#session }),
      ...(this.#version === undefined ? {} : { "mcp-protocol-version": this.#version }),
    };
  }

  /** Hands on what came for the message: one answer, or a stream that ends with it. */
  async #pass(response: Response, message: JsonObject): Promise<void> {
    const { id } = message;
    const isRequest = typeof message["method"] === "string" && id !== undefined;
    const type = response.headers.get("content-type") ?? "";
    let isAnswered = false;
    const heard = (one: JsonObject): void => {
      if (one["id"] === id && one["method"] === undefined) {
        isAnswered = true;
        this.#hear(one, message);
      }
      this.#say(one);
    };
    if (type.startsWith("text/event-stream") && response.body !== null) {
      for await (const data of eventsIn(response.body)) for (const one of messagesIn(data)) heard(one);
    } else if (type.startsWith("application/json")) {
      for (const one of messagesIn(await bounded(response))) if (isRequest) heard(one);
    } else await response.body?.cancel();
    if (isRequest && !isAnswered) throw new Error(`the gateway answered with status ${response.status}`);
  }

  #hear(answer: JsonObject, message: JsonObject): void {
    const { result } = answer;
    if (message["method"] === "tools/list") this.#params.learn(answer);
    if (message["method"] !== "initialize" || !isJsonObject(result) || versionIn(message) !== undefined) return;
    if (typeof result["protocolVersion"] === "string") this.#version = result["protocolVersion"];
  }

  /** The daemon was started anew and knows nothing of the session: the client need not hear of it. */
  #reopen(): Promise<void> {
    this.#reopening ??= (async () => {
      try {
        const opening = this.#opening;
        if (opening === undefined) return;
        this.#session = undefined;
        const response = await this.#post({ ...opening, id: "pratique-reopen" }, this.#options.signal);
        this.#session = response.headers.get(SESSION) ?? undefined;
        await response.body?.cancel();
        const done = await this.#post({ jsonrpc: "2.0", method: "notifications/initialized" }, this.#options.signal);
        await done.body?.cancel();
        // Its lists may be others than those that the client has.
        for (const kind of ["tools", "prompts", "resources"])
          this.#say({ jsonrpc: "2.0", method: `notifications/${kind}/list_changed` });
      } finally {
        this.#reopening = undefined;
      }
    })();
    return this.#reopening;
  }

  /** The stream on which servers of the older revisions say something of themselves. */
  #listen(): void {
    if (this.#isListening || this.#session === undefined) return;
    this.#isListening = true;
    void this.#hearServer();
  }

  async #hearServer(): Promise<void> {
    const signal = AbortSignal.any([this.#ended.signal, this.#options.signal]);
    for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(pause * 2, 5_000)) {
      try {
        const headers = { ...this.#headers(), accept: "text/event-stream" };
        const response = await fetch(this.#options.url, { headers, signal });
        if (response.status === 405) return;
        if (response.status === 404) {
          await response.body?.cancel();
          await this.#reopen();
        } else if (response.ok && response.body !== null) {
          pause = FIRST_PAUSE_MS;
          for await (const data of eventsIn(response.body)) for (const one of messagesIn(data)) this.#say(one);
        }
      } catch {
        // It comes back, or the next request says why not.
      }
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  async #close(): Promise<void> {
    this.#ended.abort();
    if (this.#session === undefined) return;
    const signal = AbortSignal.timeout(2_000);
    await fetch(this.#options.url, { method: "DELETE", headers: this.#headers(), signal }).catch(() => undefined);
  }

  #say(message: JsonObject): void {
    this.#options.write(JSON.stringify(message));
  }
}

/** A line holds one message; a batch (2025-03-26) holds several. */
function messagesIn(text: string): JsonObject[] {
  if (text.trim() === "" || text.length > MESSAGE_LIMIT) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  return (Array.isArray(value) ? (value as unknown[]) : [value]).filter(isJsonObject);
}

/** The data of each event (HTML, "Server-sent events"). */
async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  let data: string[] = [];
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    if (rest.length > MESSAGE_LIMIT) throw new Error("an event of the gateway has no end");
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
      else if (line === "" && data.length > 0) {
        yield data.join("\n");
        data = [];
      }
    }
  }
}

async function bounded(response: Response): Promise<string> {
  const text = await response.text();
  if (text.length > MESSAGE_LIMIT) throw new Error("an answer of the gateway is too large");
  return text;
}

function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return code === "ECONNREFUSED";
}

function reasonOf(error: unknown): Error {
  if (isRefused(error)) return new Error("the daemon does not run: pratique up");
  return error instanceof Error ? error : new Error(String(error));
}
