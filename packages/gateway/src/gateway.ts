// The MCP gateway: one endpoint in front of many servers, for clients of every protocol revision.
import type { IncomingMessage, ServerResponse } from "node:http";
import { hkdfSync } from "node:crypto";
import type { GatewayLimit, GatewayProfile, ToolReachConfig } from "@pratique/contracts";
import type { Clock, JsonObject, Log } from "@pratique/core";
import type { Guard } from "@pratique/guard";
import type { ClientFacts } from "./exchange/exchange.ts";
import { McpError } from "./exchange/mcp-error.ts";
import type { DriftGuard, Interceptors, Screen } from "./exchange/ports.ts";
import type { Caller } from "./front/caller.ts";
import { Front, type RequestFacts } from "./front/front.ts";
import { createOwnTools, type OwnToolsOptions } from "./own-tools.ts";
import type { RecordArguments } from "./router/arguments.ts";
import { Rates, type Quotas } from "./router/rates.ts";
import { profileAt } from "./router/profile.ts";
import { ServerPorts } from "./router/server-ports.ts";
import { Router } from "./router/router.ts";
import type { Telemetry } from "./router/spans.ts";
import type { ServerDefinition, ServerStatus } from "./server-definition.ts";
import { openUpstream } from "./upstream/open-upstream.ts";

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
  /** What /mcp/NAME shows, by name; `changed()` says that it is not what it was. */
  readonly profiles?: () => Readonly<Record<string, GatewayProfile>>;
  readonly limits?: readonly GatewayLimit[];
  /** Where counts of a day are kept; without it, nothing is left of a quota. */
  readonly quotas?: Quotas;
  readonly recordArguments?: RecordArguments;
  readonly resultLimitBytes?: number;
  /** Takes secrets out of what passes. */
  readonly screen?: Screen;
  readonly interceptors?: Interceptors;
  readonly drift?: DriftGuard;
  /** Where spans and figures go; absent: nothing is traced. */
  readonly telemetry?: Telemetry;
  /** Vectors of texts, where a model for them is there: tools are found by what they are for, too. */
  readonly embed?: OwnToolsOptions["embed"];
  /** Built file of the program-host. */
  readonly programHost?: string | undefined;
  /** 32 bytes: with them, what was handed to clients (states of requests, ids of tasks) is good after a restart, too. */
  readonly key?: Uint8Array;
  /** Issuers whose tokens are taken (RFC 9728). */
  readonly authorizationServers?: readonly string[];
}

export interface Gateway {
  /** A server of that name that is there already is taken out first. A gateway that is closed takes none. */
  addServer(definition: ServerDefinition): void;
  /** Resolves when the server has ended. */
  removeServer(name: string): Promise<void>;
  servers(): ServerStatus[];
  /** Tries a server again at once that failed: a person has mended why. */
  retry(name: string): void;
  /** Profiles, what is held back or what is screened has changed: lists are made anew, and clients are told. */
  changed(): void;
  /**
   * A request without a client behind it, which can be asked nothing: decided, screened and recorded like any other.
   * @throws McpError, PratiqueError
   */
  ask(caller: Caller, method: string, params: JsonObject, signal: AbortSignal): Promise<JsonObject>;
  /** Answers one HTTP request at /mcp or /mcp/{profile}. Never rejects. */
  handle(req: IncomingMessage, res: ServerResponse, facts: RequestFacts): Promise<void>;
  close(): Promise<void>;
}

/** Where no profile says otherwise, a client lists all tools. */
const NO_REACH: ToolReachConfig = { search: false, pinned: [], codeMode: false };

const METHOD_NOT_FOUND = -32_601;
const OWN_CLIENT: ClientFacts = { era: "modern", protocolVersion: "2026-07-28", capabilities: {} };

export function createGateway(options: GatewayOptions): Gateway {
  return new McpGateway(options);
}

class McpGateway implements Gateway {
  readonly #ports: ServerPorts;
  readonly #router: Router;
  readonly #front: Front;
  #isClosed = false;

  constructor(options: GatewayOptions) {
    const { guard, clock, log, info, hosts, limits = [], quotas, key, authorizationServers } = options;
    this.#ports = new ServerPorts(
      (definition, scope, { after, onEvent }) => openUpstream(definition, scope, { clock, log, info, after, onEvent }),
      (upstream, event) => this.#router.heard(upstream, event),
    );
    this.#router = new Router({
      guard,
      clock,
      log,
      info: info satisfies JsonObject,
      servers: this.#ports,
      profiles: options.profiles,
      rates: new Rates({ limits, clock, quotas }),
      screen: options.screen,
      interceptors: options.interceptors,
      drift: options.drift,
      own: createOwnTools({
        reach: ({ profile }) => profileAt(profile, options.profiles?.() ?? {}).configured ?? NO_REACH,
        log,
        programHost: options.programHost,
        ...(options.embed === undefined ? {} : { embed: options.embed }),
      }),
      telemetry: options.telemetry,
      allowUnisolated: options.allowUnisolated,
      recordArguments: options.recordArguments,
      resultLimitBytes: options.resultLimitBytes,
      key,
    });
    this.#front = new Front({
      router: this.#router,
      clock,
      log,
      info,
      ...(hosts === undefined ? {} : { hosts }),
      ...(key === undefined ? {} : { stateKey: derived(key, "request states") }),
      ...(authorizationServers === undefined ? {} : { authorizationServers }),
    });
  }

  addServer(definition: ServerDefinition): void {
    if (this.#isClosed) return;
    this.#ports.set(definition);
    this.#router.serverChanged(definition.name);
  }

  async removeServer(name: string): Promise<void> {
    const isThere = this.#ports.has(name);
    const gone = this.#ports.take(name);
    if (isThere) this.#router.serverChanged(name);
    await gone;
  }

  servers(): ServerStatus[] {
    return this.#ports.statuses();
  }

  retry(name: string): void {
    this.#ports.retry(name);
  }

  changed(): void {
    this.#router.changed();
  }

  async ask(caller: Caller, method: string, params: JsonObject, signal: AbortSignal): Promise<JsonObject> {
    return await this.#router.answer(caller, {
      method,
      params,
      signal,
      headers: {},
      client: OWN_CLIENT,
      wantsProgress: false,
      notify: () => undefined,
      ask: () => Promise.reject(new McpError(METHOD_NOT_FOUND, "nobody can be asked")),
    });
  }

  handle(req: IncomingMessage, res: ServerResponse, facts: RequestFacts): Promise<void> {
    return this.#front.handle(req, res, facts);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled([this.#front.close(), this.#ports.close()]);
  }
}

/** A key of its own for each purpose. */
function derived(key: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key, new Uint8Array(), `pratique gateway ${purpose}`, 32));
}
