// Opens a connection to a server and finds out which revision it speaks.
import { setTimeout as pause } from "node:timers/promises";
import type { Clock, JsonObject } from "@pratique/core";
import type { ServerTransport } from "../server-definition.ts";
import { START_TIMEOUT_MS } from "../limits.ts";
import { Connection } from "./connection.ts";
import { Conversation } from "./conversation.ts";
import { greet, initialize, type Greeting } from "./greet.ts";
import { HttpEndpoint } from "./http-endpoint.ts";
import { HttpLine } from "./http-line.ts";
import { HttpRefusal } from "./http-refusal.ts";
import { LostRequest } from "./lost-request.ts";
import type { Memory } from "./memory.ts";
import { SseLine } from "./sse-line.ts";
import { StdioLine } from "./stdio-line.ts";

export interface OpenOptions {
  readonly scope: string;
  readonly info: JsonObject;
  readonly clock: Clock;
  readonly memory: Memory;
  /** Aborted when the server is taken away, or its start takes too long. */
  readonly signal: AbortSignal;
  /** Aborted when the server is taken away. */
  readonly lifetime: AbortSignal;
  onNotification(method: string, params: JsonObject): void;
  onEnd(error: Error): void;
}

/** Ended so often at the first question, it is taken for a server that does not bear it. */
const ENDS_AT_PROBE = 2;
const LISTEN_PAUSE_MS = 100;

/** Whatever was started is stopped when this fails. */
export async function openConnection(transport: ServerTransport, options: OpenOptions): Promise<Connection> {
  options.signal.throwIfAborted();
  if (transport.type === "stdio") return await openStdio(transport, options);
  return await openHttp(transport, options);
}

function converse({ clock, scope, onNotification, onEnd }: OpenOptions): Conversation {
  return new Conversation({ clock, isPersonal: scope !== "", onNotification, onEnd });
}

type StdioTransport = ServerTransport & { readonly type: "stdio" };
type HttpTransport = ServerTransport & { readonly type: "http" };

async function openStdio(transport: StdioTransport, options: OpenOptions): Promise<Connection> {
  const { memory } = options;
  try {
    return await greetProcess(transport, options);
  } catch (error) {
    const isProbed = memory.era === undefined;
    if (!isProbed || !(error instanceof LostRequest) || !error.endsConnection || options.signal.aborted) throw error;
    memory.endedAtProbe += 1;
    memory.era = "legacy";
    try {
      return await greetProcess(transport, options);
    } finally {
      if (memory.endedAtProbe < ENDS_AT_PROBE) memory.era = undefined;
    }
  }
}

async function greetProcess(transport: StdioTransport, options: OpenOptions): Promise<Connection> {
  const { signal, memory, info, scope } = options;
  const peer = await transport.start(scope);
  if (signal.aborted) {
    await peer.stop();
    signal.throwIfAborted();
  }
  const conversation = converse(options);
  conversation.over(new StdioLine(peer, conversation));
  return await closingOnFailure(conversation, async () => {
    const greeting = await greet(conversation, { info, signal, memory });
    return new Connection({ conversation, facts: greeting.facts, info, hasHeaders: false });
  });
}

async function openHttp(transport: HttpTransport, options: OpenOptions): Promise<Connection> {
  const running = await transport.start?.(options.scope);
  if (running === undefined) return await greetHttp(transport, { url: transport.url }, options);
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= running.stop());
  try {
    return await listeningSoon(options.signal, () => greetHttp(transport, { ...running, stop }, options));
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A server that was just started may not listen yet. */
async function listeningSoon<T>(signal: AbortSignal, open: () => Promise<T>): Promise<T> {
  const until = AbortSignal.timeout(START_TIMEOUT_MS);
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof LostRequest) || error.reached || until.aborted) throw error;
      await pause(LISTEN_PAUSE_MS, undefined, { signal });
    }
  }
}

interface Place {
  readonly url: string;
  readonly socketPath?: string;
  readonly exited?: Promise<unknown>;
  stop?(): Promise<void>;
}

async function greetHttp(transport: HttpTransport, place: Place, options: OpenOptions): Promise<Connection> {
  const { memory } = options;
  const isSse = transport.kind === "sse" || memory.isSse === true;
  try {
    return await (isSse ? greetSse : greetStreamable)(transport, place, options);
  } catch (error) {
    if (!(error instanceof HttpRefusal)) throw error;
    if (isSse && transport.kind !== "sse") memory.isSse = false;
    if (isSse || transport.kind === "streamable-http" || !error.mayBeSse) throw error;
    const connection = await greetSse(transport, place, options);
    memory.isSse = true;
    return connection;
  }
}

function endpointOf(
  transport: HttpTransport,
  { url, socketPath }: Place,
  { scope, lifetime }: OpenOptions,
): HttpEndpoint {
  const { headers, auth } = transport;
  return new HttpEndpoint({ url: new URL(url), socketPath, headers, auth, scope, signal: lifetime });
}

async function greetStreamable(transport: HttpTransport, place: Place, options: OpenOptions): Promise<Connection> {
  const { info, signal, memory } = options;
  const conversation = converse(options);
  const line = new HttpLine(endpointOf(transport, place, options), conversation);
  conversation.over(line);
  return await closingOnFailure(conversation, async () => {
    endWith(place, conversation);
    const agree = ({ facts }: Greeting): void => line.agree({ era: facts.era, version: facts.protocolVersion });
    const { facts } = await greet(conversation, { info, signal, memory, agree });
    const listen = facts.era === "legacy" ? { listen: line.listen.bind(line) } : {};
    return new Connection({ conversation, facts, info, hasHeaders: true, ...listen, ...stopOf(place) });
  });
}

async function greetSse(transport: HttpTransport, place: Place, options: OpenOptions): Promise<Connection> {
  const { info, signal } = options;
  const conversation = converse(options);
  const line = new SseLine(endpointOf(transport, place, options), conversation);
  conversation.over(line);
  return await closingOnFailure(conversation, async () => {
    endWith(place, conversation);
    const giveUp = (): void => void conversation.close(true);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      await line.open();
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
    const agree = ({ facts }: Greeting): void => line.agree(facts.protocolVersion);
    const { facts } = await initialize(conversation, { info, signal, agree });
    return new Connection({ conversation, facts, info, hasHeaders: true, ...stopOf(place) });
  });
}

function stopOf({ stop }: Place): { stop?: () => Promise<void> } {
  return stop === undefined ? {} : { stop };
}

function endWith({ exited }: Place, conversation: Conversation): void {
  const end = (): void => conversation.ended(new Error("it ended"));
  void exited?.then(end, end);
}

async function closingOnFailure(conversation: Conversation, open: () => Promise<Connection>): Promise<Connection> {
  try {
    return await open();
  } catch (error) {
    await conversation.close(true);
    throw error;
  }
}
