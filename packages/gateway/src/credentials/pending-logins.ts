// Logins that were begun: what must be known again when the browser comes back. In memory alone, and not for long.
import { randomBytes } from "node:crypto";
import type { Principal } from "@pratique/contracts";
import type { Clock } from "@pratique/core";
import type { AuthorizationServer } from "./authorization-server.ts";
import type { ClientIdentity } from "./client-identity.ts";

export interface PendingLogin {
  /** For whoever waits for it; says nothing of the state. */
  readonly id: string;
  readonly server: string;
  /** Whose it will be; empty: everybody's. */
  readonly owner: string;
  readonly by: Principal;
  readonly authorizationServer: AuthorizationServer;
  readonly client: ClientIdentity;
  readonly codeVerifier: string;
  readonly redirectUrl: string;
  readonly scope: string | undefined;
  /** Where the person goes. */
  readonly url: string;
  readonly expiresAt: number;
}

export type LoginProgress =
  | { readonly state: "waiting" }
  | { readonly state: "done" }
  | { readonly state: "failed"; readonly reason: string };

const LIFE_MS = 10 * 60_000;
/** One that is begun again soon is the same one: an agent that calls on does not begin hundreds. */
const REUSE_MS = 5 * 60_000;
const LIMIT = 200;
/** A server that asks for other scopes each time pushes out its own logins, and nobody else's. */
const LIMIT_OF_ONE = 20;

export class PendingLogins {
  readonly #clock: Clock;
  readonly #byState = new Map<string, PendingLogin>();
  readonly #shown = new Set<string>();
  readonly #ended = new Map<string, { readonly progress: LoginProgress; readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A state that nobody guesses: it is all that the browser brings (RFC 6749 §10.12). */
  newState(): string {
    return randomBytes(32).toString("base64url");
  }

  add(state: string, pending: Omit<PendingLogin, "id" | "expiresAt">): PendingLogin {
    this.#clean();
    const own = [...this.#byState].filter(([, { server }]) => server === pending.server);
    const [oldest] = own.length >= LIMIT_OF_ONE ? own : this.#byState.size >= LIMIT ? [...this.#byState] : [];
    if (oldest !== undefined) this.#byState.delete(oldest[0]);
    const made = { ...pending, id: randomBytes(12).toString("hex"), expiresAt: this.#now() + LIFE_MS };
    this.#byState.set(state, made);
    return made;
  }

  /** One that was begun a moment ago for the same. */
  find(server: string, owner: string, scope: string | undefined): PendingLogin | undefined {
    this.#clean();
    return [...this.#byState.values()].findLast(
      (each) =>
        each.server === server &&
        each.owner === owner &&
        each.scope === scope &&
        each.expiresAt - LIFE_MS + REUSE_MS > this.#now(),
    );
  }

  /** Each state is good once. */
  take(state: string): PendingLogin | undefined {
    this.#clean();
    const pending = this.#byState.get(state);
    this.#byState.delete(state);
    if (pending !== undefined) this.#shown.delete(pending.id);
    return pending;
  }

  end({ id }: PendingLogin, progress: LoginProgress): void {
    this.#ended.set(id, { progress, at: this.#now() });
  }

  progress(id: string): LoginProgress | undefined {
    this.#clean();
    const ended = this.#ended.get(id)?.progress;
    return ended ?? ([...this.#byState.values()].some((each) => each.id === id) ? { state: "waiting" } : undefined);
  }

  /** The page of a login, once. */
  pageOf(id: string): string | undefined {
    this.#clean();
    const pending = [...this.#byState.values()].find((each) => each.id === id);
    if (pending === undefined || this.#shown.has(id)) return undefined;
    this.#shown.add(id);
    return pending.url;
  }

  forget(server: string): void {
    for (const [state, pending] of this.#byState) if (pending.server === server) this.#byState.delete(state);
  }

  #clean(): void {
    const now = this.#now();
    for (const [state, { id, expiresAt }] of this.#byState) {
      if (expiresAt > now) continue;
      this.#byState.delete(state);
      this.#shown.delete(id);
    }
    for (const [id, { at }] of this.#ended) if (at + LIFE_MS <= now) this.#ended.delete(id);
  }

  #now(): number {
    return this.#clock.now().getTime();
  }
}
