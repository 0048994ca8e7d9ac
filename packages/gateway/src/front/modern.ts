// Clients of revision 2026-07-28: each request stands for itself.
import type { IncomingMessage, ServerResponse } from "node:http";
import { describeError, isJsonObject, type JsonObject, type Log } from "@pratique/core";
import type { ModernBridge } from "../bridge/modern-bridge.ts";
import type { ClientFacts } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import type { RouterPort } from "../exchange/router-port.ts";
import type { Caller } from "./caller.ts";
import { cleanParams } from "./clean-params.ts";
import { errorAnswer, refusalAnswer } from "./error-answer.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { errorMessage, sendError, sendStatus } from "./http-answer.ts";
import type { RpcMessage, RpcRequest } from "./json-rpc.ts";
import type { ListenStreams } from "./listen-stream.ts";
import { ModernOutlet, modernResult } from "./modern-outlet.ts";
import { checkHeaders, clientFacts, headerMismatch } from "./modern-request.ts";
import { ParamHeaders, paramHeaders } from "./param-headers.ts";
import { CACHEABLE, CODE, META, MODERN_VERSION } from "./protocol.ts";
import { Reply } from "./reply.ts";

export interface ModernParts {
  readonly router: RouterPort;
  readonly bridge: ModernBridge;
  readonly listens: ListenStreams;
  readonly heartbeat: Heartbeat;
  readonly log: Log;
  readonly info: JsonObject;
}

/** Methods that this revision has no more (changelog, major 2, 4 and 5). */
const GONE: ReadonlySet<string> = new Set([
  "initialize",
  "ping",
  "logging/setLevel",
  "resources/subscribe",
  "resources/unsubscribe",
]);

export class Modern {
  readonly #parts: ModernParts;
  readonly #params = new ParamHeaders();

  constructor(parts: ModernParts) {
    this.#parts = parts;
  }

  async handle(req: IncomingMessage, res: ServerResponse, message: RpcMessage, caller: Caller): Promise<void> {
    // The revision defines no notification of a client over HTTP; one that comes is taken and left.
    if (message.kind === "notification") return sendStatus(res, 202);
    if (message.kind === "response") return sendStatus(res, 400);
    let client: ClientFacts;
    try {
      client = clientFacts(message, req.headers);
      checkHeaders(message, req.headers);
      if (GONE.has(message.method)) throw new McpError(CODE.methodNotFound, `Method not found: ${message.method}`);
      this.#checkParams(message, req, caller);
      if (message.method === "subscriptions/listen") return await this.#parts.listens.open(caller, message, res);
    } catch (error) {
      const answer = refusalAnswer(error, "modern");
      const isMalformed = error instanceof McpError && error.code === CODE.invalidParams;
      return sendError(res, message.id, isMalformed ? { ...answer, status: 400 } : answer);
    }
    await this.#answer(req, res, message, client, caller);
  }

  async #answer(
    req: IncomingMessage,
    res: ServerResponse,
    { id, method, params: sent }: RpcRequest,
    client: ClientFacts,
    caller: Caller,
  ): Promise<void> {
    const { params, progressToken } = cleanParams(sent);
    const { bridge, heartbeat, info, log } = this.#parts;
    const outlet = new ModernOutlet(client, progressToken);
    const reply = new Reply({ res, accept: req.headers.accept, heartbeat, onLeft: () => outlet.onLeft?.() });
    outlet.reply = reply;
    try {
      const answer =
        method === "server/discover"
          ? await this.#discover(caller, client)
          : await bridge.answer(
              caller,
              {
                method,
                params,
                headers: paramHeaders(req.headers),
                client,
                wantsProgress: progressToken !== undefined,
                principal: caller.principal.id,
              },
              outlet,
            );
      reply.end({
        jsonrpc: "2.0",
        id,
        result: modernResult(answer, CACHEABLE.has(method), info, META.serverInfo),
      });
    } catch (error) {
      const answer = errorAnswer(error, "modern");
      if (answer.isOurs && !reply.isEnded) log.error("a request failed", { method, ...describeError(error) });
      reply.end(errorMessage(id, answer), answer.status);
    }
  }

  async #discover(caller: Caller, client: ClientFacts): Promise<JsonObject> {
    const { info, capabilities, instructions } = await this.#parts.router.face(caller, client);
    return {
      supportedVersions: [MODERN_VERSION],
      capabilities,
      ...(instructions === undefined ? {} : { instructions }),
      _meta: { [META.serverInfo]: info },
    };
  }

  /** @throws McpError -32020 */
  #checkParams({ method, params }: RpcRequest, req: IncomingMessage, caller: Caller): void {
    if (method !== "tools/call") return;
    const { name, arguments: args = {} } = params;
    const tool = typeof name === "string" ? this.#parts.router.tool?.(caller, name) : undefined;
    if (tool === undefined || !isJsonObject(args)) return;
    const mismatch = this.#params.mismatch(tool, args, req.headers);
    if (mismatch !== undefined) throw headerMismatch(mismatch);
  }
}
