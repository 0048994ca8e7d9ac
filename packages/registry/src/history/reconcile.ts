// At start what a crash left undecided is decided by what the store says. What moved without us is written down later,
// one repository after another, and before anything of it changes: to read all of a large store takes long.
import type { Clock, Digest } from "@pratique/core";
import { isDigest, SingleFlight } from "@pratique/core";
import type { ContentStore, RepositoryChange, TagChange } from "@pratique/oci";
import type {
  JournalBatch,
  NewRegistryEvent,
  NewTagMove,
  RegistryEventRow,
  RegistryJournal,
  TagMoveRow,
} from "@pratique/store";

export interface ReconcileOptions {
  readonly store: ContentStore;
  readonly journal: RegistryJournal;
  readonly clock: Clock;
  readonly ids: () => string;
  readonly deliveriesFor: (
    row: Pick<NewRegistryEvent, "id" | "type" | "repository">,
  ) => NonNullable<JournalBatch["deliveries"]>;
  /** Events of a change that nobody answers for. */
  readonly events: (change: RepositoryChange, id: string) => NewRegistryEvent[];
}

/** Decides the changes that were announced and not ended. Returns how many did not happen. */
export async function decideOpenChanges({ store, journal, deliveriesFor }: ReconcileOptions): Promise<number> {
  const moves = await journal.undecidedMoves();
  const events = await journal.undecidedEvents();
  const verdicts = new Map<string, boolean>();
  for (const ofTag of Map.groupBy(moves, ({ repository, tag }) => `${repository}:${tag}`).values()) {
    const actual = await digestOfTag(store, ofTag[0]!);
    for (const [at, move] of ofTag.entries()) {
      // A change is admitted only when the one before has ended: where the next began tells how this one did.
      const after = at + 1 < ofTag.length ? ofTag[at + 1]!.fromDigest : actual;
      verdicts.set(move.change, after === move.toDigest);
    }
  }
  for (const event of events) {
    const { change } = event;
    if (change === null || verdicts.has(change)) continue;
    verdicts.set(change, await didHappen(store, events, event));
  }
  const done = [...verdicts].flatMap(([change, isDone]) => (isDone ? [change] : []));
  const dropped = [...verdicts].flatMap(([change, isDone]) => (isDone ? [] : [change]));
  if (verdicts.size === 0) return 0;
  const deliveries = events
    .filter(({ change }) => change !== null && verdicts.get(change) === true)
    .flatMap(deliveriesFor);
  await journal.write({ done, dropped, deliveries });
  return dropped.length;
}

/** A manifest that came or went without a tag. Were there later changes, it has happened. */
async function didHappen(
  store: ContentStore,
  events: readonly RegistryEventRow[],
  { change, type, repository, sequence, body }: RegistryEventRow,
): Promise<boolean> {
  const isFollowed = events.some(
    (one) => one.repository === repository && one.sequence > sequence && one.change !== change && one.change !== null,
  );
  if (isFollowed || repository === null) return true;
  const { data } = JSON.parse(body) as { data: { digest?: string } };
  const isThere = data.digest !== undefined && (await store.repository(repository).resolve(data.digest)) !== undefined;
  return type === "artifact.deleted" ? !isThere : isThere;
}

async function digestOfTag(store: ContentStore, { repository, tag }: TagMoveRow): Promise<string | null> {
  return (await store.repository(repository).resolve(tag))?.digest ?? null;
}

/** Moves that happened and were not announced. */
export class StrangeMoves {
  readonly #options: ReconcileOptions;
  readonly #looked = new Set<string>();
  readonly #looking = new SingleFlight<void>();
  #found = 0;

  constructor(options: ReconcileOptions) {
    this.#options = options;
  }

  /** Looks at every repository there is or was; returns how many moves were found. */
  async lookAtAll(signal: AbortSignal, onFailure: (repository: string, error: unknown) => void): Promise<number> {
    const { store, journal } = this.#options;
    const names = new Set([...(await journal.repositories()), ...(await store.repositories())]);
    for (const name of names) {
      if (signal.aborted) break;
      await this.lookAt(name).catch((error: unknown) => onFailure(name, error));
    }
    return this.#found;
  }

  /** Nothing of the repository may change before it resolves. */
  async lookAt(repository: string): Promise<void> {
    if (!this.#looked.has(repository)) await this.#looking.run(repository, () => this.#writeDown(repository));
  }

  async #writeDown(repository: string): Promise<void> {
    const { store, journal, clock, ids, events, deliveriesFor } = this.#options;
    const newest = await journal.newestMoves(repository);
    const tags = await strangeMoves(store, repository, new Map(newest.map((move) => [move.tag, move.toDigest])));
    if (tags.length > 0) {
      const [change, time] = [ids(), clock.now().toISOString()];
      const moves = tags.map(({ tag, from, to }): NewTagMove => {
        const ends = { fromDigest: from ?? null, toDigest: to ?? null };
        const nobody = { principal: null, action: null, act: null, record: null };
        return { change, repository, tag, ...ends, time, ...nobody, isDone: 1 };
      });
      const counts = { tagCount: 0, manifestCount: 0 };
      const rows = events({ repository, tags, added: [], removed: [], ...counts }, change);
      await journal.write({
        moves,
        events: rows.map((row) => ({ ...row, isDone: 1 as const })),
        deliveries: rows.flatMap(deliveriesFor),
      });
      this.#found += tags.length;
    }
    this.#looked.add(repository);
  }
}

/** Where the store differs from what the history says last. */
async function strangeMoves(
  store: ContentStore,
  name: string,
  newest: ReadonlyMap<string, string | null>,
): Promise<TagChange[]> {
  const repository = store.repository(name);
  const strange: TagChange[] = [];
  const tags = await repository.tags();
  for (const tag of tags) {
    const to = (await repository.resolve(tag))?.digest;
    const from = newest.get(tag) ?? undefined;
    if (to !== undefined && to !== from) strange.push({ tag, ...asFrom(from), to });
  }
  const there = new Set(tags);
  for (const [tag, digest] of newest) if (digest !== null && !there.has(tag)) strange.push({ tag, ...asFrom(digest) });
  return strange;
}

function asFrom(digest: string | undefined): { from?: Digest } {
  return digest !== undefined && isDigest(digest) ? { from: digest } : {};
}
