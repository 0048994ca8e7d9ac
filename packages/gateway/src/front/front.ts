// The side of the gateway that talks to clients, of every revision, at one endpoint.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Principal } from "@pratique/contracts";
import { describeError, isPratiqueError, type Clock, type Log } from "@pratique/core";
import { ModernBridge } from "../bridge/modern-bridge.ts";
import { ParkedCalls } from "../bridge/parked-calls.ts";
import { RequestStates } from "../bridge/request-state.ts";
import { StateSeal } from "../bridge/sealed-state.ts";
import { gatewayErrors } from "../errors.ts";
import type { RouterPort } from "../exchange/router-port.ts";
import type { Caller } from "./caller.ts";
import { refusalAnswer } from "./error-answer.ts";
import { BEAT_MS } from "./front-limits.ts";
import { Heartbeat } from "./heartbeat.ts";
import { sendError, sendStatus } from "./http-answer.ts";
import { idOf, rpcMessage } from "./json-rpc.ts";
import { EventPool } from "./legacy/event-store.ts";
import { LegacyHttp } from "./legacy/legacy-http.ts";
import type { LegacyParts } from "./legacy/legacy-parts.ts";
import { LegacySse } from "./legacy/legacy-sse.ts";
import { SessionTable, type Seat } from "./legacy/session-table.ts";
import { ListenStreams } from "./listen-stream.ts";
import { challenge, sendMetadata } from "./metadata.ts";
import { Modern } from "./modern.ts";
import { isModern } from "./modern-request.ts";
import { originCheck } from "./origin.ts";
import { readBody } from "./request-body.ts";

export interface FrontOptions {
  readonly router: RouterPort;
  readonly clock: Clock;
  readonly log: Log;
  /** How the gateway calls itself. */
  readonly info: { readonly name: string; readonly version: string };
  /** Host names besides loopback under which it may be called. */
  readonly hosts?: readonly string[];
  /** 32 bytes; replicas that share them can go on with each other's requests. A random one when absent. */
  readonly stateKey?: Uint8Array;
  /** Issuers whose tokens are taken (RFC 9728). */
  readonly authorizationServers?: readonly string[];
  readonly sessionLimit?: number;
  readonly sessionsPerPrincipal?: number;
  readonly beatMs?: number;
}

export interface RequestFacts {
  readonly principal: Principal | undefined;
  /** A server's name, several joined by `+`, or undefined for all. */
  readonly profile?: string;
  /** sse, messages: HTTP+SSE of 2024-11-05. metadata: RFC 9728. */
  readonly endpoint?: "mcp" | "sse" | "messages" | "metadata";
}

export class Front {
  readonly #options: FrontOptions;
  readonly #foreign: (headers: IncomingMessage["headers"]) => string | undefined;
  readonly #heartbeat: Heartbeat;
  readonly #table: SessionTable<Seat>;
  readonly #parked: ParkedCalls;
  readonly #listens: ListenStreams;
  readonly #modern: Modern;
  readonly #legacy: LegacyHttp;
  readonly #sse: LegacySse;

