// The transport of revision 2024-11-05: an event stream that brings everything, and an address for what we say.
import type { IncomingMessage } from "node:http";
import type { Flight } from "./flight.ts";
import { discard, isEventStream, readEvents, readExplanation } from "./http-body.ts";
import { HttpCall, type HttpEndpoint, type HttpRequest } from "./http-endpoint.ts";
import { HttpRefusal } from "./http-refusal.ts";
import type { Line, LineListener } from "./line.ts";
import { LostRequest } from "./lost-request.ts";

export class SseLine implements Line {
  readonly #endpoint: HttpEndpoint;
  readonly #listener: LineListener;
  readonly #stream = new HttpCall();
  #address: URL | undefined;
  #version: string | undefined;
  #isClosed = false;

  constructor(endpoint: HttpEndpoint, listener: LineListener) {
    this.#endpoint = endpoint;
    this.#listener = listener;
  }

  agree(version: string): void {
    this.#version = version;
  }

  /** Opens the stream. Resolves when the server has said where messages go. @throws HttpRefusal, LostRequest */
  async open(): Promise<void> {
    const response = await this.#endpoint.open(this.#stream, {
      method: "GET",
      headers: { accept: "text/event-stream", "cache-control": "no-store" },
    });
    const { statusCode = 0, headers } = response;
    if (statusCode !== 200 || !isEventStream(response)) {
      const body = await readExplanation(response);
      throw new HttpRefusal(statusCode, headers["www-authenticate"], body);
    }
    this.#address = await this.#follow(response);
  }

  send(flight: Flight, text: string): void {
    void this.#post(flight, text);
  }

  async say(text: string): Promise<void> {
    await this.#endpoint.say(this.#message(text));
  }

  hangUp(flight: Flight): boolean {
    flight.hangUp?.();
    return false;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stream.end();
    this.#endpoint.close();
  }

  async #post(flight: Flight, text: string): Promise<void> {
    const call = new HttpCall();
    flight.hangUp = () => call.end();
    try {
      const response = await this.#endpoint.open(call, this.#message(text, flight.outgoing.headers));
      const { statusCode = 0, headers } = response;
      if (statusCode >= 200 && statusCode < 300) {
        discard(response);
        return;
      }
      const refusal = new HttpRefusal(statusCode, headers["www-authenticate"], await readExplanation(response));
      // The address holds the session: one that is not known any more is gone with what stood behind it.
      if (statusCode !== 404 && statusCode !== 400) throw refusal;
      throw new LostRequest(refusal.message, { reached: false, endsConnection: true }, refusal);
    } catch (error) {
      flight.fail(error);
    }
  }

  #message(body: string, more: Readonly<Record<string, string>> = {}): HttpRequest {
    const headers: Record<string, string> = { ...more, "content-type": "application/json" };
    if (this.#version !== undefined && this.#version >= "2025-06-18") headers["mcp-protocol-version"] = this.#version;
    return { method: "POST", headers, body, ...(this.#address === undefined ? {} : { url: this.#address }) };
  }

  #follow(response: IncomingMessage): Promise<URL> {
    return new Promise((resolve, reject) => {
      readEvents(response, {
        onId: () => undefined,
        onRetry: () => undefined,
        onEvent: (data, name) => {
          if (name === "endpoint") this.#addressed(data, resolve, reject);
          else if (name === undefined || name === "message") this.#heard(data);
        },
        onEnd: (error) => {
          const end = new Error(error?.message ?? "its stream ended");
          reject(end);
          if (!this.#isClosed) this.#listener.ended(end);
        },
      });
    });
  }

  #addressed(data: string, resolve: (address: URL) => void, reject: (error: Error) => void): void {
    const address = URL.parse(data, this.#endpoint.url.href);
    // Elsewhere others would get our credentials.
    if (address?.origin === this.#endpoint.url.origin) resolve(address);
    else reject(new Error("it wants messages sent to another origin"));
  }

  #heard(data: string): void {
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      return;
    }
    this.#listener.received(value, undefined);
  }
}
