// The only way out of a sandbox: an HTTP proxy and fixed tunnels, each connection decided and recorded.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Principal } from "@pratique/contracts";
import { describeError, isPratiqueError, type Clock, type JsonObject, type Log } from "@pratique/core";
import { denialText, type Act, type Guard } from "@pratique/guard";
import { sandboxErrors } from "../errors.ts";
import { parseHostPort, type AllowList, type HostPort } from "./allow-list.ts";
import { AttemptPace } from "./attempt-pace.ts";
import { forwardRequest } from "./forward-request.ts";
import { checkedAddresses, systemResolver, type CheckedAddress, type Resolver } from "./resolve-host.ts";
import { tunnel, type TunnelEnd } from "./tunnel.ts";

export interface EgressOptions {
  readonly guard: Guard;
  /** Who connects: the server in the sandbox, as a workload. */
  readonly principal: Principal;
  readonly allow: AllowList;
  /** Networks (CIDR) that are reached although they are not public. */
  readonly networks?: readonly string[];
  /** The server is being watched: what its entry does not name is tried too, if policy lets it. */
  readonly learning?: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly resolver?: Resolver;
  /** Told of every attempt, once it was decided. */
  onAttempt?(place: HostPort, isAllowed: boolean): void;
}

export type EgressWay = "connect" | "http" | "tunnel";

/** One that was opened. `end` records what went through it. */
export interface OpenedEgress {
  readonly socket: Socket;
  end(outcome: TunnelEnd): void;
}

const CONNECTIONS = 128;
/** Requests on one connection that have no answer yet. Clients send the next when they have one. */
const PIPELINED = 4;
const CONNECT_TIMEOUT_MS = 10_000;
const RESOLVE_TIMEOUT_MS = 10_000;
const HEADER_BYTES = 32 * 1024;
const HTTP_PORT = 80;

export class EgressGate {
  readonly #options: EgressOptions;
  readonly #server: Server;
  readonly #open = new Set<Duplex>();
  readonly #pace: AttemptPace;
  /** Attempts whose turn has not come; whoever made one may be gone. */
  #waiting = 0;
  readonly #unanswered = new WeakMap<Duplex, number>();
  /** Where a connection leads that did not say so itself. */
  readonly #targets = new WeakMap<Duplex, HostPort>();

  constructor(options: EgressOptions) {
    this.#options = options;
    this.#pace = new AttemptPace(options.clock);
    this.#server = createServer({ maxHeaderSize: HEADER_BYTES, requestTimeout: 0 });
    this.#server.on("request", (request, response) => void this.#forward(request, response));
    this.#server.on("connect", (request, connection, head) => void this.#connect(request, connection, head));
    this.#server.on("clientError", (_error, connection) => connection.destroy());
  }

