// A `podman system service` of our own: started when it is needed, gone when we are.
import type { ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import type Docker from "dockerode";
import { sandboxErrors } from "../errors.ts";
import { cutLifeline, spawnEngineService } from "../process/lifeline.ts";
import { within } from "../within.ts";
import { INSTANCE_LABEL } from "./container-options.ts";
import { engineApi, type EngineApi, type EngineConnection } from "./engine-connection.ts";
import { reasonOf, withDeadline } from "./engine-call.ts";
import type { Ulimit } from "./ulimits.ts";

export interface PodmanOptions {
  readonly executable: string;
  readonly runDirectory: string;
  readonly path: string;
  readonly runtimeDirectory?: string | undefined;
  readonly instance: string;
  readonly ulimits: readonly Ulimit[];
}

/** What may have to differ from podman's own choice for a container to start here. */
export interface PodmanVariant {
  readonly runtime?: string;
  readonly cgroupManager?: "cgroupfs";
  /** Storage apart from the user's, copied instead of overlaid: for file systems that cannot be overlaid. */
  readonly ownStorage?: string;
}

const READY_TIMEOUT_MS = 15_000;
const POLL_MS = 20;
const PING_TIMEOUT_MS = 1000;
const CLOSE_TIMEOUT_MS = 10_000;
const STDERR_LIMIT = 4096;
/** sun_path holds 108 bytes (unix(7)). */
const SOCKET_PATH_LIMIT = 100;

export class PodmanService implements EngineConnection {
  readonly description: string;
  readonly #options: PodmanOptions;
  readonly #variant: PodmanVariant;
  #running: { readonly child: ChildProcess; readonly api: EngineApi; readonly socketPath: string } | undefined;
  #starting: Promise<EngineApi> | undefined;

  constructor(options: PodmanOptions, variant: PodmanVariant) {
    this.#options = options;
    this.#variant = variant;
    const with_ = Object.values(variant).join(", ");
    this.description = with_ === "" ? options.executable : `${options.executable} with ${with_}`;
  }

  /** Its API; a service that has died is started again. @throws `engine.unusable` */
  async api(): Promise<EngineApi> {
    if (this.#running !== undefined && this.#running.child.exitCode === null && this.#running.child.signalCode === null)
      return this.#running.api;
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    return await this.#starting;
  }

  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    await end(running.child);
    await rm(running.socketPath, { force: true });
  }

  async #start(): Promise<EngineApi> {
    const { executable, runDirectory, path, runtimeDirectory, instance, ulimits } = this.#options;
    const { runtime, cgroupManager, ownStorage } = this.#variant;
    const socketPath = await socketPathIn(runDirectory);
    const configuration = join(dirname(socketPath), "containers.conf");
    await writeFile(configuration, containersConf(ulimits), { mode: 0o600 });
    const engine = [
      executable,
      ...(runtime === undefined ? [] : ["--runtime", runtime]),
      ...(cgroupManager === undefined ? [] : ["--cgroup-manager", cgroupManager]),
      ...(ownStorage === undefined
        ? []
        : ["--storage-driver", "vfs", "--root", join(ownStorage, "storage"), "--runroot", join(ownStorage, "run")]),
    ];
    const child = spawnEngineService(
      engine,
      { address: `unix://${socketPath}`, label: `${INSTANCE_LABEL}=${instance}` },
      {
        cwd: "/",
        env: {
          PATH: path,
          HOME: userInfo().homedir,
          CONTAINERS_CONF: configuration,
          ...(runtimeDirectory === undefined ? {} : { XDG_RUNTIME_DIR: runtimeDirectory }),
        },
      },
    );
    const api = await engineApi({ socketPath });
    try {
      await ready(child, api.docker);
    } catch (error) {
      await end(child);
      throw error;
    }
    this.#running = { child, api, socketPath };
    return api;
  }
}

/** Default limits that this process may grant, and no journal. */
function containersConf(ulimits: readonly Ulimit[]): string {
  const limits = ulimits.map(({ Name, Soft, Hard }) => `"${Name}=${Soft}:${Hard}"`).join(", ");
  return `[containers]\ndefault_ulimits = [${limits}]\n\n[engine]\nevents_logger = "file"\n`;
}

async function socketPathIn(runDirectory: string): Promise<string> {
  const wanted = join(runDirectory, `podman-${randomUUID().slice(0, 8)}.sock`);
  if (Buffer.byteLength(wanted) <= SOCKET_PATH_LIMIT) return wanted;
  return join(await mkdtemp(join(tmpdir(), "pratique-")), "podman.sock");
}

/** Resolves when the service answers; rejects when it ends before, or takes too long. */
async function ready(child: ChildProcess, docker: Docker): Promise<void> {
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_LIMIT);
  });
  const died = new Promise<never>((_, reject) => {
    const fail = (what: string): void =>
      reject(sandboxErrors("engine.unusable", { reasons: `${what} ${reasonOf(stderr)}`.trim() }));
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code, signal) => fail(`podman system service ended with ${code ?? signal}:`));
  });
  const answers = async (): Promise<void> => {
    for (;;) {
      const pong = await withDeadline("answer", PING_TIMEOUT_MS, () => docker.ping()).catch(() => undefined);
      if (pong !== undefined) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (child.exitCode !== null || child.signalCode !== null) return await died;
    }
  };
  died.catch(() => undefined);
  await withDeadline("answer", READY_TIMEOUT_MS, () => Promise.race([died, answers()]));
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  cutLifeline(child);
  await within(exited, CLOSE_TIMEOUT_MS);
}
