// Streamable HTTP, of every revision: each message a POST, answers as JSON or as an event stream of their own.
import type { IncomingMessage } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { Era } from "../exchange/exchange.ts";
import type { Flight } from "./flight.ts";
import { isEventStream, readEvents, readExplanation, readText } from "./http-body.ts";
import { HttpCall, type HttpEndpoint } from "./http-endpoint.ts";
import { HttpRefusal, refused } from "./http-refusal.ts";
import type { Line, LineListener } from "./line.ts";
import { LostRequest } from "./lost-request.ts";

/** How long a stream may stay open that has brought its answer. */
const LINGER_MS = 1000;
/** Before a stream is taken up again, unless the server says how long. */
const RETRY_MS = 1000;
const SHORTEST_RETRY_MS = 100;
const RESUME_TRIES = 5;
/** A session is ended by the way; a server that is slow at that is not waited for. */
const DELETE_MS = 1000;
/** Visible ASCII (revision 2025-11-25, basic/transports §session management). */
const SESSION_ID = /^[\x21-\x7e]{1,1024}$/;
const HEADER_VALUE = /^[\t\x20-\x7e]{0,4096}$/;

export interface Agreed {
  readonly era: Era;
  readonly version: string;
}

export class HttpLine implements Line {
  readonly #endpoint: HttpEndpoint;
  readonly #listener: LineListener;
  readonly #closing = new AbortController();
  #agreed: Agreed | undefined;
  #session: string | undefined;
  #streams = new Set<HttpCall>();

  constructor(endpoint: HttpEndpoint, listener: LineListener) {
    this.#endpoint = endpoint;
    this.#listener = listener;
  }

  /** From now on it speaks this revision. Until then every refusal is told as it is (`HttpRefusal`). */
  agree(agreed: Agreed | undefined): void {
    this.#agreed = agreed;
  }

  send(flight: Flight, text: string): void {
    void this.#post(flight, text);
  }

  async say(text: string): Promise<void> {
    await this.#endpoint.say({ method: "POST", headers: this.#headers({}), body: text });
  }

  hangUp(flight: Flight): boolean {
    flight.hangUp?.();
    return this.#agreed?.era === "modern";
  }

  async close(isLost: boolean): Promise<void> {
    this.#closing.abort();
    for (const call of this.#streams) call.end();
    if (this.#session !== undefined && !isLost) await this.#endSession();
    this.#endpoint.close();
  }

  /**
   * Keeps the server's own stream open (revisions 2025-03-26 to 2025-11-25), if it has one.
   * `onOpen`: it is open; what was said since it broke is lost when it could not be taken up where it was.
   */
  listen(onOpen: (isResumed: boolean) => void): void {
    void this.#listen(onOpen);
  }

  async #post(flight: Flight, text: string): Promise<void> {
    const call = new HttpCall();
    flight.hangUp = () => call.end();
    try {
      const headers = this.#headers(flight.outgoing.headers ?? {});
      const response = await this.#endpoint.open(call, { method: "POST", headers, body: text });
      if (flight.isSettled) response.destroy();
      else await this.#take(response, flight);
    } catch (error) {
      flight.fail(error);
    }
  }

  async #take(response: IncomingMessage, flight: Flight): Promise<void> {
    const { statusCode = 0, headers } = response;
    if (statusCode < 200 || statusCode >= 300) {
      const refusal = new HttpRefusal(statusCode, headers["www-authenticate"], await readExplanation(response));
      const hasSession = this.#session !== undefined;
      throw this.#agreed === undefined ? refusal : refused(refusal, flight.id, { ...this.#agreed, hasSession });
    }
    if (flight.outgoing.method === "initialize") this.#beginSession(headers["mcp-session-id"]);
    if (isEventStream(response)) {
      this.#stream(response, flight);
      return;
    }
    this.#listener.received(JSON.parse(await readWhole(response)), flight);
    if (!flight.isSettled) flight.fail(new Error("it answered with something else than was asked"));
  }

  #stream(response: IncomingMessage, flight: Flight): void {
    let lastId: string | undefined;
    let retryMs = RETRY_MS;
    let linger: NodeJS.Timeout | undefined;
    readEvents(response, {
      onEvent: (data, name) => {
        if (flight.isSettled || (name !== undefined && name !== "message")) return;
        const value = parsed(data);
        if (value !== undefined) this.#listener.received(value, flight);
        if (flight.isSettled) linger = setTimeout(() => response.destroy(), LINGER_MS).unref();
      },
      onId: (id) => void (lastId = id),
      onRetry: (milliseconds) => void (retryMs = milliseconds),
      onEnd: (error) => {
        clearTimeout(linger);
        if (flight.isSettled) return;
        const reason = error?.message ?? "its stream ended without an answer";
        if (this.#agreed?.era === "legacy" && lastId !== undefined && HEADER_VALUE.test(lastId))
          void this.#resume(flight, lastId, retryMs);
        else flight.fail(new LostRequest(reason, { reached: true, endsConnection: false }, error));
      },
    });
  }

