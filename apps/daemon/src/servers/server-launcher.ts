// Starts one process of a server: image, secrets, mounts and the way out put together, and handed to the driver.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Principal, UserPrincipal } from "@pratique/contracts";
import type { Clock, Log } from "@pratique/core";
import type { Guard, GuardResource } from "@pratique/guard";
import {
  AllowList,
  checkMount,
  EgressGate,
  publishPort,
  type ContainerDriver,
  type Mount,
  type MountRules,
  type Sandbox,
  type SandboxNetwork,
  type SandboxSecrets,
} from "@pratique/sandbox";
import type { Secret, SecretUse } from "@pratique/secrets";
import type { Found } from "../artifacts/find-artifact.ts";
import type { EgressWatch } from "./egress-watch.ts";
import type { LaunchPlan, PlannedPort } from "./launch-plan.ts";
import type { ServerLogs } from "./server-logs.ts";

export interface LauncherOptions {
  readonly guard: Guard;
  readonly secrets: Pick<SecretUse, "use" | "need">;
  readonly mounts: MountRules;
  /** Networks that servers may reach although they are not public, when an entry names a host in them. */
  readonly networks: readonly string[];
  /** Where sockets lie. */
  readonly runDirectory: string;
  readonly logs: ServerLogs;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LaunchRequest {
  readonly name: string;
  readonly found: Found;
  readonly plan: LaunchPlan;
  /** Where it listens; undefined: it talks over its standard streams. */
  readonly port: PlannedPort | undefined;
  /** Who placed it: what is shared is used in his name. */
  readonly principal: Principal;
  /** For whom it acts; empty for everybody. */
  readonly scope: string;
  readonly watch: EgressWatch;
}

export interface LaunchedServer {
  readonly sandbox: Sandbox;
  /** Where one that listens is reached. */
  readonly socketPath?: string;
}

const DEFAULT_MEMORY_BYTES = 512 * 1024 * 1024;
const DEFAULT_PIDS = 64;
const LISTEN_TIMEOUT_MS = 30_000;
const TRUST_DOMAIN = "spiffe://pratique.local";

export class ServerLauncher {
  readonly #options: LauncherOptions;

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  /** @throws `policy.denied`, `secret.not-found`, `sandbox.mount-refused`, `sandbox.start-failed` */
  async launch(driver: ContainerDriver, request: LaunchRequest): Promise<LaunchedServer> {
    const { name, found, plan, port } = request;
    const image = await driver.ensureImage(found.repository, found.descriptor);
    const mounts = await this.#mounts(plan);
    const secrets = await this.takeSecrets(request);
    try {
      const { args, user, env, writable, limits } = plan;
      const sandbox = await driver.start({
        name,
        image,
        labels: { "dev.pratique.digest": found.descriptor.digest, "dev.pratique.server": name },
        memoryBytes: limits.memoryBytes ?? DEFAULT_MEMORY_BYTES,
        pids: limits.pids ?? DEFAULT_PIDS,
        cpus: limits.cpus ?? 1,
        env,
        writable,
        mounts,
        network: this.#network(request),
        ...(limits.tmpBytes === undefined ? {} : { tmpBytes: limits.tmpBytes }),
        ...(args === undefined ? {} : { args }),
        ...(user === undefined ? {} : { user }),
        ...(secrets === undefined ? {} : { secrets: secrets.forSandbox }),
        ...(port === undefined ? {} : { port: port.port }),
      });
      this.#followLogs(request, sandbox, secrets?.values ?? new Map());
      if (port === undefined) return { sandbox };
      return { sandbox, socketPath: await this.#publish(sandbox) };
    } finally {
      secrets?.dispose();
    }
  }

  async #publish(sandbox: Sandbox): Promise<string> {
    const path = join(this.#options.runDirectory, `server-${randomUUID().slice(0, 8)}.sock`);
    try {
      return (await publishPort(sandbox, path, { timeoutMs: LISTEN_TIMEOUT_MS })).path;
    } catch (error) {
      await sandbox.stop({ graceMs: 0 });
      throw error;
    }
  }

  #followLogs({ name, port }: LaunchRequest, sandbox: Sandbox, values: ReadonlyMap<string, string>): void {
    const { logs } = this.#options;
    const id = sandbox.id.slice(0, 12);
    logs.follow(name, id, sandbox.stderr, values);
    // One that listens on a port has no other use for its standard output.
    if (port !== undefined) logs.follow(name, id, sandbox.stdout, values);
    void sandbox.exited.then(({ code, oomKilled }) =>
      logs.add(name, id, `(ended with ${code}${oomKilled ? ", out of memory" : ""})`),
    );
  }

