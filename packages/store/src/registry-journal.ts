// The journal of the registry's housekeeping: written in batches of one transaction, read by those who show and tell.
import { sql, type Kysely, type Transaction } from "kysely";
import type { DeliveryRow, ManifestTimeRow, RegistryEventRow, TagMoveRow } from "./registry-rows.ts";
import type { Tables } from "./tables.ts";

export type NewTagMove = Omit<TagMoveRow, "sequence">;
export type NewRegistryEvent = Omit<RegistryEventRow, "sequence">;

/** Everything in it happens, or nothing. */
export interface JournalBatch {
  readonly moves?: readonly NewTagMove[];
  /** One whose id is known already is left as it is. */
  readonly events?: readonly NewRegistryEvent[];
  /** Changes that became durable. */
  readonly done?: readonly string[];
  /** Changes that did not happen: their moves and events go. */
  readonly dropped?: readonly string[];
  readonly deliveries?: readonly Pick<DeliveryRow, "webhook" | "event" | "dueAt">[];
  readonly pushed?: readonly Omit<ManifestTimeRow, "pulledAt">[];
  readonly pulled?: readonly { readonly repository: string; readonly digest: string; readonly time: string }[];
  readonly gone?: readonly Pick<ManifestTimeRow, "repository" | "digest">[];
  /** Acts whose record is known now. */
  readonly records?: readonly { readonly act: string; readonly record: string }[];
  readonly state?: Readonly<Record<string, string>>;
}

export interface MoveQuery {
  readonly repository: string;
  readonly tag?: string;
  readonly limit?: number;
  /** Only moves before this one. */
  readonly before?: number;
}

export interface DueQuery {
  readonly now: number;
  readonly limit: number;
  /** What waits for longer than anything may wait was put off by a clock that ran ahead: it is due. */
  readonly notAfter: number;
}

export interface EventQuery {
  readonly after?: number;
  readonly limit?: number;
  readonly order?: "newest" | "oldest";
  readonly repository?: string;
  readonly type?: string;
}

export interface RegistryJournal {
  /** Durable when it resolves. */
  write(batch: JournalBatch): Promise<void>;
  /** Newest first. */
  moves(query: MoveQuery): Promise<TagMoveRow[]>;
  /** The newest move of every tag that a repository ever had. */
  newestMoves(repository: string): Promise<TagMoveRow[]>;
  /** Every repository of which a move is known. */
  repositories(): Promise<string[]>;
  /** What tags that are there named in their last moves, and what any tag named until `since` (ISO 8601) or later. */
  past(repository: string, query: { readonly keepLast: number; readonly since: string }): Promise<string[]>;
  /** When a tag last left each manifest. */
  left(repository: string): Promise<{ readonly digest: string; readonly time: string }[]>;
  /** Moves of changes of which nobody knows whether they happened, oldest first. */
  undecidedMoves(): Promise<TagMoveRow[]>;
  undecidedEvents(): Promise<RegistryEventRow[]>;
  /** Moves whose act has no record yet. */
  unrecorded(): Promise<TagMoveRow[]>;
  events(query: EventQuery): Promise<RegistryEventRow[]>;
  highestEvent(): Promise<number>;
  /** Waiting deliveries with their events, the longest due first. */
  due(webhook: string, query: DueQuery): Promise<(DeliveryRow & { body: string })[]>;
  /** When the next delivery is due. */
  nextDue(webhook: string): Promise<number | undefined>;
  delivered(webhook: string, event: string): Promise<void>;
  postpone(row: DeliveryRow): Promise<void>;
  deliveryCounts(): Promise<{ webhook: string; state: DeliveryRow["state"]; count: number }[]>;
  deadDeliveries(limit: number): Promise<DeliveryRow[]>;
  /** Dead deliveries wait again. Returns how many. */
  revive(now: number): Promise<number>;
  times(repository: string): Promise<ManifestTimeRow[]>;
  state(key: string): Promise<string | undefined>;
  /** Forgets what webhooks that are no more should have been told. Returns how many deliveries. */
  forgetOthers(webhooks: readonly string[]): Promise<number>;
  /**
   * Drops deliveries beyond the newest `keepDeliveries` of a webhook, events beyond the newest `keepEvents` that nobody
   * is still to be told of, and moves beyond `keepMoves` of a tag. Returns how many deliveries.
   */
  trim(options: TrimOptions): Promise<number>;
}

export interface TrimOptions {
  readonly keepEvents: number;
  readonly keepMoves: number;
  readonly keepDeliveries: number;
}

const ROWS_A_STATEMENT = 50;

function* slices<T>(rows: readonly T[]): Generator<T[]> {
  for (let at = 0; at < rows.length; at += ROWS_A_STATEMENT) yield rows.slice(at, at + ROWS_A_STATEMENT);
}

