// From an MCP server artifact to a server behind the gateway: cleared, in a sandbox, or refused.
import { join } from "node:path";
import { canonicalJson, digestOf, Mutex, type Log } from "@pratique/core";
import type { Principal } from "@pratique/contracts";
import type { Gateway, ServerDefinition, ServerTransport, StdioPeer } from "@pratique/gateway";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { readArtifact, unpackArtifact, type McpServerInfo } from "@pratique/packaging";
import { startProcess, type ContainerDriver, type Sandbox } from "@pratique/sandbox";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { Found } from "../artifacts/find-artifact.ts";
import { daemonErrors } from "../errors.ts";
import { EgressWatch, type LearnMode } from "./egress-watch.ts";
import { NOTHING_NEEDED, type LaunchPlan, type PlannedPort } from "./launch-plan.ts";
import type { ServerLauncher } from "./server-launcher.ts";

export interface ServersOptions {
  readonly artifacts: Artifacts;
  readonly gateway: Pick<Gateway, "addServer" | "removeServer">;
  readonly guard: Guard;
  /** The container driver, once the engine has been probed; undefined when there is none. */
  readonly containers: () => Promise<ContainerDriver | undefined>;
  readonly launcher: ServerLauncher;
  /** Refuses what no catalog in force lists, where only those count. */
  readonly requireListed?: (what: { readonly digest: string } | { readonly url: string }) => Promise<void>;
  readonly nodeExecutable: string;
  readonly cacheDirectory: string;
  readonly log: Log;
}

export interface PlaceOptions {
  readonly name: string;
  readonly allowUnisolated: boolean;
  /** The run that needs it; absent: it stays. */
  readonly run?: string;
  /** Absent: as the artifact itself says, without network and secrets. */
  readonly plan?: LaunchPlan;
  /** What an entry of a catalog says of its tools. */
  readonly listed?: Pick<ServerDefinition, "verdicts" | "approved">;
}

/** A server that is behind the gateway now. */
export interface PlacedServer {
  readonly name: string;
  readonly isolated: boolean;
  readonly digest: string;
}

export interface ServerProcess {
  /** Container or process id. */
  readonly id: string;
  /** For whom it acts; empty: for everybody. */
  readonly scope: string;
  readonly sandbox: Sandbox;
}

export interface KnownServer {
  readonly definition: ServerDefinition;
  readonly plan: LaunchPlan;
  readonly watch: EgressWatch;
  readonly processes: readonly ServerProcess[];
  readonly isStopped: boolean;
}

interface Placed extends Omit<KnownServer, "processes" | "isStopped"> {
  readonly identity: string;
  readonly processes: Set<ServerProcess>;
  isStopped: boolean;
}

/** Puts servers behind the gateway, one entry a digest and isolation, and knows their processes. */
export class Servers {
  readonly #options: ServersOptions;
  readonly #placed = new Map<string, Placed>();
  /** Runs that use a server now, by its name. */
  readonly #users = new Map<string, Set<string>>();
  readonly #configured = new Set<string>();
  readonly #placing = new Mutex();

  constructor(options: ServersOptions) {
    this.#options = options;
  }

