// The connections of the gateway: one for each server, or one for each person where a server acts for one.
import type { UpstreamEvent, UpstreamPort } from "../exchange/upstream-port.ts";
import type { ServerDefinition, ServerState, ServerStatus } from "../server-definition.ts";
import type { Servers } from "./views.ts";

/** How a connection is opened; it starts nothing before it is needed. */
export type OpenPort = (
  definition: ServerDefinition,
  scope: string,
  life: { readonly after: Promise<unknown> | undefined; onEvent(event: UpstreamEvent): void },
) => UpstreamPort;

/** People for whom one server may act at the same time. */
const PERSONS_LIMIT = 64;
/** The better of two, for people whose own connections are in different states. */
const STATES: readonly ServerState[] = ["idle", "failed", "starting", "ready"];

export class ServerPorts implements Servers {
  readonly #open: OpenPort;
  readonly #onEvent: (upstream: UpstreamPort, event: UpstreamEvent) => void;
  readonly #servers = new Map<
    string,
    { readonly definition: ServerDefinition; readonly ports: Map<string, UpstreamPort> }
  >();
  /** What was taken out and has not ended yet, by name. */
  readonly #closings = new Map<string, Promise<void>>();

  constructor(open: OpenPort, onEvent: (upstream: UpstreamPort, event: UpstreamEvent) => void) {
    this.#open = open;
    this.#onEvent = onEvent;
  }

  /** One of that name is taken out first; the new one starts when that has ended. */
  set(definition: ServerDefinition): void {
    this.#retire(definition.name);
    this.#servers.set(definition.name, { definition, ports: new Map() });
    if (definition.scope !== "user") this.of(definition.name, "");
  }

  /** Resolves when it has ended; false when there was none. */
  async take(name: string): Promise<boolean> {
    const isThere = this.#retire(name);
    await this.#closings.get(name);
    return isThere;
  }

  has(name: string): boolean {
    return this.#servers.has(name);
  }

  definitions(): readonly ServerDefinition[] {
    return [...this.#servers.values()]
      .map(({ definition }) => definition)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  of(name: string, person: string): UpstreamPort | undefined {
    const server = this.#servers.get(name);
    if (server === undefined) return undefined;
    const { definition, ports } = server;
    const scope = definition.scope === "user" ? person : "";
    const known = ports.get(scope);
    if (known !== undefined) return known;
    if (ports.size >= PERSONS_LIMIT) this.#endIdlest(name, ports);
    const port = this.#open(definition, scope, {
      after: this.#closings.get(name),
      onEvent: (event) => this.#onEvent(port, event),
    });
    ports.set(scope, port);
    return port;
  }

  /** What made it fail is mended: it is tried again at once. */
  retry(name: string): void {
    for (const port of this.#servers.get(name)?.ports.values() ?? []) port.retry?.();
  }

  statuses(): ServerStatus[] {
    return this.definitions().map((definition) => {
      const { name, isolated, reference, digest } = definition;
      const statuses = [...(this.#servers.get(name)?.ports.values() ?? [])].map((port) => port.status());
      const [best] = statuses.toSorted((a, b) => STATES.indexOf(b.state) - STATES.indexOf(a.state));
      const about = { ...(reference === undefined ? {} : { reference }), ...(digest === undefined ? {} : { digest }) };
      return best ?? { name, state: "idle", isolated, tools: 0, ...about };
    });
  }

  async close(): Promise<void> {
    for (const name of this.#servers.keys()) this.#retire(name);
    await Promise.allSettled(this.#closings.values());
  }

  /** Takes a server out; whoever wants to know when it has ended finds that in `#closings`. */
  #retire(name: string): boolean {
    const server = this.#servers.get(name);
    if (server === undefined) return false;
    this.#servers.delete(name);
    this.#ending(name, [...server.ports.values()]);
    return true;
  }

  /** One that is in use keeps its place: of those the first is the one that was opened first. */
  #endIdlest(name: string, ports: Map<string, UpstreamPort>): void {
    const [scope, port] = [...ports].find(([, one]) => one.status().state !== "starting") ?? [];
    if (scope === undefined || port === undefined) return;
    ports.delete(scope);
    this.#ending(name, [port]);
  }

  #ending(name: string, ports: readonly UpstreamPort[]): void {
    const closing = Promise.allSettled([this.#closings.get(name), ...ports.map((port) => port.close())]).then(() => {
      if (this.#closings.get(name) === closing) this.#closings.delete(name);
    });
    this.#closings.set(name, closing);
  }
}
