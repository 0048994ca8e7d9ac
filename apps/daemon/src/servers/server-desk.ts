// The desk for servers: who may, looks at them, starts and stops them, adds and removes them, and learns what they need.
import {
  GatewayServerConfig,
  type AddServerRequest,
  type LearnedNeeds,
  type LearnRequest,
  type Principal,
  type RunningServer,
  type ServerCommand,
  type ServerLog,
} from "@pratique/contracts";
import { describeError, type JsonObject } from "@pratique/core";
import type { Gateway, ServerStatus } from "@pratique/gateway";
import { allowedOrThrow, type Guard, type GuardResource } from "@pratique/guard";
import { systemResource } from "../artifacts/artifacts.ts";
import { daemonErrors } from "../errors.ts";
import type { AddedServers } from "./added-servers.ts";
import { placeServer, type ConfiguredServersParts } from "./configured-servers.ts";
import { proposeNeeds } from "./propose-needs.ts";
import type { ServerLogs } from "./server-logs.ts";
import { issueText, tellingIssue } from "../telling-issue.ts";

export interface ServerDeskOptions {
  readonly guard: Guard;
  readonly gateway: Gateway;
  readonly placing: ConfiguredServersParts;
  readonly added: AddedServers;
  readonly logs: ServerLogs;
}

export class ServerDesk {
  readonly #options: ServerDeskOptions;

  constructor(options: ServerDeskOptions) {
    this.#options = options;
  }

  async list(principal: Principal): Promise<RunningServer[]> {
    return await this.#read(principal, systemResource, async () => {
      const { gateway, placing } = this.#options;
      const statuses = new Map(gateway.servers().map((status) => [status.name, status]));
      const names = new Set([...statuses.keys(), ...placing.servers.names()]);
      return [...names].toSorted().map((name) => this.#server(name, statuses.get(name)));
    });
  }

  async command(principal: Principal, name: string, command: ServerCommand): Promise<RunningServer> {
    const { servers } = this.#options.placing;
    return await this.#write(principal, name, { operation: `server.${command.do}` }, async () => {
      if (command.do === "stop") await servers.stop(name);
      else if (command.do === "restart" || servers.known(name)?.isStopped !== false) await servers.restart(name);
      return this.#now(name);
    });
  }

  async logs(principal: Principal, name: string): Promise<ServerLog> {
    const { logs, placing } = this.#options;
    return await this.#read(principal, serverResource(name), async () => {
      if (placing.servers.known(name) === undefined) throw daemonErrors("server.unknown", { name });
      return { name, lines: [...logs.of(name)] };
    });
  }

  async learn(principal: Principal, name: string, { mode }: LearnRequest): Promise<LearnedNeeds> {
    const { servers } = this.#options.placing;
    const seen = async (): Promise<LearnedNeeds> => {
      const known = servers.known(name);
      if (known === undefined) throw daemonErrors("server.unknown", { name });
      const hosts = known.watch.hosts();
      return { name, mode: known.watch.mode, hosts, proposal: proposeNeeds(name, known.plan, hosts) };
    };
    if (mode === undefined) return await this.#read(principal, serverResource(name), seen);
    return await this.#write(principal, name, { operation: "server.learn", mode }, async () => {
      const wasOff = servers.known(name)?.watch.mode === "off";
      servers.learn(name, mode);
      // One that had no way out at all gets one, to a door that is watched.
      if (wasOff && mode !== "off" && servers.known(name)?.isStopped === false) await servers.restart(name);
      return await seen();
    });
  }

  /** Places it and keeps it: it is there again after a restart. @throws `server.exists`, and what placing throws */
  async add(principal: Principal, { name, server }: AddServerRequest): Promise<RunningServer> {
    const { added, placing, gateway } = this.#options;
    const { data: wanted, error } = GatewayServerConfig.safeParse(server);
    if (error !== undefined) {
      throw daemonErrors("control.bad-request", { problem: issueText(tellingIssue(error), "the server") });
    }
    return await this.#write(principal, name, { operation: "server.add" }, async () => {
      const isThere = placing.servers.known(name) !== undefined || gateway.servers().some((it) => it.name === name);
      if (isThere || added.has(name)) throw daemonErrors("server.exists", { name });
      await placeServer(name, wanted, placing);
      try {
        await added.add(name, server);
      } catch (error) {
        await this.#takeOut(name);
        throw error;
      }
      return this.#now(name);
    });
  }

  /** Only what was added: the configuration's own stand in its file. @throws `server.not-added` */
  async remove(principal: Principal, name: string): Promise<{ name: string }> {
    const { added, logs } = this.#options;
    return await this.#write(principal, name, { operation: "server.remove" }, async () => {
      if (!added.has(name)) throw daemonErrors("server.not-added", { name });
      await added.remove(name);
      await this.#takeOut(name);
      logs.forget(name);
      return { name };
    });
  }

  /** At start-up. One that fails does not stop the others, and stays added. */
  async placeAdded(): Promise<void> {
    const { added, placing } = this.#options;
    for (const { name, server } of added.all()) {
      try {
        if (server === undefined) throw daemonErrors("server.not-placeable", { name, reason: "it cannot be read" });
        if (placing.servers.isReserved(name)) throw daemonErrors("server.exists", { name });
        await placeServer(name, server, placing);
      } catch (error) {
        placing.log.error("an added server is not available", { server: name, ...describeError(error) });
      }
    }
  }

  async #takeOut(name: string): Promise<void> {
    const { placing, gateway } = this.#options;
    placing.servers.release(name);
    placing.auths.release(name);
    if (placing.servers.known(name) === undefined) await gateway.removeServer(name);
    else await placing.servers.remove(name);
  }

  #now(name: string): RunningServer {
    const status = this.#options.gateway.servers().find((server) => server.name === name);
    return this.#server(name, status);
  }

  #server(name: string, status: ServerStatus | undefined): RunningServer {
    const { placing, added } = this.#options;
    const known = placing.servers.known(name);
    const { reference, digest, isolated, error } = { ...known?.definition, ...status };
    return {
      name,
      state: known?.isStopped === true ? "stopped" : (status?.state ?? "idle"),
      isolated: isolated ?? false,
      tools: status?.tools ?? 0,
      processes: (known?.processes ?? []).map(({ id, scope }) => ({
        id: id.slice(0, 12),
        ...(scope === "" ? {} : { user: scope }),
      })),
      learning: known?.watch.mode ?? "off",
      added: added.has(name),
      ...(reference === undefined ? {} : { reference }),
      ...(digest === undefined ? {} : { digest }),
      ...(error === undefined ? {} : { error }),
    };
  }

  async #read<T>(principal: Principal, resource: GuardResource, read: () => Promise<T>): Promise<T> {
    return allowedOrThrow(await this.#options.guard.perform({ principal, action: "admin:read", resource }, read));
  }

  async #write<T>(principal: Principal, name: string, details: JsonObject, act: () => Promise<T>): Promise<T> {
    const asked = { principal, action: "admin:write", resource: serverResource(name), details } as const;
    return allowedOrThrow(await this.#options.guard.perform(asked, act));
  }
}

function serverResource(name: string): GuardResource {
  return { type: "Server", id: name, attributes: { name, isolated: false, cleared: false } };
}
