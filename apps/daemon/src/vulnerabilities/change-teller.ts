// When the advisories change, what is stored is looked at again, and who wants to know is told: by an event for each
// repository, and by a record. What was found is written down first, so that a crash leaves it to be told.
import type { Principal, VulnerabilityChange, Workload } from "@pratique/contracts";
import { describeError, type JsonObject, type Log } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { Housekeeping } from "@pratique/registry";
import type { Inventory, InventoryChange } from "@pratique/vulnerabilities";
import { systemResource } from "../artifacts/artifacts.ts";
import { impactOf } from "./change-impact.ts";

export interface ChangeTellerOptions {
  readonly inventory: Inventory;
  readonly workloads: () => Promise<Workload[]>;
  readonly house: Pick<Housekeeping, "announce">;
  readonly guard: Guard;
  /** In whose name it is recorded. */
  readonly owner: Principal;
  readonly log: Log;
}

/** Named in one event; the rest is counted. */
const NAMED = 50;

export class ChangeTeller {
  readonly #options: ChangeTellerOptions;
  #work: Promise<void> = Promise.resolve();
  #isDue = false;

  constructor(options: ChangeTellerOptions) {
    this.#options = options;
  }

  /** The advisories may have changed. */
  notify(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#work = this.#work.then(async () => {
      this.#isDue = false;
      await this.#look().catch((error: unknown) =>
        this.#options.log.error("what the new advisories mean here was not told", describeError(error)),
      );
    });
  }

  /** Everything that was known until now is told when it resolves. */
  async settled(): Promise<void> {
    await this.#work;
  }

  async #look(): Promise<void> {
    const { inventory, log } = this.#options;
    await inventory.reevaluate();
    for (const change of await inventory.untold()) {
      const impact = await this.#tell(change);
      log.info("advisories changed", {
        version: change.to,
        advisories: impact.found.length,
        artifacts: impact.artifacts.length,
        workloads: impact.workloads.length,
      });
    }
  }

  async #tell(change: InventoryChange): Promise<VulnerabilityChange> {
    const { inventory, workloads, house, guard, owner } = this.#options;
    const impact = await impactOf(inventory, change, await workloads());
    const act = { principal: owner, action: "admin:write", resource: systemResource } as const;
    const details = { what: "vulnerabilities", change: change.id, databaseVersion: change.to };
    const outcome = await guard.perform({ ...act, details }, async (_decision, note) => {
      note(summaryOf(impact));
      await house.announce(eventsOf(impact));
    });
    allowedOrThrow(outcome);
    await inventory.table.told(change.id);
    return impact;
  }

  async close(): Promise<void> {
    await this.#work;
  }
}

function summaryOf({ found, gone, artifacts, workloads }: VulnerabilityChange): JsonObject {
  return {
    advisories: found.slice(0, NAMED).map(({ advisory }) => advisory),
    found: found.length,
    gone: gone.length,
    artifacts: artifacts.length,
    artifactNames: artifacts.slice(0, NAMED).map(({ repository, digest }) => `${repository}@${digest}`),
    workloads: workloads.slice(0, NAMED).map(({ type, name }) => `${type} ${name}`),
  };
}

/** One for the whole registry, and one for each repository: who sees a repository sees what concerns it. */
function eventsOf(impact: VulnerabilityChange): Parameters<Housekeeping["announce"]>[0] {
  const severities = new Map(impact.found.map((one) => [one.advisory, one]));
  const version = { databaseVersion: impact.to };
  const running = Map.groupBy(impact.workloads, ({ digest }) => digest);
  const whole = { ...version, ...summaryOf(impact) };
  const byRepository = Map.groupBy(impact.artifacts, ({ repository }) => repository);
  return [
    { id: impact.id, type: "vulnerabilities.changed", data: whole },
    ...[...byRepository].map(([repository, artifacts], index) => {
      const advisories = [...new Set(artifacts.flatMap(({ found }) => found))];
      return {
        id: `${impact.id}-${index + 1}`,
        type: "vulnerabilities.changed" as const,
        repository,
        data: {
          ...version,
          found: advisories.slice(0, NAMED).map((advisory) => {
            const { severity = "unknown", malicious = false, knownExploited = false } = severities.get(advisory) ?? {};
            return { advisory, severity, malicious, knownExploited };
          }),
          advisories: advisories.length,
          artifacts: artifacts.slice(0, NAMED).map(({ digest, tags, found, gone, packages }) => ({
            digest,
            tags,
            packages: packages.slice(0, NAMED),
            found: found.slice(0, NAMED),
            gone: gone.slice(0, NAMED),
            workloads: (running.get(digest) ?? []).map(({ type, name }) => `${type} ${name}`),
          })),
          artifactCount: artifacts.length,
        },
      };
    }),
  ];
}
