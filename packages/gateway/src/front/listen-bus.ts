// Who listens for changes in revision 2026-07-28 (subscriptions/listen), and of which servers each may hear.
import { AsyncLocalStorage } from "node:async_hooks";
import type { ServerEventBus } from "@modelcontextprotocol/server";
import type { ListKind } from "../upstream/connect.ts";
import { gatewayErrors } from "../errors.ts";
import { SESSIONS_PER_PRINCIPAL } from "../limits.ts";
import { principalKey, type Caller } from "./caller.ts";

type ServerEvent = Parameters<ServerEventBus["publish"]>[0];
type Listener = Parameters<ServerEventBus["subscribe"]>[0];

const EVENTS = {
  tools: { kind: "tools_list_changed" },
  prompts: { kind: "prompts_list_changed" },
  resources: { kind: "resources_list_changed" },
} as const satisfies Record<ListKind, ServerEvent>;

/** The SDK's handler subscribes without saying for whom: the caller is the one whose request is being answered. */
export class ListenBus implements ServerEventBus {
  readonly #answering = new AsyncLocalStorage<Caller>();
  readonly #listeners = new Map<Listener, Caller>();

  /** A principal may listen as often as he may have sessions. @throws `gateway.too-many-sessions` */
  admit(caller: Caller): void {
    const key = principalKey(caller);
    const count = [...this.#listeners.values()].filter((other) => principalKey(other) === key).length;
    if (count >= SESSIONS_PER_PRINCIPAL) throw gatewayErrors("gateway.too-many-sessions", { count });
  }

  during<T>(caller: Caller, answer: () => T): T {
    return this.#answering.run(caller, answer);
  }

  subscribe(listener: Listener): () => void {
    const caller = this.#answering.getStore();
    // Nobody's listener hears nothing.
    if (caller === undefined) return () => undefined;
    this.#listeners.set(listener, caller);
    return () => void this.#listeners.delete(listener);
  }

  announce(kind: ListKind, isShownTo: (caller: Caller) => boolean): void {
    for (const [listener, caller] of this.#listeners) if (isShownTo(caller)) listener(EVENTS[kind]);
  }

  publish(event: ServerEvent): void {
    for (const listener of this.#listeners.keys()) listener(event);
  }
}