export function registryJournal(db: Kysely<Tables>): RegistryJournal {
  return {
    async write(batch) {
      await db.transaction().execute((transaction) => writeBatch(transaction, batch));
    },
    moves({ repository, tag, limit = 100, before }) {
      let select = db.selectFrom("tagMoves").selectAll().where("repository", "=", repository).where("isDone", "=", 1);
      if (tag !== undefined) select = select.where("tag", "=", tag);
      if (before !== undefined) select = select.where("sequence", "<", before);
      return select.orderBy("sequence", "desc").limit(Math.min(limit, 10_000)).execute();
    },
    newestMoves(repository) {
      const newest = db
        .selectFrom("tagMoves")
        .select(({ fn }) => fn.max("sequence").as("sequence"))
        .where("isDone", "=", 1)
        .where("repository", "=", repository)
        .groupBy("tag");
      return db.selectFrom("tagMoves").selectAll().where("sequence", "in", newest).execute();
    },
    async repositories() {
      const rows = await db.selectFrom("tagMoves").select("repository").distinct().execute();
      return rows.map(({ repository }) => repository);
    },
    async past(repository, { keepLast, since }) {
      const { rows } = await sql<{ digest: string }>`SELECT DISTINCT "fromDigest" AS "digest" FROM (
        SELECT "fromDigest", "time", row_number() OVER "moves" AS "place", first_value("toDigest") OVER "moves" AS "now"
        FROM "tagMoves" WHERE "repository" = ${repository} AND "isDone" = 1
        WINDOW "moves" AS (PARTITION BY "tag" ORDER BY "sequence" DESC))
        WHERE "fromDigest" IS NOT NULL
        AND (("now" IS NOT NULL AND "place" <= ${keepLast}) OR "time" >= ${since})`.execute(db);
      return rows.map(({ digest }) => digest);
    },
    async left(repository) {
      const { rows } = await sql<{
        digest: string;
        time: string;
      }>`SELECT "fromDigest" AS "digest", max("time") AS "time"
        FROM "tagMoves" WHERE "repository" = ${repository} AND "isDone" = 1 AND "fromDigest" IS NOT NULL
        GROUP BY "fromDigest"`.execute(db);
      return rows;
    },
    undecidedMoves: () => db.selectFrom("tagMoves").selectAll().where("isDone", "=", 0).orderBy("sequence").execute(),
    undecidedEvents: () =>
      db.selectFrom("registryEvents").selectAll().where("isDone", "=", 0).orderBy("sequence").execute(),
    unrecorded: () =>
      db.selectFrom("tagMoves").selectAll().where("act", "is not", null).where("record", "is", null).execute(),
    events({ after, limit = 100, order = "oldest", repository, type }) {
      let select = db.selectFrom("registryEvents").selectAll().where("isDone", "=", 1);
      // Whoever goes on after a sequence must not pass one that may still come to be.
      select = select.where("sequence", "<", (inner) =>
        inner
          .selectFrom("registryEvents")
          .select(({ fn }) => fn.coalesce(fn.min("sequence"), sql<number>`9007199254740991`).as("first"))
          .where("isDone", "=", 0),
      );
      if (after !== undefined) select = select.where("sequence", ">", after);
      if (repository !== undefined) select = select.where("repository", "=", repository);
      if (type !== undefined) select = select.where("type", "=", type);
      return select
        .orderBy("sequence", order === "oldest" ? "asc" : "desc")
        .limit(Math.min(limit, 10_000))
        .execute();
    },
    async highestEvent() {
      const row = await db
        .selectFrom("registryEvents")
        .select(({ fn }) => fn.max("sequence").as("sequence"))
        .executeTakeFirst();
      return row?.sequence ?? 0;
    },
    due: (webhook, { now, limit, notAfter }) =>
      db
        .selectFrom("webhookDeliveries")
        .innerJoin("registryEvents", "registryEvents.id", "webhookDeliveries.event")
        .selectAll("webhookDeliveries")
        .select("registryEvents.body")
        .where("webhook", "=", webhook)
        .where("state", "=", "waiting")
        .where(({ or, eb }) => or([eb("dueAt", "<=", now), eb("dueAt", ">", notAfter)]))
        .orderBy("registryEvents.sequence")
        .limit(limit)
        .execute(),
    async nextDue(webhook) {
      const row = await db
        .selectFrom("webhookDeliveries")
        .select(({ fn }) => fn.min("dueAt").as("dueAt"))
        .where("webhook", "=", webhook)
        .where("state", "=", "waiting")
        .executeTakeFirst();
      return row?.dueAt ?? undefined;
    },
    async delivered(webhook, event) {
      await db.deleteFrom("webhookDeliveries").where("webhook", "=", webhook).where("event", "=", event).execute();
    },
    async postpone({ webhook, event, ...change }) {
      await db
        .updateTable("webhookDeliveries")
        .set(change)
        .where("webhook", "=", webhook)
        .where("event", "=", event)
        .execute();
    },
    deliveryCounts: () =>
      db
        .selectFrom("webhookDeliveries")
        .select(["webhook", "state", ({ fn }) => fn.countAll<number>().as("count")])
        .groupBy(["webhook", "state"])
        .execute(),
    deadDeliveries: (limit) =>
      db.selectFrom("webhookDeliveries").selectAll().where("state", "=", "dead").limit(limit).execute(),
    async revive(now) {
      const result = await db
        .updateTable("webhookDeliveries")
        .set({ state: "waiting", attempts: 0, dueAt: now })
        .where("state", "=", "dead")
        .executeTakeFirst();
      return Number(result.numUpdatedRows);
    },
    times: (repository) => db.selectFrom("manifestTimes").selectAll().where("repository", "=", repository).execute(),
    async state(key) {
      const row = await db.selectFrom("registryState").select("value").where("key", "=", key).executeTakeFirst();
      return row?.value;
    },
    async forgetOthers(webhooks) {
      let remove = db.deleteFrom("webhookDeliveries");
      if (webhooks.length > 0) remove = remove.where("webhook", "not in", webhooks);
      return Number((await remove.executeTakeFirst()).numDeletedRows);
    },
    trim: (options) => db.transaction().execute((transaction) => trimTables(transaction, options)),
  };
}