  /**
   * Admits a server artifact and places it behind the gateway.
   * @throws `policy.denied` when policy does not let it run, `artifact.wrong-kind`
   */
  async place(principal: Principal, found: Found, options: PlaceOptions): Promise<PlacedServer> {
    const { gateway } = this.#options;
    const { digest } = found.descriptor;
    if (found.kind !== "mcp-server")
      throw daemonErrors("artifact.wrong-kind", { reference: found.reference, kind: found.kind, wanted: "mcp-server" });
    await this.requireListed({ digest });
    const driver = await this.#options.containers();
    const isolated = driver !== undefined;
    await this.#admit(principal, found, options, driver);
    const info = await serverInfo(found);
    const plan = options.plan ?? NOTHING_NEEDED;
    const identity = `${digest} ${isolated ? "isolated" : "process"} ${digestOf(canonicalJson(JSON.parse(JSON.stringify(plan))))}`;
    // One at a time: between choosing a name and taking it nobody else may take it.
    return await this.#placing.run(async () => {
      const name = this.#nameFor(options, identity, digest);
      if (this.#placed.get(name)?.identity !== identity) {
        await gateway.removeServer(name);
        const watch = this.#placed.get(name)?.watch ?? new EgressWatch();
        const processes = new Set<ServerProcess>();
        const talk = plan.talk ?? info.listens;
        const port = talk === "stdio" ? undefined : talk;
        const launching = { principal, found, info, plan, port, name, driver, watch, processes };
        const definition: ServerDefinition = {
          name,
          reference: found.reference,
          digest,
          isolated,
          cleared: () => this.#options.artifacts.clearedNow(found),
          allowUnisolated: options.allowUnisolated,
          verdicts: info.tools,
          // What a run names by digest is that very image; another is met for the first time.
          ...(options.run === undefined ? {} : { pinBy: "digest" as const }),
          ...options.listed,
          ...plan.life,
          transport: this.#transport(launching),
        };
        gateway.addServer(definition);
        this.#placed.set(name, { identity, definition, plan, watch, processes, isStopped: false });
      }
      if (options.run === undefined) this.#configured.add(name);
      else this.#users.set(name, (this.#users.get(name) ?? new Set()).add(options.run));
      return { name, isolated, digest };
    });
  }

  async #admit(
    principal: Principal,
    found: Found,
    { name, allowUnisolated, run: runId }: PlaceOptions,
    driver: ContainerDriver | undefined,
  ): Promise<void> {
    const { artifacts, guard } = this.#options;
    const run = runId === undefined ? {} : { run: runId };
    allowedOrThrow(
      await guard.perform(
        { principal, action: "artifact:run", resource: await artifacts.resource(found), ...run },
        async () => undefined,
      ),
    );
    allowedOrThrow(
      await guard.perform(
        {
          principal,
          action: "sandbox:create",
          resource: {
            type: "Sandbox",
            id: name,
            digest: found.descriptor.digest,
            attributes: { driver: driver?.id ?? "process", isolated: driver !== undefined },
          },
          context: allowUnisolated ? { allowUnisolated: true } : {},
          ...run,
        },
        async () => undefined,
      ),
    );
  }

  #transport(launching: Launching): ServerTransport {
    const { port } = launching;
    if (port === undefined || launching.driver === undefined) {
      return { type: "stdio", start: async (scope) => peerOf((await this.#launch(launching, scope)).sandbox) };
    }
    const url = `http://localhost:${port.port}${port.path.startsWith("/") ? "" : "/"}${port.path}`;
    return {
      type: "http",
      url,
      kind: port.type,
      start: async (scope) => {
        const { sandbox, socketPath } = await this.#launch(launching, scope);
        const stop = (): Promise<void> => sandbox.stop();
        return { url, exited: sandbox.exited, stop, ...(socketPath === undefined ? {} : { socketPath }) };
      },
    };
  }

  /** It starts again whenever it is used after a rest: what lost its clearance meanwhile does not. */
  async #launch(launching: Launching, scope: string): Promise<{ sandbox: Sandbox; socketPath?: string }> {
    const { principal, found, driver, processes } = launching;
    const { artifacts, launcher } = this.#options;
    await artifacts.requireRunnable(principal, found);
    const launched =
      driver === undefined
        ? { sandbox: await this.#startProcess(launching, scope) }
        : await launcher.launch(driver, { ...launching, scope });
    const { sandbox } = launched;
    const process = { id: sandbox.id, scope, sandbox };
    processes.add(process);
    void sandbox.exited?.then(() => processes.delete(process));
    return launched;
  }

  /** Keeps a name for a server that the configuration placed itself. */
  reserve(name: string): void {
    this.#configured.add(name);
  }

  /** Refuses what no catalog in force lists. */
  async requireListed(what: { readonly digest: string } | { readonly url: string }): Promise<void> {
    await this.#options.requireListed?.(what);
  }

  /** Whether what it tries to reach is noted, and tried. From its next start on it has a way out, if it had none. */
  learn(name: string, mode: LearnMode): void {
    const { watch } = this.#require(name);
    if (mode !== watch.mode && mode === "deny") watch.forget();
    watch.mode = mode;
  }

  /** Undefined when it is none of ours. */
  known(name: string): KnownServer | undefined {
    const placed = this.#placed.get(name);
    return placed === undefined ? undefined : { ...placed, processes: [...placed.processes] };
  }

  isReserved(name: string): boolean {
    return this.#configured.has(name);
  }

  release(name: string): void {
    this.#configured.delete(name);
  }

  names(): string[] {
    return [...this.#placed.keys()].toSorted();
  }

  /** Takes it from behind the gateway; its processes end. @throws `server.unknown` */
  async stop(name: string): Promise<void> {
    await this.#placing.run(async () => {
      const placed = this.#require(name);
      placed.isStopped = true;
      await this.#options.gateway.removeServer(name);
    });
  }

  /** Puts it behind the gateway again; one that is there ends first, and starts when it is used. @throws `server.unknown` */
  async restart(name: string): Promise<void> {
    await this.#placing.run(async () => {
      const placed = this.#require(name);
      await this.#options.gateway.removeServer(name);
      this.#options.gateway.addServer(placed.definition);
      placed.isStopped = false;
    });
  }

  /** Forgets it. @throws `server.unknown` */
  async remove(name: string): Promise<void> {
    await this.#placing.run(async () => {
      this.#require(name);
      this.#placed.delete(name);
      this.#configured.delete(name);
      await this.#options.gateway.removeServer(name);
    });
  }

  #require(name: string): Placed {
    const placed = this.#placed.get(name);
    if (placed === undefined) throw daemonErrors("server.unknown", { name });
    return placed;
  }

  /**
   * The wanted name, unless another server has it that is configured or in use: `a/b` and `a-b` want the same, and so do
   * two versions of one server. The digest then tells them apart.
   */
  #nameFor(options: { name: string; run?: string }, identity: string, digest: string): string {
    const { name } = options;
    const isTaken = this.#configured.has(name) || (this.#users.get(name)?.size ?? 0) > 0;
    if (options.run === undefined || !isTaken || this.#placed.get(name)?.identity === identity) return name;
    return `${name.slice(0, 48)}-${digest.slice(7, 19)}`;
  }

  /** What was accepted unisolated was accepted for a run, and ends with it: no other agent or client finds it there. */
  async endRun(run: string): Promise<void> {
    await this.#placing.run(async () => {
      for (const [name, runs] of this.#users) {
        if (!runs.delete(run) || runs.size > 0) continue;
        this.#users.delete(name);
        if (this.#configured.has(name) || this.#placed.get(name)?.definition.isolated !== false) continue;
        this.#placed.delete(name);
        await this.#options.gateway.removeServer(name);
      }
    });
  }

  /** The unisolated way, which policy has allowed: the server's own files, run by this machine's node. */
  async #startProcess({ found, info, plan, name, principal }: Launching, scope: string): Promise<Sandbox> {
    const { cacheDirectory, nodeExecutable, launcher } = this.#options;
    const directory = join(cacheDirectory, "unpacked", found.descriptor.digest.replace(":", "-"));
    const ref = found.descriptor.digest;
    const { files } = await unpackArtifact({ repository: found.repository, ref, directory, replace: true });
    const { command } = info;
    const entry = command.find((word) => /\.[cm]?js$/.test(word)) ?? command.at(-1)!;
    const local = files.find((file) => `/${file}` === entry) ?? entry.replace(/^\/+/, "");
    const secrets = await launcher.takeSecrets({ name, found, plan, principal, scope });
    try {
      const env = { ...info.env, ...plan.env, ...secrets?.forSandbox.env };
      return await startProcess({ command: nodeExecutable, args: [join(directory, local)], env, cwd: directory });
    } finally {
      secrets?.dispose();
    }
  }
}

interface Launching {
  readonly principal: Principal;
  readonly found: Found;
  readonly info: McpServerInfo;
  readonly plan: LaunchPlan;
  readonly port: PlannedPort | undefined;
  readonly name: string;
  readonly driver: ContainerDriver | undefined;
  readonly watch: EgressWatch;
  readonly processes: Set<ServerProcess>;
}

/** Its standard error is ours: it is kept apart, without secrets. */
function peerOf(sandbox: Sandbox): StdioPeer {
  const { stdin, stdout, exited } = sandbox;
  return { stdin, stdout, exited, stop: () => sandbox.stop() };
}

async function serverInfo(found: Found): Promise<McpServerInfo> {
  const info = await readArtifact(found.repository, found.descriptor.digest);
  if (info.kind !== "mcp-server")
    throw daemonErrors("artifact.wrong-kind", { reference: found.reference, kind: info.kind, wanted: "mcp-server" });
  return info;
}
