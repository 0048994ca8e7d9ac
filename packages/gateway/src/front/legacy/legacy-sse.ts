// HTTP+SSE of 2024-11-05: one stream for all that goes to the client, POSTs for all that comes.
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { JsonObject } from "@pratique/core";
import { gatewayErrors } from "../../errors.ts";
import { McpError } from "../../exchange/mcp-error.ts";
import type { Caller } from "../caller.ts";
import { errorAnswer } from "../error-answer.ts";
import { UNREAD_LIMIT_BYTES } from "../front-limits.ts";
import { errorMessage, EVENT_STREAM, sendStatus } from "../http-answer.ts";
import { rpcMessage, type RpcRequest } from "../json-rpc.ts";
import { CODE } from "../protocol.ts";
import type { LegacyParts } from "./legacy-parts.ts";
import { openSession } from "./open-session.ts";
import { LegacySession, type SessionOutlet } from "./session.ts";
import type { Seat } from "./session-table.ts";

export const MESSAGES_PATH = "/messages";

class SseSeat implements Seat, SessionOutlet {
  readonly id = randomUUID();
  readonly #res: ServerResponse;
  caller: Caller;
  lastUsed: number;
  /** Undefined until the client has sent `initialize`. */
  session: LegacySession | undefined;
  isOpening = false;

  constructor(res: ServerResponse, caller: Caller, lastUsed: number) {
    this.#res = res;
    this.caller = caller;
    this.lastUsed = lastUsed;
  }

  /** Its stream is its life. */
  get isBusy(): boolean {
    return !this.#res.writableEnded && !this.#res.destroyed;
  }

  send(message: JsonObject): boolean {
    return this.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`);
  }

  write(text: string): boolean {
    if (!this.isBusy) return false;
    this.#res.write(text);
    if (this.#res.writableLength > UNREAD_LIMIT_BYTES) this.#res.destroy();
    return true;
  }

  beat(): void {
    this.session?.beat();
    this.write(":\n\n");
  }

  close(): void {
    this.session?.close();
    this.#res.end();
  }
}

export class LegacySse {
  readonly #parts: LegacyParts;

  constructor(parts: LegacyParts) {
    this.#parts = parts;
  }

  /** GET /sse @throws `gateway.too-many-sessions` */
  open(res: ServerResponse, caller: Caller): void {
    const { table } = this.#parts;
    const seat = new SseSeat(res, caller, table.now());
    table.add(seat);
    res.once("close", () => table.end(seat));
    res.writeHead(200, EVENT_STREAM);
    seat.write(`event: endpoint\ndata: ${MESSAGES_PATH}?sessionId=${seat.id}\n\n`);
  }

  /** POST /messages?sessionId=… @throws `gateway.session-unknown`, `gateway.bad-request` */
  async post(req: IncomingMessage, res: ServerResponse, body: unknown, caller: Caller): Promise<void> {
    const id = new URL(req.url ?? "", "http://gateway.invalid").searchParams.get("sessionId") ?? "";
    const seat = this.#seat(id, caller);
    const message = rpcMessage(body);
    if (message === undefined)
      throw gatewayErrors("gateway.bad-request", { reason: "the body is no JSON-RPC message" });
    // The answer goes out on the stream.
    sendStatus(res, 202);
    if (message.kind === "notification") return seat.session?.notified(message);
    if (message.kind === "response") return seat.session?.answered(message);
    const { session } = seat;
    const answer = session === undefined ? await this.#begin(seat, message) : await session.answer(message, seat);
    if (answer !== undefined) seat.send(answer);
  }

  /** The address that was opened names the profile; messages come to one address for all. */
  #seat(id: string, caller: Caller): SseSeat {
    const seat = this.#parts.table.find(id);
    if (!(seat instanceof SseSeat)) throw gatewayErrors("gateway.session-unknown");
    this.#parts.table.get(id, { ...caller, profile: seat.caller.profile });
    if (seat.session !== undefined) seat.session.caller = seat.caller;
    return seat;
  }

  async #begin(seat: SseSeat, message: RpcRequest): Promise<JsonObject> {
    const { router, log, table } = this.#parts;
    try {
      if (message.method === "ping") return { jsonrpc: "2.0", id: message.id, result: {} };
      if (message.method !== "initialize" || seat.isOpening)
        throw new McpError(CODE.invalidRequest, "initialize comes first, and once");
      seat.isOpening = true;
      const { client, message: answer } = await openSession(router, seat.caller, message);
      const aside = (told: JsonObject): void => void seat.send(told);
      const session = new LegacySession(seat.caller, client, { router, log, now: () => table.now(), aside });
      if (!seat.isBusy) return answer;
      seat.session = session;
      await session.listen();
      return answer;
    } catch (error) {
      seat.isOpening = seat.session !== undefined;
      return errorMessage(message.id, errorAnswer(error, "legacy"));
    }
  }
}
