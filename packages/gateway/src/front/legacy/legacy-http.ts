// Streamable HTTP of 2025-03-26 to 2025-11-25: POST with a session, GET for what belongs to no request, DELETE at the end.
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { gatewayErrors } from "../../errors.ts";
import { principalKey, type Caller } from "../caller.ts";
import { errorAnswer } from "../error-answer.ts";
import { BATCH_LIMIT } from "../front-limits.ts";
import { errorMessage, sendJson, sendStatus } from "../http-answer.ts";
import { rpcMessage, type RpcMessage, type RpcRequest } from "../json-rpc.ts";
import { LEGACY_VERSIONS } from "../protocol.ts";
import { EventStore } from "./event-store.ts";
import { readEventId, type EventStream } from "./event-stream.ts";
import type { LegacyParts } from "./legacy-parts.ts";
import { isPrimed, openSession } from "./open-session.ts";
import { LegacySession } from "./session.ts";
import { SessionReply } from "./session-reply.ts";
import type { Seat } from "./session-table.ts";

const SESSION_HEADER = "mcp-session-id";
/** The only revision that has batches. */
const BATCH_VERSION = "2025-03-26";

export class HttpSeat implements Seat {
  readonly id: string;
  readonly session: LegacySession;
  readonly store: EventStore;
  lastUsed: number;
  #aside: EventStream | undefined;

  constructor(id: string, session: LegacySession, store: EventStore, lastUsed: number) {
    this.id = id;
    this.session = session;
    this.store = store;
    this.lastUsed = lastUsed;
  }

  get caller(): Caller {
    return this.session.caller;
  }

  set caller(caller: Caller) {
    this.session.caller = caller;
  }

  get isBusy(): boolean {
    return this.session.isBusy || this.#aside?.isAttached === true;
  }

  /** What belongs to no request. */
  get aside(): EventStream {
    return (this.#aside ??= this.store.open());
  }

  beat(): void {
    this.session.beat();
    this.#aside?.beat();
  }

  close(): void {
    this.session.close();
    this.store.close();
  }
}

export class LegacyHttp {
  readonly #parts: LegacyParts;

  constructor(parts: LegacyParts) {
    this.#parts = parts;
  }

  async post(req: IncomingMessage, res: ServerResponse, body: unknown, caller: Caller): Promise<void> {
    const id = req.headers[SESSION_HEADER];
    if (typeof id !== "string") return await this.#open(res, body, caller);
    const seat = this.#seat(id, req, caller);
    const messages = messagesIn(body, seat.session.client.protocolVersion);
    const requests = messages.filter(isRequest);
    for (const message of messages) {
      if (message.kind === "notification") seat.session.notified(message);
      else if (message.kind === "response") seat.session.answered(message);
    }
    if (requests.length === 0) return sendStatus(res, 202);
    const reply = new SessionReply({
      res,
      accept: req.headers.accept,
      heartbeat: this.#parts.heartbeat,
      store: seat.store,
      isPrimed: isPrimed(seat.session.client),
      count: requests.length,
      isBatch: Array.isArray(body),
    });
    await Promise.all(
      requests.map(async (request) => {
        reply.answer(await seat.session.answer(request, reply, (abort) => reply.onLeft(abort)));
      }),
    );
    seat.lastUsed = this.#parts.table.now();
  }

  async get(req: IncomingMessage, res: ServerResponse, caller: Caller): Promise<void> {
    const id = req.headers[SESSION_HEADER];
    // Without a session it is no GET of a revision that has one.
    if (typeof id !== "string") return sendStatus(res, 405, { allow: "POST" });
    const accept = req.headers.accept ?? "*/*";
    if (!accept.includes("text/event-stream") && !accept.includes("*/*")) return sendStatus(res, 406);
    const seat = this.#seat(id, req, caller);
    const lastEvent = req.headers["last-event-id"];
    if (typeof lastEvent === "string" && lastEvent !== "") {
      const event = readEventId(lastEvent);
      const stream = event === undefined ? undefined : seat.store.find(event.stream);
      if (event === undefined || stream === undefined)
        throw gatewayErrors("gateway.bad-request", { reason: "the stream of Last-Event-ID is not kept any more" });
      return stream.attach(res, { after: event.sequence, isPrimed: false });
    }
    await seat.session.listen();
    if (!res.destroyed) seat.aside.attach(res, { after: undefined, isPrimed: isPrimed(seat.session.client) });
  }

  end(req: IncomingMessage, res: ServerResponse, caller: Caller): void {
    const id = req.headers[SESSION_HEADER];
    if (typeof id !== "string") return sendStatus(res, 405, { allow: "POST" });
    this.#parts.table.end(this.#seat(id, req, caller));
    sendStatus(res, 200);
  }

  async #open(res: ServerResponse, body: unknown, caller: Caller): Promise<void> {
    const message = rpcMessage(body);
    if (message?.kind !== "request" || message.method !== "initialize") {
      const reason = "a request without Mcp-Session-Id must be initialize, or carry the _meta of revision 2026-07-28";
      throw gatewayErrors("gateway.bad-request", { reason });
    }
    const { router, log, table, pool } = this.#parts;
    try {
      const { client, message: answer } = await openSession(router, caller, message);
      const now = (): number => table.now();
      const session = new LegacySession(caller, client, { router, log, now, aside: (told) => seat.aside.send(told) });
      const seat = new HttpSeat(randomUUID(), session, new EventStore(pool, principalKey(caller)), now());
      table.add(seat);
      res.setHeader(SESSION_HEADER, seat.id);
      sendJson(res, 200, answer);
    } catch (error) {
      const answer = errorAnswer(error, "legacy");
      if (answer.isOurs || isOwn(error)) throw error;
      sendJson(res, 200, errorMessage(message.id, answer));
    }
  }

  /** @throws `gateway.session-unknown`, `gateway.bad-request` */
  #seat(id: string, req: IncomingMessage, caller: Caller): HttpSeat {
    const seat = this.#parts.table.get(id, caller);
    if (!(seat instanceof HttpSeat)) throw gatewayErrors("gateway.session-unknown");
    const version = req.headers["mcp-protocol-version"];
    if (typeof version === "string" && !LEGACY_VERSIONS.includes(version.trim()))
      throw gatewayErrors("gateway.bad-request", { reason: "MCP-Protocol-Version names no version of this session" });
    return seat;
  }
}

/** Refusals of the gateway's own are told by HTTP as well. */
function isOwn(error: unknown): boolean {
  return error instanceof Error && "status" in error;
}

function isRequest(message: RpcMessage): message is RpcRequest {
  return message.kind === "request";
}

/** @throws `gateway.bad-request` */
function messagesIn(body: unknown, version: string): readonly RpcMessage[] {
  if (!Array.isArray(body)) return [messageIn(body)];
  if (version !== BATCH_VERSION || body.length === 0 || body.length > BATCH_LIMIT)
    throw gatewayErrors("gateway.bad-request", { reason: `no batch of ${body.length} messages is taken here` });
  const messages = body.map((value) => messageIn(value));
  if (messages.some((message) => message.kind === "request" && message.method === "initialize"))
    throw gatewayErrors("gateway.bad-request", { reason: "initialize must not be part of a batch" });
  return messages;
}

function messageIn(value: unknown): RpcMessage {
  const message = rpcMessage(value);
  if (message === undefined) throw gatewayErrors("gateway.bad-request", { reason: "the body is no JSON-RPC message" });
  return message;
}
