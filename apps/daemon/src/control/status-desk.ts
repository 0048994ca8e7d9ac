// The status of the daemon, for the CLI and the console.
import type { AuditLog, LogKey } from "@pratique/audit";
import type { DatabaseStatus, DoctorResult, Principal, Status } from "@pratique/contracts";
import type { Gateway } from "@pratique/gateway";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { ContentStore } from "@pratique/oci";
import type { PolicySet } from "@pratique/policy";
import type { Database } from "@pratique/store";
import { systemResource } from "../artifacts/artifacts.ts";
import { basicLooks, confinementLook, containerLook, engineLook, examine, type DoctorLook } from "../doctor.ts";
import type { Clearances } from "../clearance/clearances.ts";
import type { UpkeepDesk } from "../housekeeping/upkeep-desk.ts";
import type { Machinery } from "../machinery.ts";
import type { AdvisoryDesk } from "../advisories/advisory-desk.ts";
import type { SecretDesk } from "../secrets/secret-desk.ts";
import type { UpstreamDesk } from "../upstreams/upstream-desk.ts";

export interface StatusOptions {
  readonly version: string;
  readonly url: string;
  readonly home: string;
  readonly owner: string;
  readonly startedAt: Date;
  readonly signingKey: string;
  readonly logKey: LogKey;
  readonly guard: Guard;
  readonly policy: () => PolicySet;
  readonly store: ContentStore;
  readonly database: Database;
  readonly gateway: Gateway;
  readonly audit: AuditLog;
  readonly machinery: Machinery;
  readonly upstreams: UpstreamDesk;
  readonly upkeep: UpkeepDesk;
  readonly secrets: SecretDesk;
  readonly advisories: Pick<AdvisoryDesk, "known">;
  readonly clearances: Pick<Clearances, "counts">;
}

export class StatusDesk {
  readonly #options: StatusOptions;

  constructor(options: StatusOptions) {
    this.#options = options;
  }

  async status(principal: Principal): Promise<Status> {
    return await this.#read(principal, async () => {
      const { version, url, home, owner, startedAt, signingKey, logKey, policy, gateway, audit, machinery } =
        this.#options;
      const engine = machinery.knownEngine();
      const containers = machinery.knownContainers();
      return {
        version,
        url,
        home,
        pid: process.pid,
        startedAt: startedAt.toISOString(),
        owner,
        policy: { digest: policy().digest, policies: policy().policies.length },
        signingKey,
        ...(engine === undefined ? {} : { engine: { id: engine.id, version: engine.version } }),
        ...(containers === undefined
          ? {}
          : { container: { available: containers.ok, description: containers.description } }),
        artifacts: await this.#countArtifacts(),
        runs: (await this.#options.database.runs.list(10_000)).length,
        servers: gateway.servers().map(({ name, state, isolated }) => ({ name, state, isolated })),
        audit: { records: audit.size(), logKey: logKey.vkey },
        memoryBytes: process.memoryUsage.rss(),
        clearances: this.#options.clearances.counts(),
        upstreams: this.#options.upstreams.failing(),
        secrets: await this.#options.secrets.known(),
        advisories: advisoriesOf(this.#options.advisories.known()),
      };
    });
  }

  async doctor(principal: Principal): Promise<DoctorResult> {
    return await this.#read(principal, () => examine(this.#looks()));
  }

  #looks(): DoctorLook[] {
    const { home, machinery, policy, audit, url, upkeep, secrets, advisories } = this.#options;
    return [
      ...basicLooks(home),
      {
        name: "daemon",
        look: async () => `pid ${process.pid} at ${url}`,
        otherwise: { state: "missing", mend: "pratique up" },
      },
      containerLook(async () => await machinery.containerProbe()),
      confinementLook(async () => await machinery.containerProbe()),
      engineLook(() => machinery.engine()),
      {
        name: "policies",
        look: async () => `${policy().policies.length} are valid`,
        otherwise: { state: "missing", mend: "pratique policy check" },
      },
      {
        name: "secrets",
        look: () => secrets.examine(),
        otherwise: { state: "warning", mend: "pratique secret rotate, or mend `secrets.keys` in the configuration" },
      },
      {
        name: "advisories",
        look: async () => {
          const { sources, stale, oldestSeconds = 0 } = advisoriesOf(advisories.known());
          if (sources === 0) throw new Error("none: nothing is checked for vulnerabilities");
          if (stale.length > 0) throw new Error(`out of date: ${stale.join(", ")}`);
          return `${sources} ${sources === 1 ? "source" : "sources"}, the oldest of ${Math.ceil(oldestSeconds / 3600)} hours ago`;
        },
        otherwise: { state: "warning", mend: "pratique db update, or db import PATH" },
      },
      {
        name: "registry storage",
        look: async () => {
          const scrub = await upkeep.last("scrub");
          if (scrub === undefined) return "never scrubbed; pratique registry scrub reads and checks it";
          if ((scrub.found ?? 0) > 0)
            throw new Error(`the scrub of ${scrub.at} found something wrong in ${scrub.found} places`);
          return `the scrub of ${scrub.at} found nothing wrong`;
        },
        otherwise: { state: "warning", mend: "pratique registry scrub --quarantine" },
      },
      {
        name: "audit log",
        look: async () => {
          const report = await audit.verify();
          const broken = report.checks.find((check) => !check.ok);
          if (broken !== undefined) throw new Error(`${broken.name}: ${broken.detail}`);
          return `${report.records} records verify`;
        },
        otherwise: { state: "missing", mend: "pratique audit verify" },
      },
    ];
  }

  async #countArtifacts(): Promise<number> {
    const { store } = this.#options;
    let count = 0;
    for (const name of await store.repositories()) {
      count += (await store.repository(name).tags()).filter((tag) => !/^sha(256|512)-/.test(tag)).length;
    }
    return count;
  }

  async #read<T>(principal: Principal, read: () => Promise<T>): Promise<T> {
    return allowedOrThrow(
      await this.#options.guard.perform({ principal, action: "admin:read", resource: systemResource }, read),
    );
  }
}

function advisoriesOf({ sources }: DatabaseStatus): NonNullable<Status["advisories"]> {
  const ages = sources.flatMap(({ ageSeconds }) => ageSeconds ?? []);
  return {
    sources: sources.length,
    entries: sources.reduce((sum, { entries }) => sum + entries, 0),
    ...(ages.length === 0 ? {} : { oldestSeconds: ages.reduce((oldest, age) => Math.max(oldest, age), 0) }),
    stale: sources.filter(({ freshness }) => freshness !== "current").map(({ name }) => name),
  };
}
