// The MCP gateway: one endpoint in front of many servers, for clients of every protocol revision.
import type { IncomingMessage, ServerResponse } from "node:http";
import { createMcpHandler, isLegacyRequest, type McpHttpHandler } from "@modelcontextprotocol/server";
import { describeError, isJsonObject, isPratiqueError, type Clock, type Log } from "@pratique/core";
import type { Principal } from "@pratique/contracts";
import type { Guard } from "@pratique/guard";
import { Catalog } from "./catalog/catalog.ts";
import { gatewayErrors } from "./errors.ts";
import { showsServer, type Caller } from "./front/caller.ts";
import { mcpServer, type FrontParts } from "./front/mcp-server.ts";
import { ListenBus } from "./front/listen-bus.ts";
import { readRequest, sendError, sendResponse } from "./front/node-http.ts";
import { foreignOrigin } from "./front/origin.ts";
import { Sessions } from "./front/sessions.ts";
import { REQUEST_LIMIT_BYTES } from "./limits.ts";
import type { ServerDefinition, ServerStatus } from "./server-definition.ts";
import type { ListKind } from "./upstream/connect.ts";
import { Upstream } from "./upstream/upstream.ts";

export interface GatewayOptions {
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  /** How the gateway calls itself, to clients and to servers. */
  readonly info: { readonly name: string; readonly version: string };
  /** Puts `allowUnisolated` into the context of calls to servers that are not isolated. */
  readonly allowUnisolated?: boolean;
  /** Host names besides loopback under which it may be called. */
  readonly hosts?: readonly string[];
}

export interface RequestFacts {
  readonly principal: Principal | undefined;
  /** A server's name, several joined by `+`, or undefined for all. */
  readonly profile?: string;
}

export interface Gateway {
  /** A server of that name that is there already is taken out first. A gateway that is closed takes none. */
  addServer(definition: ServerDefinition): void;
  /** Resolves when the server has ended. */
  removeServer(name: string): Promise<void>;
  servers(): ServerStatus[];
  /** Answers one HTTP request at /mcp or /mcp/{profile}. Never rejects. */
  handle(req: IncomingMessage, res: ServerResponse, facts: RequestFacts): Promise<void>;
  close(): Promise<void>;
}

export function createGateway(options: GatewayOptions): Gateway {
  return new McpGateway(options);
}

class McpGateway implements Gateway {
  readonly #options: GatewayOptions;
  readonly #catalog = new Catalog();
  readonly #sessions: Sessions;
  readonly #modern: McpHttpHandler;
  readonly #bus = new ListenBus();
  /** Servers that were taken out and have not ended yet, by name. */
  readonly #closings = new Map<string, Promise<void>>();
  #isClosed = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { clock, log, guard, info, allowUnisolated = false } = options;
    const parts: FrontParts = { catalog: this.#catalog, guard, log, info, allowUnisolated };
    this.#sessions = new Sessions({ clock, log, makeServer: (caller) => mcpServer(caller, parts) });
    this.#modern = createMcpHandler(
      ({ authInfo }) => {
        const caller = callerIn(authInfo?.extra);
        return mcpServer(() => caller, parts);
      },
      {
        legacy: "reject",
        bus: this.#bus,
        maxRequestBodySize: REQUEST_LIMIT_BYTES,
        onerror: (error) => log.debug("a client misbehaves", { error: error.message }),
      },
    );
  }

  addServer(definition: ServerDefinition): void {
    if (this.#isClosed) return;
    const { clock, log, info } = this.#options;
    const { name } = definition;
    this.#retire(name);
    const onListChanged = (kind: ListKind): void => this.#announce(kind, name);
    this.#catalog.set(new Upstream(definition, { clock, log, info, after: this.#closings.get(name), onListChanged }));
    this.#announceAll(name);
  }

  async removeServer(name: string): Promise<void> {
    if (this.#retire(name)) this.#announceAll(name);
    await this.#closings.get(name);
  }

  servers(): ServerStatus[] {
    return this.#catalog.all().map((upstream) => upstream.status());
  }

  async handle(req: IncomingMessage, res: ServerResponse, { principal, profile }: RequestFacts): Promise<void> {
    try {
      const foreign = foreignOrigin(req.headers, this.#options.hosts ?? []);
      if (foreign !== undefined) throw gatewayErrors("gateway.foreign-origin", { origin: foreign.slice(0, 200) });
      if (principal === undefined) throw gatewayErrors("gateway.unauthorized");
      await sendResponse(await this.#answer(req, res, { principal, profile }), res);
    } catch (error) {
      if (!isPratiqueError(error)) this.#options.log.error("a request failed", describeError(error));
      sendError(error, res);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { definition } of this.#catalog.all()) this.#retire(definition.name);
    await Promise.allSettled([this.#sessions.close(), this.#modern.close(), ...this.#closings.values()]);
  }

  /** Takes a server out; whoever wants to know when it has ended finds that in `#closings`. */
  #retire(name: string): boolean {
    const upstream = this.#catalog.take(name);
    if (upstream === undefined) return false;
    const closing = Promise.allSettled([this.#closings.get(name), upstream.close()]).then(() => {
      if (this.#closings.get(name) === closing) this.#closings.delete(name);
    });
    this.#closings.set(name, closing);
    return true;
  }

  async #answer(req: IncomingMessage, res: ServerResponse, caller: Caller): Promise<Response> {
    const { request, body } = await readRequest(req, res);
    const isPost = request.method === "POST";
    // Revision 2026-07-28 has neither stream nor session: GET and DELETE belong to a session or to nothing.
    if (!isPost && request.headers.get("mcp-session-id") === null)
      return new Response(null, { status: 405, headers: { allow: "POST" } });
    if (isPost && !(await isLegacyRequest(request, body))) {
      if (isListen(body)) this.#bus.admit(caller);
      const authInfo = { token: "", clientId: caller.principal.id, scopes: [], extra: { caller } };
      return await this.#bus.during(caller, () => this.#modern.fetch(request, { parsedBody: body, authInfo }));
    }
    return await this.#sessions.handle(request, body, caller);
  }

  #announceAll(server: string): void {
    for (const kind of ["tools", "prompts", "resources"] as const) this.#announce(kind, server);
  }

  #announce(kind: ListKind, server: string): void {
    const isShownTo = (caller: Caller): boolean => showsServer(caller, server);
    this.#sessions.notify(kind, isShownTo);
    this.#bus.announce(kind, isShownTo);
  }
}

function isListen(body: unknown): boolean {
  return isJsonObject(body) && body["method"] === "subscriptions/listen";
}

/** The caller that `handle` put there; nothing from the wire gets into `extra`. */
function callerIn(extra: Record<string, unknown> | undefined): Caller {
  if (extra === undefined || !("caller" in extra)) throw gatewayErrors("gateway.unauthorized");
  return extra["caller"] as Caller;
}