  async #mounts({ volumes }: LaunchPlan): Promise<Mount[]> {
    return await Promise.all(volumes.map((volume) => checkMount(volume, this.#options.mounts)));
  }

  #network({ name, plan, found, principal, scope, watch }: LaunchRequest): "none" | SandboxNetwork {
    if (plan.hosts.length === 0 && watch.mode === "off") return "none";
    const { guard, networks, logs, clock, log } = this.#options;
    const allow = new AllowList(plan.hosts);
    const gate = new EgressGate({
      guard,
      principal: {
        type: "Workload",
        id: `${TRUST_DOMAIN}/server/${name}${scope === "" ? "" : `/user/${encodeURIComponent(scope)}`}`,
        groups: [],
        actingFor: userOf(principal, scope),
        artifact: found.descriptor.digest,
      },
      allow,
      networks,
      learning: () => watch.mode === "allow",
      clock,
      log,
      onAttempt: (place, isAllowed) => {
        if (watch.mode !== "off") watch.see(place, isAllowed);
        // A client inside often says only that a connection failed.
        if (!isAllowed) logs.add(name, "egress", `(denied: ${place.host}:${place.port})`);
      },
    });
    return { hosts: allow.exact(), handle: (...connection) => gate.handle(...connection), close: () => gate.close() };
  }

  /** Undefined when it needs none. The use is decided and recorded. */
  async takeSecrets({ name, found, plan, principal, scope }: Omit<LaunchRequest, "watch" | "port">): Promise<
    | {
        readonly forSandbox: SandboxSecrets;
        /** By name, to be taken out of what it says. */
        readonly values: ReadonlyMap<string, string>;
        dispose(): void;
      }
    | undefined
  > {
    const wanted = plan.secrets.filter(({ env, file }) => env !== undefined || file !== undefined);
    if (wanted.length === 0) return undefined;
    const resource: GuardResource = {
      type: "Server",
      id: name,
      digest: found.descriptor.digest,
      attributes: { name, isolated: true, cleared: true, digest: found.descriptor.digest },
    };
    const taken = new Map<string, Secret>();
    for (const kind of ["shared", "user"] as const) {
      const by = kind === "user" ? userOf(principal, scope) : principal;
      for (const required of [true, false]) {
        const names = wanted.filter((secret) => secret.scope === kind && secret.required === required);
        if (names.length === 0) continue;
        const request = { names: [...new Set(names.map((secret) => secret.name))], resource, by, scope: kind };
        const { secrets } = this.#options;
        const found = await (required ? secrets.need(request) : secrets.use(request));
        for (const [key, secret] of found) taken.set(key, secret);
      }
    }
    const env: Record<string, string> = {};
    const files: Record<string, string> = {};
    for (const secret of wanted) {
      const value = taken.get(secret.name)?.reveal();
      if (value === undefined) continue;
      if (secret.env !== undefined) env[secret.env] = value;
      if (secret.file !== undefined) files[secret.file.replace(/^\/run\/secrets\//, "")] = value;
    }
    return {
      forSandbox: { env, files },
      values: new Map([...taken].map(([key, secret]) => [key, secret.reveal()])),
      dispose: () => {
        for (const secret of taken.values()) secret.dispose();
      },
    };
  }
}

/** The person for whom a process acts: of a scope it is the one who is meant, known by his id alone. */
function userOf(principal: Principal, scope: string): UserPrincipal {
  const placer = principal.type === "User" ? principal : principal.actingFor;
  return scope === "" || scope === placer.id ? placer : { type: "User", id: scope, name: scope, groups: [] };
}