async function writeBatch(db: Transaction<Tables>, batch: JournalBatch): Promise<void> {
  for (const rows of slices(batch.moves ?? [])) await db.insertInto("tagMoves").values(rows).execute();
  for (const rows of slices(batch.events ?? [])) {
    await db
      .insertInto("registryEvents")
      .values(rows)
      .onConflict((conflict) => conflict.column("id").doNothing())
      .execute();
  }
  for (const change of slices(batch.done ?? [])) {
    await db.updateTable("tagMoves").set({ isDone: 1 }).where("change", "in", change).execute();
    await db.updateTable("registryEvents").set({ isDone: 1 }).where("change", "in", change).execute();
  }
  for (const change of slices(batch.dropped ?? [])) {
    await db.deleteFrom("tagMoves").where("change", "in", change).where("isDone", "=", 0).execute();
    await db.deleteFrom("registryEvents").where("change", "in", change).where("isDone", "=", 0).execute();
  }
  for (const rows of slices(batch.deliveries ?? [])) {
    await db
      .insertInto("webhookDeliveries")
      .values(rows.map((row) => ({ ...row, attempts: 0, state: "waiting" as const, error: null })))
      .onConflict((conflict) => conflict.columns(["webhook", "event"]).doNothing())
      .execute();
  }
  await writeTimes(db, batch);
  for (const { act, record } of batch.records ?? []) {
    await db.updateTable("tagMoves").set({ record }).where("act", "=", act).execute();
  }
  for (const [key, value] of Object.entries(batch.state ?? {})) {
    await db
      .insertInto("registryState")
      .values({ key, value })
      .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
      .execute();
  }
}

async function writeTimes(db: Transaction<Tables>, { pushed, pulled, gone }: JournalBatch): Promise<void> {
  for (const { repository, digest } of gone ?? []) {
    await db.deleteFrom("manifestTimes").where("repository", "=", repository).where("digest", "=", digest).execute();
  }
  for (const rows of slices(pushed ?? [])) {
    await db
      .insertInto("manifestTimes")
      .values(rows.map((row) => ({ ...row, pulledAt: null })))
      .onConflict((conflict) => conflict.columns(["repository", "digest"]).doNothing())
      .execute();
  }
  for (const { repository, digest, time } of pulled ?? []) {
    await db
      .insertInto("manifestTimes")
      .values({ repository, digest, pushedAt: time, pulledAt: time })
      .onConflict((conflict) => conflict.columns(["repository", "digest"]).doUpdateSet({ pulledAt: time }))
      .execute();
  }
}

async function trimTables(
  db: Transaction<Tables>,
  { keepEvents, keepMoves, keepDeliveries }: TrimOptions,
): Promise<number> {
  const { numAffectedRows } = await sql`DELETE FROM "webhookDeliveries" WHERE ("webhook", "event") IN (
    SELECT "webhook", "event" FROM (SELECT "webhook", "event", row_number() OVER (
      PARTITION BY "webhook" ORDER BY "sequence" DESC) AS "place"
      FROM "webhookDeliveries" JOIN "registryEvents" ON "id" = "event") AS "placed"
    WHERE "place" > ${keepDeliveries})`.execute(db);
  await db
    .deleteFrom("registryEvents")
    .where("isDone", "=", 1)
    .where("sequence", "<=", (inner) =>
      inner
        .selectFrom("registryEvents")
        .select(({ fn }) => sql<number>`${fn.max("sequence")} - ${keepEvents}`.as("at")),
    )
    .where("id", "not in", (inner) => inner.selectFrom("webhookDeliveries").select("event"))
    .execute();
  await sql`DELETE FROM "tagMoves" WHERE "sequence" IN (
    SELECT "sequence" FROM (SELECT "sequence", row_number() OVER (
      PARTITION BY "repository", "tag" ORDER BY "sequence" DESC) AS "place" FROM "tagMoves" WHERE "isDone" = 1) AS "placed"
    WHERE "place" > ${keepMoves})`.execute(db);
  return Number(numAffectedRows ?? 0n);
}