  constructor(options: FrontOptions) {
    const { router, clock, log, info, hosts = [], stateKey, sessionLimit, sessionsPerPrincipal } = options;
    this.#options = options;
    this.#foreign = originCheck(hosts);
    this.#heartbeat = new Heartbeat(options.beatMs ?? BEAT_MS);
    this.#parked = new ParkedCalls(clock);
    this.#listens = new ListenStreams(router, this.#heartbeat);
    const states = new RequestStates(new StateSeal(stateKey), clock);
    const bridge = new ModernBridge({ router, states, parked: this.#parked });
    const heartbeat = this.#heartbeat;
    this.#modern = new Modern({ router, bridge, listens: this.#listens, heartbeat, log, info: { ...info } });
    this.#table = new SessionTable<Seat>({
      clock,
      ...(sessionLimit === undefined ? {} : { limit: sessionLimit }),
      ...(sessionsPerPrincipal === undefined ? {} : { perPrincipal: sessionsPerPrincipal }),
    });
    const parts: LegacyParts = { router, log, heartbeat, table: this.#table, pool: new EventPool() };
    this.#legacy = new LegacyHttp(parts);
    this.#sse = new LegacySse(parts);
    heartbeat.add(this.#table);
    heartbeat.add(this.#parked);
  }

  /** Open sessions of the older revisions. */
  get sessions(): number {
    return this.#table.count;
  }

  /** Calls that wait for their client's retry. */
  get parked(): number {
    return this.#parked.size;
  }

  /** Answers one HTTP request. Never rejects. */
  async handle(req: IncomingMessage, res: ServerResponse, facts: RequestFacts): Promise<void> {
    let body: unknown;
    try {
      const foreign = this.#foreign(req.headers);
      if (foreign !== undefined) throw gatewayErrors("gateway.foreign-origin", { origin: foreign.slice(0, 200) });
      if (req.headers.origin !== undefined) allowPage(req.headers.origin, res);
      if (req.method === "OPTIONS") return preflight(req, res);
      if (facts.endpoint === "metadata") return sendMetadata(req, res, this.#options.authorizationServers ?? []);
      if (facts.principal === undefined) throw gatewayErrors("gateway.unauthorized");
      const caller: Caller = { principal: facts.principal, profile: facts.profile };
      if (req.method === "POST") {
        if (facts.endpoint === "sse") return sendStatus(res, 405, { allow: "GET" });
        body = await readBody(req);
        return await this.#post(req, res, body, caller, facts.endpoint);
      }
      if (req.method === "GET" && facts.endpoint === "sse") return this.#sse.open(res, caller);
      if (facts.endpoint !== undefined && facts.endpoint !== "mcp") return sendStatus(res, 405, { allow: "POST" });
      if (req.method === "GET") return await this.#legacy.get(req, res, caller);
      if (req.method === "DELETE") return this.#legacy.end(req, res, caller);
      return sendStatus(res, 405, { allow: "GET, POST, DELETE" });
    } catch (error) {
      this.#refuse(req, res, body, error);
    }
  }

  async close(): Promise<void> {
    this.#listens.close();
    this.#table.close();
    this.#parked.close();
    this.#heartbeat.stop();
  }

  async #post(
    req: IncomingMessage,
    res: ServerResponse,
    body: unknown,
    caller: Caller,
    endpoint: RequestFacts["endpoint"],
  ): Promise<void> {
    if (endpoint === "messages") return await this.#sse.post(req, res, body, caller);
    const message = Array.isArray(body) ? undefined : rpcMessage(body);
    if (message !== undefined && isModern(message, req.headers))
      return await this.#modern.handle(req, res, message, caller);
    return await this.#legacy.post(req, res, body, caller);
  }

  #refuse(req: IncomingMessage, res: ServerResponse, body: unknown, error: unknown): void {
    const answer = refusalAnswer(error, "legacy");
    if (answer.isOurs) this.#options.log.error("a request failed", describeError(error));
    else this.#options.log.debug("a request was refused", describeError(error));
    if (isPratiqueError(error) && error.status === 401) res.setHeader("www-authenticate", challenge(req));
    sendError(res, idOf(body), answer);
  }
}

/** The origin was found good: its page may read what it is answered. A page has no token but what a person gave it. */
function allowPage(origin: string, res: ServerResponse): void {
  res.setHeader("access-control-allow-origin", origin);
  res.setHeader("vary", "origin");
  res.setHeader("access-control-expose-headers", "mcp-session-id, mcp-protocol-version, www-authenticate");
}

/** Headers that a client of MCP may send. */
const ALLOWED = /^(?:authorization|content-type|accept|last-event-id|mcp-[a-z0-9-]+|traceparent|tracestate|baggage)$/;

function preflight(req: IncomingMessage, res: ServerResponse): void {
  const asked = (req.headers["access-control-request-headers"] ?? "").toLowerCase().split(",", 50);
  const headers = asked.map((name) => name.trim()).filter((name) => ALLOWED.test(name));
  sendStatus(res, 204, {
    "access-control-allow-methods": "GET, POST, DELETE",
    "access-control-allow-headers": headers.join(", "),
    "access-control-max-age": "600",
  });
}
