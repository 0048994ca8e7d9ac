// At start: what a crash left undecided is decided by what the store says, and what moved without us is written down.
import type { Clock, Digest } from "@pratique/core";
import { isDigest } from "@pratique/core";
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

export interface Reconciled {
  /** Changes that were announced and did not happen. */
  readonly dropped: number;
  /** Moves that happened and were not announced. */
  readonly unattributed: number;
}

export async function reconcile(options: ReconcileOptions): Promise<Reconciled> {
  const dropped = await decideOpenChanges(options);
  const unattributed = await writeDownStrangeMoves(options);
  return { dropped, unattributed };
}

async function decideOpenChanges({ store, journal, deliveriesFor }: ReconcileOptions): Promise<number> {
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

async function writeDownStrangeMoves(options: ReconcileOptions): Promise<number> {
  const { store, journal, clock, ids, events, deliveriesFor } = options;
  const known = Map.groupBy(await journal.newestMoves(), ({ repository }) => repository);
  const names = new Set([...(await store.repositories()), ...known.keys()]);
  const time = clock.now().toISOString();
  let found = 0;
  for (const repository of names) {
    const newest = new Map((known.get(repository) ?? []).map((move) => [move.tag, move.toDigest]));
    const tags = await strangeMoves(store, repository, newest);
    if (tags.length === 0) continue;
    found += tags.length;
    const change = ids();
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
  }
  return found;
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
