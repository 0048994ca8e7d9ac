// Carries a retention plan out, each deletion an act of its own: decided by policy, recorded, and only while what was
// planned is still so.
import type { HousekeepingConfig, Principal, RetentionEntry, RetentionReport } from "@pratique/contracts";
import { describeError, type Clock, type Digest, type Log } from "@pratique/core";
import { allowedOrThrow, type Guard, type GuardResource } from "@pratique/guard";
import type { ContentStore, Descriptor } from "@pratique/oci";
import type { RegistryJournal } from "@pratique/store";
import { registryErrors } from "../errors.ts";
import { planRetention, ruleFor, type RepositoryState, type RetentionPlan } from "./retention-plan.ts";
import { isCleared, repositoryState } from "./repository-state.ts";

export interface RetentionOptions {
  readonly config: Pick<HousekeepingConfig, "retention" | "history">;
  readonly store: ContentStore;
  readonly journal: RegistryJournal;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  readonly isImmutable: (repository: string, tag: string) => boolean;
  /** Manifests that running servers, runs and the like need, and what needs them. */
  readonly inUse: () => Promise<ReadonlyMap<Digest, string>>;
  readonly evidence: (repository: string, descriptor: Descriptor) => Promise<GuardResource>;
}

/** Marks the acts of a retention run: the store's observer lets them delete only what was planned. */
export const RETENTION = "retention";

export async function applyRetention(
  options: RetentionOptions,
  principal: Principal,
  { isDryRun, repository: only }: { isDryRun: boolean; repository?: string },
): Promise<RetentionReport> {
  const { config, store, clock } = options;
  const now = clock.now().getTime();
  const report: RetentionReport = { isDryRun, removed: [], kept: [], failed: [] };
  for (const name of await store.repositories()) {
    const rule = ruleFor(config.retention.rules, name);
    if (rule === undefined || (only !== undefined && only !== name)) continue;
    const { journal, isImmutable } = options;
    // A run takes its time: what was started since it began counts too.
    const inUse = await options.inUse();
    const state = await repositoryState(store.repository(name), {
      journal,
      history: config.history,
      inUse,
      isImmutable,
      now,
    });
    const plan = planRetention(rule, state, now);
    report.kept.push(...keptOf(name, plan));
    if (isDryRun) {
      report.removed.push(...removedOf(name, plan));
      continue;
    }
    await rememberFirstSight(journal, state, now);
    for (const entry of removedOf(name, plan)) {
      const failure = await remove(options, principal, entry);
      if (failure === undefined) report.removed.push(entry);
      else report.failed.push({ ...entry, reason: failure });
    }
  }
  return report;
}

function keptOf(repository: string, { keptTags, keptManifests }: RetentionPlan): RetentionEntry[] {
  const tagged = new Set(keptTags.map(({ digest }) => digest));
  const others = keptManifests.filter(({ digest }) => !tagged.has(digest));
  return [...keptTags, ...others].map((one) => ({ repository, ...one }));
}

/** Tags first: a manifest goes only when nothing names it. */
function removedOf(repository: string, { removedTags, removedManifests }: RetentionPlan): RetentionEntry[] {
  return [...removedTags, ...removedManifests].map((one) => ({ repository, ...one }));
}

/** What nobody saw come begins to age now. */
async function rememberFirstSight(
  journal: RegistryJournal,
  { repository, manifests, times }: RepositoryState,
  now: number,
): Promise<void> {
  const pushedAt = new Date(now).toISOString();
  const unknown = manifests.filter(({ descriptor }) => !times.has(descriptor.digest));
  const pushed = unknown.map(({ descriptor: { digest } }) => ({ repository, digest, pushedAt }));
  if (pushed.length > 0) await journal.write({ pushed });
}

/** Why it could not be removed; undefined when it is gone. */
async function remove(
  { store, guard, evidence, log }: RetentionOptions,
  principal: Principal,
  entry: RetentionEntry,
): Promise<string | undefined> {
  const { repository: name, digest, tag, reason } = entry;
  const repository = store.repository(name);
  try {
    const descriptor = await repository.resolve(digest);
    // Somebody else was faster, and it is gone as it should be.
    if (descriptor === undefined) return undefined;
    const resource = await evidence(name, descriptor);
    const outcome = await guard.perform(
      {
        principal,
        action: "artifact:delete",
        resource: { ...resource, digest },
        ...(tag === undefined ? {} : { context: { tag } }),
        details: { [RETENTION]: reason },
      },
      async () => {
        // None of the plan was, so it is since.
        if (await isCleared(repository, descriptor.digest)) {
          throw registryErrors("registry.retention-overtaken", { repository: name, digest });
        }
        return tag === undefined ? repository.deleteManifest(descriptor.digest) : repository.deleteTag(tag);
      },
    );
    allowedOrThrow(outcome);
    return undefined;
  } catch (error) {
    log.info("retention left something where it is", { repository: name, digest, ...describeError(error) });
    return error instanceof Error ? error.message : String(error);
  }
}
