// `subscriptions/listen`: a stream of what changes, for as long as its client keeps it open (2026-07-28, Subscriptions).
import type { ServerResponse } from "node:http";
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import { McpError } from "../exchange/mcp-error.ts";
import type { ExchangeNotification } from "../exchange/exchange.ts";
import type { ListenFilter, Listening, RouterPort } from "../exchange/router-port.ts";
import { principalKey, type Caller } from "./caller.ts";
import { LISTENS_PER_PRINCIPAL, UNREAD_LIMIT_BYTES, URI_LIMIT, WATCH_LIMIT } from "./front-limits.ts";
import type { Beating, Heartbeat } from "./heartbeat.ts";
import { EVENT_STREAM } from "./http-answer.ts";
import type { RpcRequest } from "./json-rpc.ts";
import { CODE, META } from "./protocol.ts";

interface Stream extends Beating {
  readonly principal: string;
  end(): void;
}

export class ListenStreams {
  readonly #router: RouterPort;
  readonly #heartbeat: Heartbeat;
  readonly #open = new Set<Stream>();
  readonly #counts = new Map<string, number>();
  #isClosed = false;

  constructor(router: RouterPort, heartbeat: Heartbeat) {
    this.#router = router;
    this.#heartbeat = heartbeat;
  }

  /** Resolves when the stream is open. @throws McpError, PratiqueError before anything was sent */
  async open(caller: Caller, { id, params }: RpcRequest, res: ServerResponse): Promise<void> {
    const filter = filterOf(params["notifications"]);
    const principal = principalKey(caller);
    const count = this.#counts.get(principal) ?? 0;
    // A principal holds so many streams, whether they are open or being opened.
    if (count >= LISTENS_PER_PRINCIPAL || this.#isClosed) throw gatewayErrors("gateway.too-many-sessions", { count });
    this.#counts.set(principal, count + 1);
    const write = (text: string): void => {
      if (res.writableEnded) return;
      res.write(text);
      if (res.writableLength > UNREAD_LIMIT_BYTES) res.destroy();
    };
    const send = (message: JsonObject): void => write(`data: ${JSON.stringify(message)}\n\n`);
    const tagged = (value: Json | undefined): JsonObject => ({
      ...(isJsonObject(value) ? value : {}),
      [META.subscription]: id,
    });
    const tell = ({ method, params: told }: ExchangeNotification): void => {
      if (isWanted(filter, method, told))
        send({ jsonrpc: "2.0", method, params: { ...told, _meta: tagged(told["_meta"]) } });
    };
    // What happens before the acknowledgement waits for it.
    let early: ExchangeNotification[] | undefined = [];
    let listening: Listening | undefined;
    const stream: Stream = {
      principal,
      beat: () => write(":\n\n"),
      end: () => {
        send({ jsonrpc: "2.0", id, result: { resultType: "complete", _meta: tagged(undefined) } });
        res.end();
      },
    };
    const onClose = (): void => {
      this.#heartbeat.delete(stream);
      this.#open.delete(stream);
      this.#counts.set(principal, (this.#counts.get(principal) ?? 1) - 1);
      if (this.#counts.get(principal) === 0) this.#counts.delete(principal);
      listening?.end();
    };
    try {
      listening = await this.#router.listen(caller, filter, (told) => {
        if (early === undefined) tell(told);
        else if (early.length < WATCH_LIMIT) early.push(told);
      });
    } catch (error) {
      onClose();
      throw error;
    }
    if (res.destroyed || this.#isClosed) return onClose();
    res.once("close", onClose);
    res.writeHead(200, EVENT_STREAM);
    send({
      jsonrpc: "2.0",
      method: "notifications/subscriptions/acknowledged",
      params: { _meta: tagged(undefined), notifications: acknowledged(filter) },
    });
    const waiting = early;
    early = undefined;
    for (const told of waiting) tell(told);
    this.#open.add(stream);
    this.#heartbeat.add(stream);
  }

  /** Ends every stream in the words that tell a client it was meant. */
  close(): void {
    this.#isClosed = true;
    for (const stream of this.#open) stream.end();
  }
}

/** @throws McpError -32602 */
function filterOf(value: Json | undefined): ListenFilter {
  if (!isJsonObject(value)) throw new McpError(CODE.invalidParams, "Invalid params: notifications is missing");
  const { toolsListChanged, promptsListChanged, resourcesListChanged } = value;
  const taskIds = namesIn(value, "taskIds");
  return {
    tools: toolsListChanged === true,
    prompts: promptsListChanged === true,
    resources: resourcesListChanged === true,
    uris: namesIn(value, "resourceSubscriptions"),
    ...(taskIds.length === 0 ? {} : { taskIds }),
  };
}

/** @throws McpError -32602 */
function namesIn(filter: JsonObject, key: string): readonly string[] {
  const names = filter[key] ?? [];
  if (Array.isArray(names) && names.length <= WATCH_LIMIT && names.every(isName)) return names;
  throw new McpError(CODE.invalidParams, `Invalid params: ${key} is no list of at most ${WATCH_LIMIT} names`);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= URI_LIMIT;
}

function acknowledged({ tools, prompts, resources, uris, taskIds }: ListenFilter): JsonObject {
  return {
    ...(tools ? { toolsListChanged: true } : {}),
    ...(prompts ? { promptsListChanged: true } : {}),
    ...(resources ? { resourcesListChanged: true } : {}),
    ...(uris.length === 0 ? {} : { resourceSubscriptions: uris }),
    ...(taskIds === undefined ? {} : { taskIds }),
  };
}

/** Only what the client asked for: log messages belong to a request, and questions' ends to the older revisions. */
function isWanted(filter: ListenFilter, method: string, params: JsonObject): boolean {
  switch (method) {
    case "notifications/tools/list_changed":
      return filter.tools;
    case "notifications/prompts/list_changed":
      return filter.prompts;
    case "notifications/resources/list_changed":
      return filter.resources;
    case "notifications/resources/updated":
      return filter.uris.includes(String(params["uri"]));
    case "notifications/tasks":
      return filter.taskIds?.includes(String(params["taskId"])) ?? false;
    default:
      return false;
  }
}
