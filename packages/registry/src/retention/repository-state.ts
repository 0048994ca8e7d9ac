// Gathers what a retention rule looks at: the store, the history, the times of pushes and pulls.
import type { HousekeepingConfig } from "@pratique/contracts";
import { isDigest, type Digest } from "@pratique/core";
import { VSA_PREDICATE } from "@pratique/evidence";
import type { LocalRepository, ManifestFacts } from "@pratique/oci";
import type { RegistryJournal, TagMoveRow } from "@pratique/store";
import { IN_HISTORY, type RepositoryState } from "./retention-plan.ts";

export interface StateOptions {
  readonly journal: RegistryJournal;
  readonly history: HousekeepingConfig["history"];
  /** Manifests that something running needs, and what. */
  readonly inUse: ReadonlyMap<Digest, string>;
  readonly isImmutable: (repository: string, tag: string) => boolean;
  readonly now: number;
}

const MOVES_READ = 10_000;
const PREDICATE = "dev.sigstore.bundle.predicateType";

export async function repositoryState(repository: LocalRepository, options: StateOptions): Promise<RepositoryState> {
  const { journal, isImmutable } = options;
  const moves = await journal.moves({ repository: repository.name, limit: MOVES_READ });
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
    untaggedSince: untaggedSince(moves),
    pinned: await pins(repository, manifests, moves, options),
    isImmutable: (tag) => isImmutable(repository.name, tag),
  };
}

function untaggedSince(moves: readonly TagMoveRow[]): ReadonlyMap<Digest, number> {
  const since = new Map<Digest, number>();
  for (const { fromDigest, time } of moves.toReversed()) {
    if (fromDigest !== null && isDigest(fromDigest)) since.set(fromDigest, Date.parse(time));
  }
  return since;
}

async function pins(
  repository: LocalRepository,
  manifests: readonly ManifestFacts[],
  moves: readonly TagMoveRow[],
  { inUse, history, now }: StateOptions,
): Promise<ReadonlyMap<Digest, string>> {
  const pinned = new Map<Digest, string>();
  for (const digest of inHistory(moves, history, now)) pinned.set(digest, IN_HISTORY);
  for (const { descriptor } of manifests) {
    const { digest } = descriptor;
    const referrers = await repository.referrers(digest);
    if (referrers.some(({ annotations }) => annotations?.[PREDICATE] === VSA_PREDICATE)) {
      pinned.set(digest, "it is cleared");
    }
    const use = inUse.get(digest);
    if (use !== undefined) pinned.set(digest, use);
  }
  return pinned;
}

/** What tags that still are named in their last moves, and what any tag named a short time ago. */
function inHistory(
  moves: readonly TagMoveRow[],
  { keepLast, keepFor }: HousekeepingConfig["history"],
  now: number,
): Set<Digest> {
  const kept = new Set<Digest>();
  // Newest first.
  for (const ofTag of Map.groupBy(moves, ({ tag }) => tag).values()) {
    const isAlive = ofTag[0]!.toDigest !== null;
    for (const [at, { fromDigest, time }] of ofTag.entries()) {
      const isKept = (isAlive && at < keepLast) || now - Date.parse(time) <= keepFor;
      if (isKept && fromDigest !== null && isDigest(fromDigest)) kept.add(fromDigest);
    }
  }
  return kept;
}
