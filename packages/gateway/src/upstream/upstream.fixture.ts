// Servers that say what a test wants them to say, and exchanges that remember what they were told.
import { randomInt } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { PassThrough } from "node:stream";
import { isJsonObject, silentLog, systemClock, type Json, type JsonObject } from "@pratique/core";
import { onTestFinished } from "vitest";
import type { ClientFacts, Exchange, ExchangeNotification, InputRequest } from "../exchange/exchange.ts";
import type { UpstreamEvent, UpstreamPort } from "../exchange/upstream-port.ts";
import type { ServerDefinition, ServerTransport, StdioPeer } from "../server-definition.ts";
import { openUpstream } from "./open-upstream.ts";
import type { UpstreamOptions } from "./upstream-options.ts";

export interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly params: JsonObject;
  readonly result?: JsonObject;
  readonly error?: JsonObject;
}

export function messageIn(text: string): Message {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) throw new Error(`no message: ${text}`);
  return { params: {}, ...value };
}

/** What a server says: a result, or an error when `code` is there. Undefined: nothing. */
export type Script = (message: Message, say: (message: JsonObject) => void) => JsonObject | undefined;

export const LEGACY_HELLO: JsonObject = {
  protocolVersion: "2025-11-25",
  capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, prompts: {}, logging: {} },
  serverInfo: { name: "fake", version: "1" },
};
export const MODERN_HELLO: JsonObject = {
  resultType: "complete",
  supportedVersions: ["2026-07-28"],
  capabilities: { tools: { listChanged: true }, resources: { subscribe: true }, prompts: {} },
  _meta: { "io.modelcontextprotocol/serverInfo": { name: "fake", version: "1" } },
};
export const NOT_FOUND: JsonObject = { code: -32_601, message: "unknown method" };

/** A reply as JSON-RPC has it. */
export function replyTo({ id }: Message, answer: JsonObject): JsonObject {
  return { jsonrpc: "2.0", id: id ?? null, ...("code" in answer ? { error: answer } : { result: answer }) };
}

/** A server of revision 2025-11-25: its handshake, and what the test adds. */
export function legacyServer(script: Script): Script {
  return (message, say) => {
    if (message.method === "initialize") return LEGACY_HELLO;
    return script(message, say) ?? (message.method === "server/discover" ? NOT_FOUND : undefined);
  };
}

export function modernServer(script: Script): Script {
  return (message, say) => (message.method === "server/discover" ? MODERN_HELLO : script(message, say));
}

export interface ScriptedPeers {
  readonly transport: ServerTransport;
  /** Everything that was said to any of them. */
  readonly heard: Message[];
  /** Those that run. */
  readonly running: Set<{ say(message: JsonObject): void; write(text: string): void; die(): void }>;
  readonly starts: { count: number };
}

/** A server on its standard streams, without a process. */
export function scriptedPeers(script: Script): ScriptedPeers {
  const heard: Message[] = [];
  const running: ScriptedPeers["running"] = new Set();
  const starts = { count: 0 };
  const start = async (): Promise<StdioPeer> => {
    starts.count += 1;
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const { promise: exited, resolve } = Promise.withResolvers<void>();
    const write = (text: string): void => void (stdout.writable && stdout.write(text));
    const say = (message: JsonObject): void => write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
    const die = (): void => {
      running.delete(self);
      stdin.destroy();
      stdout.end();
      resolve();
    };
    const self = { say, write, die };
    running.add(self);
    let rest = "";
    stdin.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString("utf8")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const message = messageIn(line);
        heard.push(message);
        const answer = script(message, say);
        if (answer !== undefined && message.id !== undefined) say(replyTo(message, answer));
      }
    });
    return { stdin, stdout, exited, stop: async () => die() };
  };
  return { transport: { type: "stdio", start }, heard, running, starts };
}

export interface HeardRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly message: Message | undefined;
}

export interface HttpFake {
  readonly url: string;
  readonly heard: HeardRequest[];
  /** Closes it with all its connections. */
  stop(): Promise<void>;
  /** Opens it again at the same address. */
  start(): Promise<void>;
}

