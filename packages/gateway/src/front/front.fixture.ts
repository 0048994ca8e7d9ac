// The front over real HTTP, with a router that answers as a test says.
import { createServer, type IncomingMessage } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Principal } from "@pratique/contracts";
import { manualClock, silentLog, type JsonObject, type ManualClock } from "@pratique/core";
import type { Answer, Exchange, ExchangeNotification } from "../exchange/exchange.ts";
import type { ListenFilter, RouterPort } from "../exchange/router-port.ts";
import type { Caller } from "./caller.ts";
import { Front, type FrontOptions } from "./front.ts";
import { META, MODERN_VERSION } from "./protocol.ts";

export interface Heard {
  readonly caller: Caller;
  readonly filter: ListenFilter;
  readonly watched: Set<string>;
  tell(notification: ExchangeNotification): void;
  isEnded: boolean;
}

export class FakeRouter implements RouterPort {
  /** Every exchange that came, */
  readonly exchanges: Exchange[] = [];
  /** and who listens. */
  readonly listeners: Heard[] = [];
  capabilities: JsonObject = {
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
    logging: {},
    completions: {},
  };
  respond: (exchange: Exchange, caller: Caller) => Promise<Answer> = async ({ method, params }) =>
    method === "tools/list" ? { tools: [] } : { content: [{ type: "text", text: JSON.stringify(params) }] };
  tools: Record<string, JsonObject> = {};

  async face(): Promise<{ info: JsonObject; capabilities: JsonObject; instructions: string }> {
    return { info: { name: "fake", version: "1" }, capabilities: this.capabilities, instructions: "be kind" };
  }

  async answer(caller: Caller, exchange: Exchange): Promise<Answer> {
    this.exchanges.push(exchange);
    return await this.respond(exchange, caller);
  }

  tool(_caller: Caller, name: string): JsonObject | undefined {
    return this.tools[name];
  }

  async listen(caller: Caller, filter: ListenFilter, tell: Heard["tell"]) {
    const heard: Heard = { caller, filter, tell, watched: new Set(filter.uris), isEnded: false };
    this.listeners.push(heard);
    return {
      watch: async (uri: string) => void heard.watched.add(uri),
      unwatch: async (uri: string) => void heard.watched.delete(uri),
      end: () => void (heard.isEnded = true),
    };
  }
}

export interface FrontFixture {
  readonly front: Front;
  readonly router: FakeRouter;
  readonly clock: ManualClock;
  readonly url: string;
  /** A POST of one principal; `who` is his bearer token. */
  post(body: unknown, headers?: Record<string, string>, who?: string): Promise<Response>;
  /** A request of 2026-07-28 with all that belongs to it. */
  modern(method: string, params?: JsonObject, more?: ModernOptions): Promise<Response>;
  close(): Promise<void>;
}

export interface ModernOptions {
  readonly id?: string | number;
  readonly who?: string;
  readonly capabilities?: JsonObject;
  readonly meta?: JsonObject;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
  readonly path?: string;
}

const user = (id: string): Principal => ({ type: "User", id, name: id, groups: [] });

export async function openFront(more: Partial<FrontOptions> = {}): Promise<FrontFixture> {
  const router = new FakeRouter();
  const clock = manualClock();
  const front = new Front({ router, clock, log: silentLog, info: { name: "pratique", version: "0" }, ...more });
  const server = createServer((req, res) => void front.handle(req, res, factsOf(req)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `${origin}/mcp`;
  const post = (
    body: unknown,
    headers: Record<string, string> = {},
    who = "ada",
    address = url,
    signal?: AbortSignal,
  ) =>
    fetch(address, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "application/json, text/event-stream",
        authorization: `Bearer ${who}`,
        ...headers,
      },
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  return {
    front,
    router,
    clock,
    url,
    post,
    modern(method, params = {}, options = {}) {
      const { id = 1, who = "ada", capabilities = {}, meta = {}, headers = {}, signal, path = "/mcp" } = options;
      const name = params["name"] ?? params["uri"];
      const message = {
        jsonrpc: "2.0",
        id,
        method,
        params: {
          ...params,
          _meta: {
            [META.version]: MODERN_VERSION,
            [META.info]: { name: "test", version: "0" },
            [META.capabilities]: capabilities,
            ...meta,
          },
        },
      };
      return post(
        message,
        {
          "mcp-protocol-version": MODERN_VERSION,
          "mcp-method": method,
          ...(typeof name === "string" ? { "mcp-name": name } : {}),
          ...headers,
        },
        who,
        origin + path,
        signal,
      );
    },
    async close() {
      await front.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

function factsOf(req: IncomingMessage): Parameters<Front["handle"]>[2] {
  const who = /^Bearer (\w+)$/.exec(req.headers.authorization ?? "")?.[1];
  const { pathname } = new URL(req.url ?? "/", "http://x");
  const profile = /^\/(?:mcp|sse)\/([^/]+)$/.exec(pathname)?.[1];
  const endpoint = pathname.startsWith("/.well-known/")
    ? "metadata"
    : pathname.startsWith("/sse")
      ? "sse"
      : pathname === "/messages"
        ? "messages"
        : "mcp";
  return {
    principal: who === undefined ? undefined : user(who),
    ...(profile === undefined ? {} : { profile }),
    endpoint,
  };
}

/** The messages of an answer, of JSON or of a stream that ends. */
export async function messagesOf(response: Response): Promise<JsonObject[]> {
  const text = await response.text();
  if (!response.headers.get("content-type")?.startsWith("text/event-stream"))
    return text === "" ? [] : [JSON.parse(text) as JsonObject].flat();
  return text.split("\n").flatMap((line) => {
    const data = /^data: (.+)$/.exec(line)?.[1];
    return data === undefined ? [] : [JSON.parse(data) as JsonObject];
  });
}

/** A stream that stays open, message by message. */
export function openMessages(response: Response): { next(): Promise<JsonObject | undefined>; cancel(): Promise<void> } {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const waiting: JsonObject[] = [];
  let text = "";
  return {
    async next() {
      for (;;) {
        const found = waiting.shift();
        if (found !== undefined) return found;
        const { done, value } = await reader.read();
        if (done) return undefined;
        text += value;
        const lines = text.split("\n");
        text = lines.pop() ?? "";
        for (const line of lines) {
          const data = /^data: (.+)$/.exec(line)?.[1];
          if (data !== undefined) waiting.push(JSON.parse(data) as JsonObject);
        }
      }
    },
    cancel: () => reader.cancel(),
  };
}
