// A router over servers that exist in the test alone, with the default policies or a guard of the test's own.
import { isJsonObject, silentLog, systemClock, uuidv7, type JsonObject } from "@pratique/core";
import type { AuditRecord, Principal, UserPrincipal, WorkloadPrincipal } from "@pratique/contracts";
import { createGuard, type Guard } from "@pratique/guard";
import type { Answer, Exchange, ExchangeNotification } from "../exchange/exchange.ts";
import type { ListKind, ListSnapshot, ServerFacts, UpstreamPort } from "../exchange/upstream-port.ts";
import type { Caller } from "../front/caller.ts";
import { defaultPolicies } from "../gateway.fixture.ts";
import type { ServerDefinition } from "../server-definition.ts";
import { Router, type RouterOptions } from "./router.ts";

export const owner: UserPrincipal = { type: "User", id: "owner", name: "Owner", groups: ["owner"] };
export const friend: UserPrincipal = { type: "User", id: "friend", name: "Friend", groups: ["owner", "support"] };
export const stranger: UserPrincipal = { type: "User", id: "stranger", name: "Stranger", groups: [] };
export const agent: WorkloadPrincipal = {
  type: "Workload",
  id: "spiffe://pratique.local/run/r1/agent/root",
  groups: [],
  actingFor: owner,
  run: "r1",
};

export interface FakeLists {
  readonly tools?: readonly JsonObject[];
  readonly prompts?: readonly JsonObject[];
  readonly resources?: readonly JsonObject[];
  readonly templates?: readonly JsonObject[];
}

export const tool = (name: string, more: JsonObject = {}): JsonObject => ({
  name,
  description: `does ${name}`,
  inputSchema: { type: "object" },
  ...more,
});

/** A server that answers as it is told, and remembers what reached it. */
export class FakeServer implements UpstreamPort {
  readonly definition: ServerDefinition;
  readonly scope: string;
  readonly seen: Exchange[] = [];
  readonly watched = new Set<string>();
  answer: (exchange: Exchange) => Answer | Promise<Answer> = () => ({ content: [{ type: "text", text: this.scope }] });
  capabilities: JsonObject;
  instructions: string | undefined;
  /** Lists come when it resolves. */
  late: Promise<unknown> | undefined;
  #lists = new Map<ListKind, ListSnapshot>();
  #known = new Map<ListKind, ListSnapshot>();
  #generation = 0;

  constructor(name: string, lists: FakeLists, more: Partial<ServerDefinition> = {}, scope = "") {
    this.definition = {
      name,
      isolated: true,
      cleared: true,
      verdicts: {},
      transport: { type: "http", url: "http://fake.invalid" },
      ...more,
    };
    this.scope = scope;
    this.capabilities = { tools: {}, prompts: {}, ...(lists.resources || lists.templates ? { resources: {} } : {}) };
    for (const kind of ["tools", "prompts", "resources", "templates"] as const) this.set(kind, lists[kind] ?? []);
  }

  set(kind: ListKind, items: readonly JsonObject[], hints: Partial<ListSnapshot> = {}): void {
    this.#lists.set(kind, { items, generation: ++this.#generation, ...hints });
  }

  status() {
    const { name, isolated } = this.definition;
    return { name, isolated, state: "ready" as const, tools: this.#known.get("tools")?.items.length ?? 0 };
  }

  async facts(): Promise<ServerFacts> {
    await this.late;
    return this.knownFacts()!;
  }

  knownFacts(): ServerFacts | undefined {
    if (this.#known.size === 0) return undefined;
    const { capabilities, instructions } = this;
    const said = instructions === undefined ? {} : { instructions };
    return { era: "modern", protocolVersion: "2026-07-28", capabilities, info: {}, ...said };
  }

  async list(kind: ListKind): Promise<ListSnapshot> {
    await this.late;
    const list = this.#lists.get(kind)!;
    this.#known.set(kind, list);
    return list;
  }

  knownList(kind: ListKind): ListSnapshot | undefined {
    return this.#known.get(kind);
  }

  async send(exchange: Exchange): Promise<Answer> {
    this.seen.push(exchange);
    return await this.answer(exchange);
  }

  async watch(uri: string): Promise<void> {
    this.watched.add(uri);
  }

  async unwatch(uri: string): Promise<void> {
    this.watched.delete(uri);
  }

  async close(): Promise<void> {}
}

export interface RouterFixture {
  readonly router: Router;
  readonly records: AuditRecord[];
  readonly servers: FakeServer[];
  ask(
    who: Principal,
    method: string,
    params?: JsonObject,
    more?: Partial<Exchange> & { profile?: string },
  ): Promise<Answer>;
}

export function exchangeOf(method: string, params: JsonObject = {}, more: Partial<Exchange> = {}): Exchange {
  return {
    method,
    params,
    headers: {},
    client: { era: "modern", protocolVersion: "2026-07-28", capabilities: {} },
    signal: new AbortController().signal,
    wantsProgress: false,
    notify: () => undefined,
    ask: () => Promise.reject(new Error("nobody is there")),
    ...more,
  };
}

const policySet = await defaultPolicies();

export function recordingGuard(records: AuditRecord[]): Guard {
  return createGuard({
    policy: () => policySet,
    clock: systemClock,
    log: silentLog,
    audit: {
      append: async (body) => {
        const record = { ...body, version: 1 as const, id: uuidv7(systemClock), sequence: records.length, time: "" };
        records.push(record);
        return record;
      },
    },
  });
}

export async function openRouter(servers: FakeServer[], more: Partial<RouterOptions> = {}): Promise<RouterFixture> {
  const records: AuditRecord[] = [];
  const router = new Router({
    guard: more.guard ?? recordingGuard(records),
    clock: systemClock,
    log: silentLog,
    info: { name: "pratique", version: "0" },
    servers: {
      definitions: () =>
        servers.filter(({ scope }) => scope === "" || scope === "owner").map(({ definition }) => definition),
      of: (name, person) =>
        servers.find(({ definition, scope }) => definition.name === name && (scope === "" || scope === person)),
    },
    ...more,
  });
  return {
    router,
    records,
    servers,
    ask: (principal, method, params = {}, { profile, ...exchange } = {}) =>
      router.answer({ principal, profile }, exchangeOf(method, params, exchange)),
  };
}

export const caller = (principal: Principal, profile?: string): Caller => ({ principal, profile });

export function namesIn(answer: Answer, key = "tools", name = "name"): string[] {
  const items = answer[key];
  return Array.isArray(items) ? items.map((item: unknown) => (isJsonObject(item) ? String(item[name]) : "")) : [];
}

export function textIn(answer: Answer): string {
  const [first] = Array.isArray(answer["content"]) ? answer["content"] : [];
  return isJsonObject(first) ? String(first["text"]) : "";
}

export function heard(): { readonly all: ExchangeNotification[]; tell(notification: ExchangeNotification): void } {
  const all: ExchangeNotification[] = [];
  return { all, tell: (notification) => void all.push(notification) };
}
