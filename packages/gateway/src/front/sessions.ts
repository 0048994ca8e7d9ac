// Sessions of clients that speak 2025-11-25 or older: each belongs to the principal who opened it, and to nobody else.
import { randomUUID } from "node:crypto";
import {
  isInitializeRequest,
  WebStandardStreamableHTTPServerTransport,
  type Server,
} from "@modelcontextprotocol/server";
import type { Clock, Log } from "@pratique/core";
import { gatewayErrors } from "../errors.ts";
import { SESSION_IDLE_MS, SESSION_LIMIT, SESSIONS_PER_PRINCIPAL } from "../limits.ts";
import type { ListKind } from "../upstream/connect.ts";
import { isSameCaller, principalKey, type Caller } from "./caller.ts";

interface Session {
  caller: Caller;
  readonly transport: WebStandardStreamableHTTPServerTransport;
  readonly server: Server;
  lastUsed: number;
  /** Requests that are being answered, the GET stream among them. */
  active: number;
}

export interface SessionsOptions {
  readonly clock: Clock;
  readonly log: Log;
  makeServer(caller: () => Caller): Server;
}

const SESSION_HEADER = "mcp-session-id";

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<string, Session>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** @throws `gateway.session-unknown`, `gateway.bad-request`, `gateway.too-many-sessions` */
  async handle(request: Request, body: unknown, caller: Caller): Promise<Response> {
    const id = request.headers.get(SESSION_HEADER);
    const session = id === null ? await this.#open(body, caller) : this.#get(id, caller);
    session.lastUsed = this.#now();
    session.active += 1;
    let isEnded = false;
    // A stream may end in several ways at once; a request ends once.
    const end = (): void => {
      if (isEnded) return;
      isEnded = true;
      session.active -= 1;
      session.lastUsed = this.#now();
    };
    try {
      const options = body === undefined ? {} : { parsedBody: body };
      return withEnd(await session.transport.handleRequest(request, options), end);
    } catch (error) {
      end();
      throw error;
    }
  }

  /** Tells every client that may see the server. */
  notify(kind: ListKind, isShownTo: (caller: Caller) => boolean): void {
    for (const { server, caller } of this.#sessions.values()) {
      if (!isShownTo(caller)) continue;
      const sent =
        kind === "tools"
          ? server.sendToolListChanged()
          : kind === "prompts"
            ? server.sendPromptListChanged()
            : server.sendResourceListChanged();
      // A client without an open stream does not hear it, which is its own choice.
      sent.catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.allSettled(sessions.map(({ server }) => server.close()));
  }

  #get(id: string, caller: Caller): Session {
    const session = this.#sessions.get(id);
    // A session of somebody else is as unknown as one that never was.
    if (session === undefined || !isSameCaller(session.caller, caller)) throw gatewayErrors("gateway.session-unknown");
    session.caller = caller;
    return session;
  }

  async #open(body: unknown, caller: Caller): Promise<Session> {
    if (!isInitializeRequest(body)) {
      const reason = "a request without Mcp-Session-Id must be initialize, or carry the _meta of revision 2026-07-28";
      throw gatewayErrors("gateway.bad-request", { reason });
    }
    this.#makeRoom(principalKey(caller));
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void this.#sessions.set(id, session),
      onsessionclosed: (id) => void this.#sessions.delete(id),
    });
    const session: Session = {
      caller,
      transport,
      server: this.#options.makeServer(() => session.caller),
      lastUsed: this.#now(),
      active: 0,
    };
    await session.server.connect(transport);
    session.server.onerror = (error) => this.#options.log.debug("a client misbehaves", { error: error.message });
    return session;
  }

  /**
   * Ends what is idle for long. Then, when the principal has all that one may have, his own session that is idle longest;
   * when all places are taken, that of whoever holds most.
   */
  #makeRoom(principal: string): void {
    const before = this.#now() - SESSION_IDLE_MS;
    for (const [id, { active, lastUsed }] of this.#sessions) if (active === 0 && lastUsed < before) this.#end(id);
    const held = this.#heldByPrincipal();
    if ((held.get(principal)?.length ?? 0) >= SESSIONS_PER_PRINCIPAL) this.#endIdlest(held.get(principal) ?? []);
    else if (this.#sessions.size >= SESSION_LIMIT)
      this.#endIdlest([...held.values()].reduce((most, ids) => (ids.length > most.length ? ids : most)));
  }

  #heldByPrincipal(): Map<string, string[]> {
    const held = new Map<string, string[]>();
    for (const [id, { caller }] of this.#sessions) {
      const key = principalKey(caller);
      held.set(key, [...(held.get(key) ?? []), id]);
    }
    return held;
  }

  /** @throws `gateway.too-many-sessions` when none of them is idle */
  #endIdlest(ids: readonly string[]): void {
    let idlest: { readonly id: string; readonly lastUsed: number } | undefined;
    for (const id of ids) {
      const session = this.#sessions.get(id);
      if (session === undefined || session.active > 0) continue;
      if (idlest === undefined || session.lastUsed < idlest.lastUsed) idlest = { id, lastUsed: session.lastUsed };
    }
    if (idlest === undefined) throw gatewayErrors("gateway.too-many-sessions", { count: ids.length });
    this.#end(idlest.id);
  }

  #end(id: string): void {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    void session?.server.close().catch(() => undefined);
  }

  #now(): number {
    return this.#options.clock.now().getTime();
  }
}

/** Calls `onEnd` when the body has been sent, or given up. */
function withEnd(response: Response, onEnd: () => void): Response {
  if (response.body === null) {
    onEnd();
    return response;
  }
  const reader = response.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        onEnd();
        controller.close();
      } catch (error) {
        onEnd();
        controller.error(error);
      }
    },
    async cancel(reason) {
      onEnd();
      await reader.cancel(reason);
    },
  });
  return new Response(body, { status: response.status, headers: response.headers });
}
