// Retention on demand and on time.
import type { Config, Principal, QuotaUsage, RetentionReport } from "@pratique/contracts";
import { describeError, type Clock, type Log } from "@pratique/core";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { ContentStore } from "@pratique/oci";
import { applyRetention, type Housekeeping, type RetentionOptions } from "@pratique/registry";
import type { RegistryJournal } from "@pratique/store";
import { repositoryResource, systemResource } from "../artifacts/artifacts.ts";

export interface RetentionDeskOptions extends Pick<RetentionOptions, "evidence" | "inUse"> {
  readonly config: Config["registry"];
  readonly store: ContentStore;
  readonly journal: RegistryJournal;
  readonly house: Housekeeping;
  readonly guard: Guard;
  readonly registry: string;
  readonly clock: Clock;
  readonly log: Log;
}

const LAST_RUN = "retentionRanAt";
const LOOK_EVERY_MS = 60_000;

export class RetentionDesk {
  readonly #options: RetentionDeskOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: RetentionDeskOptions) {
    this.#options = options;
  }

  /** Applies the rules, or shows what they would do. One run at a time. */
  async run(principal: Principal, isDryRun: boolean, repository?: string): Promise<RetentionReport> {
    const { guard, house } = this.#options;
    const run = this.#running.then(async () => {
      await house.settled();
      const outcome = await guard.perform(
        {
          principal,
          action: isDryRun ? "admin:read" : "admin:write",
          resource: systemResource,
          details: { what: "retention", isDryRun },
        },
        async (_decision, note) => {
          const report = await this.#apply(principal, isDryRun, repository);
          const { removed, kept, failed } = report;
          note({ removed: removed.length, kept: kept.length, failed: failed.length });
          return report;
        },
      );
      return allowedOrThrow(outcome);
    });
    this.#running = run.catch(() => undefined);
    return run;
  }

  async #apply(principal: Principal, isDryRun: boolean, repository: string | undefined): Promise<RetentionReport> {
    const { house, config, journal, clock } = this.#options;
    const options = {
      ...this.#options,
      isImmutable: (name: string, tag: string) => house.policies.isImmutable(name, tag),
    };
    const only = repository === undefined ? {} : { repository };
    const report = await applyRetention({ ...options, config }, principal, { isDryRun, ...only });
    if (isDryRun) return report;
    const { removed, kept, failed } = report;
    house.emit("retention.run", { removed: removed.length, kept: kept.length, failed: failed.length });
    if (repository === undefined) await journal.write({ state: { [LAST_RUN]: clock.now().toISOString() } });
    return report;
  }

  /** Runs when it is time, as the owner. */
  schedule(owner: Principal): void {
    const { every, rules } = this.#options.config.retention;
    if (every === undefined || rules.length === 0) return;
    const look = async (): Promise<void> => {
      const { journal, clock, log } = this.#options;
      try {
        const last = await journal.state(LAST_RUN);
        const sinceMs = last === undefined ? Infinity : clock.now().getTime() - Date.parse(last);
        // Below 0 the clock ran ahead when it was last run.
        const isDue = sinceMs >= every || sinceMs < 0;
        if (isDue) {
          const { removed, failed } = await this.run(owner, false);
          log.info("retention ran", { removed: removed.length, failed: failed.length });
        }
      } catch (error) {
        log.error("retention failed", describeError(error));
      }
      this.#timer?.refresh();
    };
    // A timer of a day would be forgotten at each restart: so it looks often, and the database knows when it ran.
    this.#timer = setTimeout(() => void look(), Math.min(every, LOOK_EVERY_MS)).unref();
  }

  /** What the repositories hold that the principal may see. */
  async usage(principal: Principal): Promise<QuotaUsage[]> {
    const { guard, store, registry, house } = this.#options;
    const scope = { type: "Registry", id: registry, attributes: { host: registry } } as const;
    const names = await guard.filter(
      { principal, action: "artifact:pull", scope, details: { what: "quota" } },
      await store.repositories(),
      (name) => repositoryResource(name, registry),
    );
    const usages: QuotaUsage[] = [];
    for (const name of names) usages.push(await house.usage(name));
    return usages;
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#running;
  }
}