  /** Takes up the stream of a request where it ended (revision 2025-11-25, basic/transports §resumability). */
  async #resume(flight: Flight, lastId: string, retryMs: number): Promise<void> {
    const call = new HttpCall();
    flight.hangUp = () => call.end();
    for (let tries = 0; tries < RESUME_TRIES && !flight.isSettled; tries++) {
      try {
        await pause(Math.max(retryMs, SHORTEST_RETRY_MS), undefined, { signal: this.#closing.signal, ref: false });
        if (flight.isSettled) return;
        const response = await this.#get(call, lastId);
        if (response === undefined) break;
        if (flight.isSettled) response.destroy();
        else this.#stream(response, flight);
        return;
      } catch (error) {
        if (this.#closing.signal.aborted || (error instanceof LostRequest && error.endsConnection)) break;
      }
    }
    flight.fail(new LostRequest("its stream broke off", { reached: true, endsConnection: false }));
  }

  async #listen(onOpen: (isResumed: boolean) => void): Promise<void> {
    const call = new HttpCall();
    this.#streams.add(call);
    let [lastId, retryMs, wasOpen]: [string | undefined, number, boolean] = [undefined, RETRY_MS, false];
    while (!this.#closing.signal.aborted) {
      try {
        const response = await this.#get(call, lastId);
        if (response === undefined) {
          // What it had it has no more: it does not know our session.
          if (wasOpen) this.#listener.ended(new Error("its session ended"));
          break;
        }
        onOpen(lastId !== undefined || !wasOpen);
        wasOpen = true;
        const isBroken = await this.#hear(response, {
          onId: (id) => void (lastId = HEADER_VALUE.test(id) ? id : undefined),
          onRetry: (milliseconds) => void (retryMs = milliseconds),
        });
        const pauseMs = isBroken ? SHORTEST_RETRY_MS : Math.max(retryMs, SHORTEST_RETRY_MS);
        await pause(pauseMs, undefined, { signal: this.#closing.signal, ref: false });
      } catch (error) {
        if (this.#closing.signal.aborted) break;
        if (!(error instanceof LostRequest) || error.endsConnection) {
          if (wasOpen) this.#listener.ended(error instanceof Error ? error : new Error(String(error)));
          break;
        }
        await pause(RETRY_MS, undefined, { ref: false });
      }
    }
    this.#streams.delete(call);
  }

  /** Resolves when the stream ended, with true when it broke off. */
  #hear(
    response: IncomingMessage,
    { onId, onRetry }: { onId(id: string): void; onRetry(milliseconds: number): void },
  ): Promise<boolean> {
    return new Promise((resolve) => {
      readEvents(response, {
        onId,
        onRetry,
        onEvent: (data, name) => {
          const value = name === undefined || name === "message" ? parsed(data) : undefined;
          if (value !== undefined) this.#listener.received(value, undefined);
        },
        onEnd: (error) => resolve(error !== undefined),
      });
    });
  }

  /** The server's stream; undefined when it has none. */
  async #get(call: HttpCall, lastId: string | undefined): Promise<IncomingMessage | undefined> {
    const headers = this.#headers(lastId === undefined ? {} : { "last-event-id": lastId });
    delete headers["content-type"];
    headers["accept"] = "text/event-stream";
    const response = await this.#endpoint.open(call, { method: "GET", headers });
    if (response.statusCode === 200 && isEventStream(response)) return response;
    response.destroy();
    return undefined;
  }

  #beginSession(id: string | string[] | undefined): void {
    if (typeof id !== "string") return;
    if (!SESSION_ID.test(id)) throw new Error("its session id is none");
    this.#session = id;
  }

  async #endSession(): Promise<void> {
    const call = new HttpCall();
    const timer = setTimeout(() => call.end(), DELETE_MS);
    try {
      const response = await this.#endpoint.open(call, { method: "DELETE", headers: this.#headers({}) });
      response.destroy();
    } catch {
      // It ends by itself, then.
    } finally {
      clearTimeout(timer);
    }
  }

  #headers(more: Readonly<Record<string, string>>): Record<string, string> {
    const headers: Record<string, string> = {
      ...more,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
    };
    if (this.#session !== undefined) headers["mcp-session-id"] = this.#session;
    if (this.#agreed !== undefined && this.#agreed.version >= "2025-06-18")
      headers["mcp-protocol-version"] = this.#agreed.version;
    return headers;
  }
}

/** A body that breaks off is a request without an answer. */
async function readWhole(response: IncomingMessage): Promise<string> {
  try {
    return await readText(response);
  } catch (error) {
    if (response.complete || !("code" in Object(error))) throw error;
    throw new LostRequest("its answer broke off", { reached: true, endsConnection: false }, error);
  }
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
