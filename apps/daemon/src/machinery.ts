// The engines of this machine, looked for when they are first needed: container engine and model engine.
import { SingleFlight, type Clock, type Log } from "@pratique/core";
import type { Config } from "@pratique/contracts";
import { findEngine, type Engine } from "@pratique/inference";
import {
  openContainerDriver,
  probeContainerEngine,
  type ContainerDriver,
  type RunningSandbox,
} from "@pratique/sandbox";
import type { Home } from "./home.ts";

export interface MachineryOptions {
  readonly config: Config;
  readonly home: Home;
  /** PATH of the process. */
  readonly path: string;
  readonly dockerHost: string | undefined;
  readonly runtimeDirectory: string | undefined;
  readonly nodeExecutable: string;
  readonly engineHostFile: string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface ContainerState {
  readonly ok: boolean;
  readonly description: string;
  /** What its containers are confined by, and what they lack. */
  readonly confined?: { readonly is: string; readonly lacks: readonly string[] };
}

/** Finds each engine once; what was not found is looked for again next time, since somebody may install it. */
export class Machinery {
  readonly #options: MachineryOptions;
  readonly #flight = new SingleFlight<unknown>();
  #engine: Engine | undefined;
  #driver: ContainerDriver | undefined;
  #containers: ContainerState | undefined;

  constructor(options: MachineryOptions) {
    this.#options = options;
  }

  knownEngine(): Engine | undefined {
    return this.#engine;
  }

  /** Containers that run now. */
  sandboxes(): RunningSandbox[] {
    return this.#driver?.running() ?? [];
  }

  knownContainers(): ContainerState | undefined {
    return this.#containers;
  }

  /** @throws `engine.missing` */
  async engine(): Promise<Engine> {
    if (this.#engine !== undefined) return this.#engine;
    return (await this.#flight.run("engine", async () => {
      const { config, path, nodeExecutable, engineHostFile, log } = this.#options;
      const { llamaServer } = config.engine;
      this.#engine = await findEngine({
        path,
        nodeExecutable,
        ...(llamaServer === undefined ? {} : { llamaServer }),
        ...(engineHostFile === undefined ? {} : { engineHostFile }),
        log,
      });
      return this.#engine;
    })) as Engine;
  }

  async containerProbe(): Promise<ContainerState> {
    await this.containers();
    return this.#containers ?? { ok: false, description: "not looked for" };
  }

  /** The driver, or undefined when no container engine can be used here. */
  async containers(): Promise<ContainerDriver | undefined> {
    if (this.#driver !== undefined) return this.#driver;
    return (await this.#flight.run("containers", async () => {
      const { config, home, path, dockerHost, runtimeDirectory, clock, log } = this.#options;
      if (!config.container.enabled) {
        this.#containers = { ok: false, description: "turned off by container.enabled in pratique.yaml" };
        return undefined;
      }
      const probe = await probeContainerEngine({
        home: home.directory,
        runDirectory: home.run,
        path,
        ...(config.container.socket === undefined ? {} : { socket: config.container.socket }),
        ...(dockerHost === undefined ? {} : { dockerHost }),
        ...(runtimeDirectory === undefined ? {} : { runtimeDirectory }),
        log,
      });
      this.#containers = { ok: probe.ok, description: probe.description };
      if (!probe.ok) return undefined;
      this.#driver = openContainerDriver(probe, { home: home.directory, clock, log });
      this.#containers = { ...this.#containers, confined: confinedBy(this.#driver.confinement) };
      await this.#driver.removeOrphans();
      return this.#driver;
    })) as ContainerDriver | undefined;
  }

  async close(): Promise<void> {
    await this.#driver?.close();
  }
}

/** In words. A system call filter, no capabilities and no network of its own are proven, or the engine is not used. */
function confinedBy({ hasUserNamespace, hasGuestFiles, reasons }: ContainerDriver["confinement"]): {
  is: string;
  lacks: readonly string[];
} {
  const parts = [
    "no capabilities",
    "system call filter",
    ...(hasUserNamespace ? ["user namespace"] : []),
    hasGuestFiles ? "egress only through the allow-list" : "no network",
  ];
  const lacks = hasUserNamespace ? [] : ["no user namespace: users inside are the same outside"];
  return { is: parts.join(", "), lacks: hasUserNamespace && hasGuestFiles ? [] : reasons.length > 0 ? reasons : lacks };
}
