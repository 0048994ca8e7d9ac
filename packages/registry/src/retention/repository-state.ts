// Gathers what a retention rule looks at: the store, the history, the times of pushes and pulls.
import type { HousekeepingConfig } from "@pratique/contracts";
import { isDigest, type Digest } from "@pratique/core";
import { VSA_PREDICATE } from "@pratique/evidence";
import type { LocalRepository, ManifestFacts } from "@pratique/oci";
import type { RegistryJournal } from "@pratique/store";
import { IN_HISTORY, type RepositoryState } from "./retention-plan.ts";

export interface StateOptions {
  readonly journal: RegistryJournal;
  readonly history: HousekeepingConfig["history"];
  /** Manifests that something running needs, and what. */
  readonly inUse: ReadonlyMap<Digest, string>;
  readonly isImmutable: (repository: string, tag: string) => boolean;
  readonly now: number;
}

const PREDICATE = "dev.sigstore.bundle.predicateType";

export async function repositoryState(repository: LocalRepository, options: StateOptions): Promise<RepositoryState> {
  const { journal, isImmutable } = options;
  const manifests = await repository.manifests();
  const movedAt = new Map<string, number>();
  for (const { tag, time } of await journal.newestMoves(repository.name)) movedAt.set(tag, Date.parse(time));
  const tags = new Map<string, { digest: Digest; pushedAt: number }>();
  for (const tag of await repository.tags()) {
    const digest = (await repository.resolve(tag))?.digest;
    if (digest !== undefined) tags.set(tag, { digest, pushedAt: movedAt.get(tag) ?? options.now });
  }
  const times = new Map<Digest, { pushedAt: number; pulledAt: number | undefined }>();
  for (const { digest, pushedAt, pulledAt } of await journal.times(repository.name)) {
    if (!isDigest(digest)) continue;
    times.set(digest, {
      pushedAt: Date.parse(pushedAt),
      pulledAt: pulledAt === null ? undefined : Date.parse(pulledAt),
    });
  }
  return {
    repository: repository.name,
    tags,
    manifests,
    times,
    untaggedSince: await untaggedSince(repository.name, journal),
    pinned: await pins(repository, manifests, options),
    isImmutable: (tag) => isImmutable(repository.name, tag),
  };
}

async function untaggedSince(repository: string, journal: RegistryJournal): Promise<ReadonlyMap<Digest, number>> {
  const since = new Map<Digest, number>();
  for (const { digest, time } of await journal.left(repository)) {
    if (isDigest(digest)) since.set(digest, Date.parse(time));
  }
  return since;
}

async function pins(
  repository: LocalRepository,
  manifests: readonly ManifestFacts[],
  { inUse, history: { keepLast, keepFor }, journal, now }: StateOptions,
): Promise<ReadonlyMap<Digest, string>> {
  const pinned = new Map<Digest, string>();
  const since = new Date(Math.max(now - keepFor, 0)).toISOString();
  for (const digest of await journal.past(repository.name, { keepLast, since })) {
    if (isDigest(digest)) pinned.set(digest, IN_HISTORY);
  }
  for (const { descriptor } of manifests) {
    const { digest } = descriptor;
    if (await isCleared(repository, digest)) pinned.set(digest, "it is cleared");
    const use = inUse.get(digest);
    if (use !== undefined) pinned.set(digest, use);
  }
  return pinned;
}

/** True when something that says so refers to it, whoever signed that. */
export async function isCleared(repository: LocalRepository, digest: Digest): Promise<boolean> {
  const referrers = await repository.referrers(digest);
  return referrers.some(({ annotations }) => annotations?.[PREDICATE] === VSA_PREDICATE);
}
