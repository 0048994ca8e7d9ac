// From an MCP server artifact to a server behind the gateway: cleared, in a container, or refused.
import { join } from "node:path";
import { Mutex, type Clock, type Log } from "@pratique/core";
import type { Principal } from "@pratique/contracts";
import type { Gateway, StdioPeer } from "@pratique/gateway";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import { readArtifact, unpackArtifact } from "@pratique/packaging";
import { startProcess, type ContainerDriver } from "@pratique/sandbox";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { Found } from "../artifacts/find-artifact.ts";
import { daemonErrors } from "../errors.ts";

const MEMORY_BYTES = 512 * 1024 * 1024;
const PIDS = 64;

export interface ToolServersOptions {
  readonly artifacts: Artifacts;
  readonly gateway: Gateway;
  readonly guard: Guard;
  /** The container driver, once the engine has been probed; undefined when there is none. */
  readonly containers: () => Promise<ContainerDriver | undefined>;
  readonly nodeExecutable: string;
  readonly cacheDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** A server that is behind the gateway now. */
export interface PlacedServer {
  readonly name: string;
  readonly isolated: boolean;
  readonly digest: string;
}

/** Puts servers behind the gateway, one entry a digest and isolation. */
export class ToolServers {
  readonly #options: ToolServersOptions;
  readonly #placed = new Map<string, string>();
  /** Runs that use a server now, by its name. */
  readonly #users = new Map<string, Set<string>>();
  readonly #configured = new Set<string>();
  readonly #placing = new Mutex();

  constructor(options: ToolServersOptions) {
    this.#options = options;
  }

  /**
   * Admits a server artifact and places it behind the gateway.
   * @throws `policy.denied` when policy does not let it run, `artifact.wrong-kind`
   */
  async place(
    principal: Principal,
    found: Found,
    options: { name: string; allowUnisolated: boolean; run?: string },
  ): Promise<PlacedServer> {
    const { artifacts, gateway, guard } = this.#options;
    if (found.kind !== "mcp-server")
      throw daemonErrors("artifact.wrong-kind", { reference: found.reference, kind: found.kind, wanted: "mcp-server" });
    const driver = await this.#options.containers();
    const isolated = driver !== undefined;
    const run = options.run === undefined ? {} : { run: options.run };
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
            id: options.name,
            digest: found.descriptor.digest,
            attributes: { driver: driver?.id ?? "process", isolated },
          },
          context: options.allowUnisolated ? { allowUnisolated: true } : {},
          ...run,
        },
        async () => undefined,
      ),
    );
    const { verdicts, command, env } = await serverParts(found);
    const identity = `${found.descriptor.digest} ${isolated ? "isolated" : "process"}`;
    // One at a time: between choosing a name and taking it nobody else may take it.
    return await this.#placing.run(async () => {
      const name = this.#nameFor(options, identity, found.descriptor.digest);
      if (this.#placed.get(name) !== identity) {
        await gateway.removeServer(name);
        gateway.addServer({
          name,
          reference: found.reference,
          digest: found.descriptor.digest,
          isolated,
          cleared: () => artifacts.clearedNow(found),
          allowUnisolated: options.allowUnisolated,
          verdicts,
          transport: {
            type: "stdio",
            start: async () => {
              // It starts again whenever it is used after a rest: what lost its clearance meanwhile does not.
              await artifacts.requireRunnable(principal, found);
              if (driver === undefined) return await this.#startProcess(found, command, env);
              return await startContainer(driver, found, name);
            },
          },
        });
        this.#placed.set(name, identity);
      }
      if (options.run === undefined) this.#configured.add(name);
      else this.#users.set(name, (this.#users.get(name) ?? new Set()).add(options.run));
      return { name, isolated, digest: found.descriptor.digest };
    });
  }

  /** Keeps a name for a server that the configuration placed itself. */
  reserve(name: string): void {
    this.#configured.add(name);
  }

  /**
   * The wanted name, unless another server has it that is configured or in use: `a/b` and `a-b` want the same, and so do
   * two versions of one server. The digest then tells them apart.
   */
  #nameFor(options: { name: string; run?: string }, identity: string, digest: string): string {
    const { name } = options;
    const isTaken = this.#configured.has(name) || (this.#users.get(name)?.size ?? 0) > 0;
    if (options.run === undefined || !isTaken || this.#placed.get(name) === identity) return name;
    return `${name.slice(0, 48)}-${digest.slice(7, 19)}`;
  }

  /** What was accepted unisolated was accepted for a run, and ends with it: no other agent or client finds it there. */
  async endRun(run: string): Promise<void> {
    await this.#placing.run(async () => {
      for (const [name, runs] of this.#users) {
        if (!runs.delete(run) || runs.size > 0) continue;
        this.#users.delete(name);
        if (this.#configured.has(name) || this.#placed.get(name)?.endsWith(" process") !== true) continue;
        this.#placed.delete(name);
        await this.#options.gateway.removeServer(name);
      }
    });
  }

  /** The unisolated way, which policy has allowed: the server's own files, run by this machine's node. */
  async #startProcess(
    found: Found,
    command: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<StdioPeer> {
    const directory = join(this.#options.cacheDirectory, "unpacked", found.descriptor.digest.replace(":", "-"));
    const ref = found.descriptor.digest;
    const { files } = await unpackArtifact({ repository: found.repository, ref, directory, replace: true });
    const entry = command.find((word) => /\.[cm]?js$/.test(word)) ?? command.at(-1)!;
    const local = files.find((file) => `/${file}` === entry) ?? entry.replace(/^\/+/, "");
    return startProcess({
      command: this.#options.nodeExecutable,
      args: [join(directory, local)],
      env: { ...env },
      cwd: directory,
    });
  }
}

async function startContainer(driver: ContainerDriver, found: Found, name: string): Promise<StdioPeer> {
  const image = await driver.ensureImage(found.repository, found.descriptor);
  return await driver.start({
    name,
    image,
    labels: { "dev.pratique.digest": found.descriptor.digest },
    memoryBytes: MEMORY_BYTES,
    pids: PIDS,
    cpus: 1,
    network: "none",
  });
}

async function serverParts(found: Found) {
  const info = await readArtifact(found.repository, found.descriptor.digest);
  if (info.kind !== "mcp-server")
    throw daemonErrors("artifact.wrong-kind", { reference: found.reference, kind: info.kind, wanted: "mcp-server" });
  return { verdicts: info.tools, command: info.command, env: info.env };
}