  /** Takes a connection out of the sandbox. Without a target it speaks HTTP to a proxy. */
  handle(connection: Duplex, target?: HostPort): void {
    connection.on("error", () => connection.destroy());
    if (this.#open.size >= CONNECTIONS || this.#waiting >= CONNECTIONS) {
      connection.destroy();
      return;
    }
    this.#open.add(connection);
    connection.once("close", () => this.#open.delete(connection));
    if (target === undefined || target.port === HTTP_PORT) {
      // Plain HTTP is read, so that what is asked for is what was decided.
      if (target !== undefined) this.#targets.set(connection, target);
      this.#server.emit("connection", connection);
      return;
    }
    void this.#tunnel(connection, target, "tunnel", Buffer.alloc(0));
  }

  close(): void {
    for (const connection of this.#open) connection.destroy();
    this.#server.close();
  }

  async #connect(request: IncomingMessage, connection: Duplex, head: Buffer): Promise<void> {
    const place = parseHostPort(request.url ?? "");
    if (place === undefined || this.#targets.has(connection)) {
      refuse(connection, 400, "CONNECT names a host and a port");
      return;
    }
    await this.#tunnel(connection, place, "connect", head);
  }

  async #tunnel(connection: Duplex, place: HostPort, way: "connect" | "tunnel", head: Buffer): Promise<void> {
    try {
      const { socket, end } = await this.open(place, way, connection);
      if (way === "connect") connection.write("HTTP/1.1 200 Connection established\r\n\r\n");
      if (head.length > 0) connection.unshift(head);
      end(await tunnel(connection, socket, place));
    } catch (error) {
      if (way === "connect") refuse(connection, statusOf(error), textOf(error));
      else connection.destroy();
      this.#note(error, place);
    }
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    const unanswered = (this.#unanswered.get(socket) ?? 0) + 1;
    if (unanswered > PIPELINED) {
      socket.destroy();
      return;
    }
    this.#unanswered.set(socket, unanswered);
    response.once("close", () => this.#unanswered.set(socket, (this.#unanswered.get(socket) ?? 1) - 1));
    const target = this.#targets.get(socket);
    try {
      await forwardRequest(request, response, target, (place) => this.open(place, "http", socket));
    } catch (error) {
      if (response.headersSent) response.destroy();
      else
        response.writeHead(statusOf(error), { "content-type": "text/plain", connection: "close" }).end(textOf(error));
      this.#note(error, target);
    }
  }

  /**
   * Decides, connects to the address that was decided over, and records; the record is durable before any byte flows.
   * @throws `egress.denied`, `egress.unreachable`
   */
  async open(place: HostPort, way: EgressWay, asker: Duplex): Promise<OpenedEgress> {
    await this.#turn(place, asker);
    const { guard } = this.#options;
    const declared = this.#options.allow.allows(place);
    // A name is only looked up when the connection may be allowed: a question to a name server tells something too.
    if (!declared && !guard.decide(this.#act(place, way, {})).allow) {
      this.#options.onAttempt?.(place, false);
      return await this.#perform(this.#act(place, way, {}), place, []);
    }
    const addresses = await this.#resolve(place);
    const [first] = addresses;
    const act = this.#act(
      place,
      way,
      first === undefined ? {} : { addressKind: first.kind, addressNamed: first.named },
    );
    this.#options.onAttempt?.(place, guard.decide(act).allow);
    const opened = await this.#perform(act, place, addresses);
    if (asker.destroyed) opened.socket.destroy();
    return opened;
  }

  /** @throws `egress.unreachable` when whoever asked is gone by then: there is nothing to decide, and no record of it */
  async #turn({ host, port }: HostPort, asker: Duplex): Promise<void> {
    this.#waiting += 1;
    await this.#pace.next();
    this.#waiting -= 1;
    if (asker.destroyed) {
      throw sandboxErrors("egress.unreachable", { host: `${host}:${port}`, reason: "the connection ended before" });
    }
  }

  async #perform(act: Act, place: HostPort, addresses: readonly CheckedAddress[]): Promise<OpenedEgress> {
    const { guard } = this.#options;
    let socket: Socket | undefined;
    try {
      const outcome = await guard.perform(act, async (_decision, note) => {
        socket = await connectFirst(place, addresses);
        note({ address: socket.remoteAddress ?? "" });
        return socket;
      });
      if (!outcome.allowed) {
        const { reason, remedy } = outcome.decision;
        const what = denialText(outcome.decision, act.resource.id);
        throw sandboxErrors("egress.denied", { what, reason }, remedy === undefined ? {} : { hint: remedy });
      }
      const { value, record } = outcome;
      // A failure is owed by the guard, and logged there.
      return { socket: value, end: (end) => void guard.followUp(record, { ...end }).catch(() => undefined) };
    } catch (error) {
      socket?.destroy();
      throw error;
    }
  }

  #act({ host, port }: HostPort, way: EgressWay, address: JsonObject): Act {
    const { principal, allow, learning } = this.#options;
    return {
      principal,
      action: "egress:connect",
      resource: { type: "Host", id: `${host}:${port}`, attributes: { name: host, port } },
      context: { declared: allow.allows({ host, port }), learning: learning?.() === true, ...address },
      details: { way },
    };
  }

  async #resolve(place: HostPort): Promise<CheckedAddress[]> {
    const { host } = place;
    const { allow, resolver = systemResolver, networks = [] } = this.#options;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error("the name server does not answer")), RESOLVE_TIMEOUT_MS);
    try {
      return await Promise.race([checkedAddresses(host, resolver, networks, allow.names(place)), late]);
    } catch (error) {
      this.#options.log.debug("a host has no address", { host, ...describeError(error) });
      return [];
    } finally {
      clearTimeout(timer);
    }
  }

  #note(error: unknown, place: HostPort | undefined): void {
    const host = place === undefined ? {} : { host: place.host, port: place.port };
    this.#options.log.debug("an egress connection was refused", { ...host, ...describeError(error) });
  }
}

/** One address after the other. @throws `egress.unreachable` */
async function connectFirst({ host, port }: HostPort, addresses: readonly CheckedAddress[]): Promise<Socket> {
  let last: unknown = new Error("it has no address");
  for (const { address } of addresses) {
    try {
      return await connectTo(address, port);
    } catch (error) {
      last = error;
    }
  }
  const reason = last instanceof Error ? last.message : String(last);
  throw sandboxErrors("egress.unreachable", { host: `${host}:${port}`, reason }, { cause: last });
}

async function connectTo(address: string, port: number): Promise<Socket> {
  const socket = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
  return await new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(new Error(`no answer within ${CONNECT_TIMEOUT_MS} ms`)), CONNECT_TIMEOUT_MS);
    socket.once("error", fail);
    socket.once("close", () => clearTimeout(timer));
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", fail);
      socket.on("error", () => socket.destroy());
      resolve(socket);
    });
  });
}

function statusOf(error: unknown): number {
  if (isPratiqueError(error)) return error.status === 500 ? 502 : error.status;
  return 502;
}

function textOf(error: unknown): string {
  return `${isPratiqueError(error) ? error.message : "the connection failed"}\n`;
}

function refuse(connection: Duplex, status: number, text: string): void {
  const body = text.endsWith("\n") ? text : `${text}\n`;
  connection.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
