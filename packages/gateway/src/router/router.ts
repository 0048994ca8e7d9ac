// The router: finds whose a request is, and lets nothing pass that guard has not allowed.
import { withoutLoginPage } from "../credentials/login-page.ts";
import type { GatewayProfile } from "@pratique/contracts";
import { describeError, type Clock, type JsonObject, type Log } from "@pratique/core";
import type { Guard } from "@pratique/guard";
import type { Answer, ClientFacts, Exchange, ExchangeNotification } from "../exchange/exchange.ts";
import type { DriftGuard, Interceptors, OwnTools, Screen } from "../exchange/ports.ts";
import type { Face, ListenFilter, Listening, RouterPort } from "../exchange/router-port.ts";
import type { UpstreamEvent, UpstreamPort } from "../exchange/upstream-port.ts";
import { gatewayErrors } from "../errors.ts";
import { principalKey, type Caller } from "../front/caller.ts";
import { RESULT_LIMIT_BYTES, RUNNING_PER_PRINCIPAL } from "../limits.ts";
import { Acts } from "./acts.ts";
import type { RecordArguments } from "./arguments.ts";
import { answerExtension, getSkill, listSkills } from "./extensions.ts";
import { faceOf } from "./face.ts";
import { Listeners } from "./listeners.ts";
import { listPrompts, listResources, listTools } from "./lists.ts";
import { OwnCalls, OWN_NAMES } from "./own-calls.ts";
import { Rates } from "./rates.ts";
import { complete, getPrompt, readResource, type Asked } from "./reads.ts";
import type { RouterParts } from "./router-parts.ts";
import { createTracer, type Telemetry, type Trace, type Tracer } from "./spans.ts";
import { TaskIds } from "./task-ids.ts";
import { answerTask, isTaskMethod } from "./tasks.ts";
import { textScreen } from "./text-screen.ts";
import { callTool } from "./tool-call.ts";
import type { View } from "./view.ts";
import { Views, type Servers } from "./views.ts";

export interface RouterOptions {
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  readonly info: JsonObject;
  readonly servers: Servers;
  readonly screen?: Screen | undefined;
  readonly interceptors?: Interceptors | undefined;
  readonly drift?: DriftGuard | undefined;
  readonly own?: OwnTools | undefined;
  readonly rates?: Rates | undefined;
  /** What /mcp/NAME shows, by name; asked whenever that may have changed. */
  readonly profiles?: (() => Readonly<Record<string, GatewayProfile>>) | undefined;
  readonly allowUnisolated?: boolean | undefined;
  readonly recordArguments?: RecordArguments | undefined;
  readonly resultLimitBytes?: number | undefined;
  readonly telemetry?: Telemetry | undefined;
  /** 32 bytes: with it, ids of tasks outlive a restart. */
  readonly key?: Uint8Array | undefined;
}

export class Router implements RouterPort {
  readonly #parts: RouterParts;
  readonly #views: Views;
  readonly #listeners: Listeners;
  readonly #info: JsonObject;
  readonly #traced: Tracer;
  /** Requests that are being answered, by principal. */
  readonly #running = new Map<string, number>();

  constructor(options: RouterOptions) {
    const { guard, clock, log, servers, screen = textScreen, interceptors, drift, own, key } = options;
    this.#info = options.info;
    this.#traced = createTracer(clock, options.telemetry);
    this.#views = new Views({
      servers,
      screen,
      drift,
      reserved: own === undefined ? new Set() : OWN_NAMES,
      profiles: options.profiles ?? (() => ({})),
      onLate: (upstream, kind) => this.heard(upstream, { type: "list-changed", kind }),
    });
    const ownCalls = new OwnCalls(() => this.#parts);
    this.#parts = {
      guard,
      clock,
      log,
      screen,
      interceptors,
      own,
      views: this.#views,
      acts: new Acts({ allowUnisolated: options.allowUnisolated === true }),
      rates: options.rates ?? new Rates({ limits: [], clock }),
      taskIds: new TaskIds(key),
      entries: new WeakMap(),
      recordArguments: options.recordArguments ?? "content",
      resultLimitBytes: options.resultLimitBytes ?? RESULT_LIMIT_BYTES,
      callOwn: (caller, view, exchange, trace) => ownCalls.call(caller, view, exchange, trace),
    };
    this.#listeners = new Listeners(this.#parts);
  }

  face(caller: Caller, client: ClientFacts): Promise<Face> {
    const method = client.era === "modern" ? "server/discover" : "initialize";
    return faceOf(caller, this.#views.at(caller), this.#info, method, this.#parts);
  }

  async answer(caller: Caller, exchange: Exchange): Promise<Answer> {
    const key = principalKey(caller);
    const count = this.#running.get(key) ?? 0;
    if (count >= RUNNING_PER_PRINCIPAL) throw gatewayErrors("gateway.too-many-requests", { count });
    this.#running.set(key, count + 1);
    try {
      return await this.#traced(exchange, (trace) => this.#answer(caller, this.#views.at(caller), exchange, trace));
    } catch (error) {
      if (caller.principal.type === "User") throw error;
      return withoutLoginPage(error);
    } finally {
      const left = (this.#running.get(key) ?? 1) - 1;
      if (left > 0) this.#running.set(key, left);
      else this.#running.delete(key);
    }
  }

  async listen(
    caller: Caller,
    filter: ListenFilter,
    tell: (notification: ExchangeNotification) => void,
  ): Promise<Listening> {
    return await this.#listeners.add(caller, filter, tell);
  }

  tool(caller: Caller, name: string): JsonObject | undefined {
    return this.#views.at(caller).tools.byName.get(name)?.item;
  }

  /** A server said something unasked. */
  heard(upstream: UpstreamPort, event: UpstreamEvent): void {
    this.#listeners.heard(upstream, event).catch((error: unknown) => this.#unheard(error));
  }

  /** A server came, went, or is another now. */
  serverChanged(name: string): void {
    this.#views.changed();
    this.#listeners.changed(name).catch((error: unknown) => this.#unheard(error));
  }

  /** Profiles, what is held back, or what is screened is not what it was. */
  changed(): void {
    this.#views.screenChanged();
    this.#listeners.profilesChanged();
  }

  #unheard(error: unknown): void {
    this.#parts.log.warn("clients were not told of a change", describeError(error));
  }

  async #answer(caller: Caller, view: View, exchange: Exchange, trace: Trace): Promise<Answer> {
    const parts = this.#parts;
    const asked: Asked = { caller, view, exchange, parts, trace };
    const { method } = exchange;
    switch (method) {
      case "tools/call":
        return await callTool(caller, view, exchange, parts, trace);
      case "tools/list":
        await parts.rates.take({ caller, kind: "lists" });
        return await listTools(caller, view, exchange, parts);
      case "prompts/list":
        await parts.rates.take({ caller, kind: "lists" });
        return await listPrompts(caller, view, exchange, parts);
      case "resources/list":
        await parts.rates.take({ caller, kind: "lists" });
        return await listResources(caller, view, exchange, "resources", parts);
      case "resources/templates/list":
        await parts.rates.take({ caller, kind: "lists" });
        return await listResources(caller, view, exchange, "templates", parts);
      case "prompts/get":
        return await getPrompt(asked);
      case "resources/read":
      case "resources/directory/read":
        return await readResource(asked);
      case "completion/complete":
        return await complete(asked);
      case "skills/list":
        await parts.rates.take({ caller, kind: "lists" });
        return await listSkills(asked);
      case "skills/get":
        return await getSkill(asked);
      default:
        return isTaskMethod(method) ? await answerTask(asked) : await answerExtension(asked);
    }
  }
}
