// The container driver: sandboxes as hardened containers of a Docker-compatible engine.
import { randomUUID } from "node:crypto";
import { describeError, type Clock, type Log } from "@pratique/core";
import type { Descriptor, LocalRepository } from "@pratique/oci";
import { sandboxErrors } from "../errors.ts";
import type { Sandbox, SandboxSpec } from "../sandbox.ts";
import type { Confinement } from "./confinement.ts";
import { DIGEST_LABEL, HOME_LABEL, homeLabel, INSTANCE_LABEL } from "./container-options.ts";
import { startContainer } from "./container-sandbox.ts";
import { checkSpec } from "./check-spec.ts";
import { statusOf, withDeadline } from "./engine-call.ts";
import { hasSecrets, openGuestFiles, sweepGuestFiles, type GuestFiles } from "./guest-files.ts";
import { withImageVolumes } from "./image-volumes.ts";
import { ensureImage } from "./load-image.ts";
import type { EngineProbe, UsableEngine } from "./probe-engine.ts";

export interface DriverOptions {
  /** The state directory that sandboxes belong to. */
  readonly home: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RunningSandbox {
  readonly name: string;
  readonly digest?: string | undefined;
}

export interface ContainerDriver {
  readonly id: "container";
  readonly description: string;
  /** What its containers are confined by. */
  readonly confinement: Confinement & { readonly reasons: readonly string[] };
  /** Puts an image into the engine unless it is there; returns its id. @throws `image.not-runnable`, `image.mismatch` */
  ensureImage(repository: LocalRepository, manifest: Descriptor): Promise<string>;
  /** @throws `sandbox.start-failed` */
  start(spec: SandboxSpec): Promise<Sandbox>;
  /** What runs now, with the digest of the artifact that it was made from. */
  running(): RunningSandbox[];
  /** Ids of the containers of this home, running or not. */
  list(): Promise<string[]>;
  /** Removes what an earlier process of this home left; returns how many. */
  removeOrphans(): Promise<number>;
  /** Stops all sandboxes, and the engine if we started it. */
  close(): Promise<void>;
}

interface Listed {
  readonly Id: string;
  readonly Labels: Readonly<Record<string, string>>;
}

const CALL_TIMEOUT_MS = 30_000;

/** @throws the probe's `engine.missing` or `engine.unusable` */
export function openContainerDriver(probe: EngineProbe, options: DriverOptions): ContainerDriver {
  if (!probe.ok) throw probe.error;
  return new EngineDriver(probe, options);
}

class EngineDriver implements ContainerDriver {
  readonly id = "container";
  readonly description: string;
  readonly confinement: ContainerDriver["confinement"];
  readonly #engine: UsableEngine;
  readonly #options: DriverOptions;
  readonly #home: string;
  readonly #running = new Map<Sandbox, RunningSandbox>();

  constructor(engine: UsableEngine, options: DriverOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#home = homeLabel(options.home);
    this.description = engine.description;
    this.confinement = engine.proof;
  }

  async ensureImage(repository: LocalRepository, manifest: Descriptor): Promise<string> {
    return await ensureImage((await this.#engine.connection.api()).docker, repository, manifest);
  }

  async start(wanted: SandboxSpec): Promise<Sandbox> {
    checkSpec(wanted);
    const api = await this.#engine.connection.api();
    const { instance, ulimits, runtime, proof, runDirectory } = this.#engine;
    const { isPodman, architecture, userns } = proof;
    const { Config } = await withDeadline("look at the image", CALL_TIMEOUT_MS, () =>
      api.docker.getImage(wanted.image).inspect(),
    );
    const { User = "", Entrypoint, Cmd } = Config;
    const spec = withImageVolumes(wanted, Object.keys(Config.Volumes ?? {}));
    checkSpec(spec);
    const around = {
      home: this.#home,
      instance,
      ulimits,
      runtime,
      isPodman,
      userns,
      imageUser: User,
      imageEntrypoint: wordsOf(Entrypoint),
      imageArgs: wordsOf(Cmd),
    };
    const guest = await this.#guestFiles(spec, runDirectory, architecture);
    const sandbox = await startContainer(api, spec, around, guest);
    this.#running.set(sandbox, { name: spec.name, digest: spec.labels?.[DIGEST_LABEL] });
    this.#options.log.info("sandbox started", { name: spec.name, container: sandbox.id.slice(0, 12) });
    void sandbox.exited.then(({ code, oomKilled }) => {
      this.#running.delete(sandbox);
      this.#options.log.info("sandbox ended", { name: spec.name, container: sandbox.id.slice(0, 12), code, oomKilled });
    });
    return sandbox;
  }

  /** @throws `sandbox.no-guest-files` */
  async #guestFiles(
    spec: SandboxSpec,
    runDirectory: string,
    architecture: "amd64" | "arm64",
  ): Promise<GuestFiles | undefined> {
    const { hasGuestFiles, reasons } = this.#engine.proof;
    if (hasGuestFiles) {
      const id = randomUUID().slice(0, 8);
      return await openGuestFiles(runDirectory, this.#engine.instance, id, architecture, spec.network);
    }
    if (spec.network === "none" && !hasSecrets(spec) && spec.port === undefined) return undefined;
    throw sandboxErrors("sandbox.no-guest-files", { name: spec.name, reason: reasons.join("; ") });
  }

  running(): RunningSandbox[] {
    return [...this.#running.values()];
  }

  async list(): Promise<string[]> {
    return (await this.#containers()).map(({ Id }) => Id);
  }

  async removeOrphans(): Promise<number> {
    await sweepGuestFiles(this.#engine.runDirectory, this.#engine.instance);
    const orphans = await this.#remove(({ Labels }) => Labels[INSTANCE_LABEL] !== this.#engine.instance);
    if (orphans > 0) this.#options.log.info("orphaned sandboxes removed", { containers: orphans });
    return orphans;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#running.keys()].map((sandbox) => sandbox.stop()));
    // What is left lost its connection when an engine was restarted.
    await this.#remove(() => true).catch((error: unknown) => {
      this.#options.log.warn("containers may be left", describeError(error));
    });
    await this.#engine.connection.close();
  }

  async #remove(isDue: (container: Listed) => boolean): Promise<number> {
    const { docker } = await this.#engine.connection.api();
    const due = (await this.#containers()).filter(isDue);
    for (const { Id } of due) {
      const container = docker.getContainer(Id);
      await withDeadline("remove a container", CALL_TIMEOUT_MS, () => container.remove({ force: true })).catch(
        (error: unknown) => {
          if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
        },
      );
    }
    return due.length;
  }

  async #containers(): Promise<Listed[]> {
    const { docker } = await this.#engine.connection.api();
    const filters = { label: [`${HOME_LABEL}=${this.#home}`] };
    return await withDeadline("list containers", CALL_TIMEOUT_MS, () => docker.listContainers({ all: true, filters }));
  }
}

/** Docker gives a list, or nothing; older engines a word. */
function wordsOf(value: string | string[] | null | undefined): string[] {
  if (value === null || value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}