async function listening(
  answer: (req: IncomingMessage, res: ServerResponse) => Promise<void>,
  port: number,
): Promise<Server> {
  const server = createServer((req, res) => void answer(req, res).catch(() => res.destroy()));
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return server;
}

export type HttpScript = (request: HeardRequest, res: ServerResponse) => void;

/** A server over HTTP whose every answer is the test's. */
export async function httpFake(script: HttpScript): Promise<HttpFake> {
  const heard: HeardRequest[] = [];
  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString("utf8");
    const { method = "", url = "", headers } = req;
    const request = { method, url, headers, message: body === "" ? undefined : messageIn(body) };
    heard.push(request);
    script(request, res);
  };
  let server: Server | undefined;
  let port = 0;
  const fake: HttpFake = {
    get url() {
      return `http://127.0.0.1:${port}/mcp`;
    },
    heard,
    async start() {
      // Below the ports that the system gives to clients, one of which might take it while the server is away.
      for (let tries = 0; server === undefined; tries++) {
        const wanted = port === 0 ? randomInt(10_000, 30_000) : port;
        try {
          server = await listening(answer, wanted);
          port = wanted;
        } catch (error) {
          if (tries >= 20) throw error;
        }
      }
    },
    async stop() {
      const stopping = server;
      server = undefined;
      if (stopping === undefined) return;
      const closed = new Promise((resolve) => stopping.close(resolve));
      stopping.closeAllConnections();
      await closed;
    },
  };
  await fake.start();
  onTestFinished(() => fake.stop());
  return fake;
}

export function sendJson(
  res: ServerResponse,
  body: Json,
  headers: Readonly<Record<string, string>> = {},
  status = 200,
): void {
  res.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

/** Events on a stream that stays open. */
export function sendEvents(
  res: ServerResponse,
  events: readonly JsonObject[],
  headers: Readonly<Record<string, string>> = {},
): void {
  if (!res.headersSent) res.writeHead(200, { "content-type": "text/event-stream", ...headers });
  for (const event of events) res.write(`data: ${JSON.stringify({ jsonrpc: "2.0", ...event })}\n\n`);
}

export interface OpenedUpstream {
  readonly upstream: UpstreamPort;
  readonly events: UpstreamEvent[];
}

export function openTestUpstream(
  transport: ServerTransport,
  more: Partial<ServerDefinition> = {},
  { scope = "", ...options }: Partial<UpstreamOptions> & { scope?: string } = {},
): OpenedUpstream {
  const events: UpstreamEvent[] = [];
  const upstream = openUpstream(
    { name: "fake", isolated: true, cleared: true, verdicts: {}, transport, ...more },
    scope,
    {
      clock: systemClock,
      log: silentLog,
      info: { name: "pratique", version: "0" },
      onEvent: (event) => void events.push(event),
      ...options,
    },
  );
  onTestFinished(() => upstream.close());
  return { upstream, events };
}

export interface TestExchange extends Exchange {
  readonly told: ExchangeNotification[];
  readonly asked: InputRequest[];
  cancel(): void;
}

/** What of an exchange is otherwise than usual. */
export type MoreExchange = Omit<Partial<Exchange>, "client"> & { readonly client?: Partial<ClientFacts> };

export function testExchange(method: string, params: JsonObject = {}, more: MoreExchange = {}): TestExchange {
  const told: ExchangeNotification[] = [];
  const asked: InputRequest[] = [];
  const cancelling = new AbortController();
  const client = {
    era: "legacy",
    protocolVersion: "2025-11-25",
    capabilities: { sampling: {} },
    ...more.client,
  } as const;
  return {
    method,
    params,
    headers: {},
    signal: cancelling.signal,
    wantsProgress: false,
    notify: (notification) => void told.push(notification),
    ask: async (request) => {
      asked.push(request);
      return { action: "accept" };
    },
    ...more,
    client,
    told,
    asked,
    cancel: () => cancelling.abort(),
  };
}

export function toolCall(name: string, more: MoreExchange = {}): TestExchange {
  return testExchange("tools/call", { name, arguments: {} }, more);
}
