// What became of clearances, waivers, and acts that were begun: what the signed statements themselves do not tell.
import type { Kysely } from "kysely";
import type { ActIntentRow, ClearanceRow, WaiverRow } from "./clearance-rows.ts";
import type { Tables } from "./tables.ts";

export interface ClearanceTable {
  /** Writes where an artifact stands; one row an artifact and repository. */
  put(row: ClearanceRow): Promise<void>;
  get(repository: string, digest: string): Promise<ClearanceRow | undefined>;
  /** By repository and digest, after one of them; `state` alone when given. */
  list(query?: {
    readonly state?: ClearanceRow["state"] | undefined;
    readonly after?: Pick<ClearanceRow, "repository" | "digest"> | undefined;
    readonly limit?: number | undefined;
  }): Promise<ClearanceRow[]>;
  counts(): Promise<Readonly<Record<ClearanceRow["state"], number>>>;
  /** Of what is no longer there. */
  forget(repository: string, digest: string): Promise<void>;
}

export interface WaiverTable {
  /** Without a record it is not in force yet. */
  insert(row: WaiverRow): Promise<void>;
  confirm(id: string, record: string): Promise<void>;
  /** Takes away what nobody ever acknowledged; how many there were. */
  dropUnconfirmed(): Promise<number>;
  /** False when there is none of that id that stands. */
  remove(id: string, removed: { readonly removedAt: string; readonly removedBy: string }): Promise<boolean>;
  get(id: string): Promise<WaiverRow | undefined>;
  forget(id: string): Promise<void>;
  /** All, removed ones too, oldest first. */
  list(): Promise<WaiverRow[]>;
}

export interface ActIntentTable {
  insert(row: ActIntentRow): Promise<void>;
  delete(id: string): Promise<void>;
  list(): Promise<ActIntentRow[]>;
}

const LIST_LIMIT = 10_000;

export function clearanceTable(db: Kysely<Tables>): ClearanceTable {
  return {
    async put(row) {
      const { repository: _, digest: __, ...change } = row;
      await db
        .insertInto("clearances")
        .values(row)
        .onConflict((conflict) => conflict.columns(["repository", "digest"]).doUpdateSet(change))
        .execute();
    },
    get: (repository, digest) =>
      db
        .selectFrom("clearances")
        .selectAll()
        .where("repository", "=", repository)
        .where("digest", "=", digest)
        .executeTakeFirst(),
    list({ state, after, limit = LIST_LIMIT } = {}) {
      let query = db.selectFrom("clearances").selectAll().orderBy("repository").orderBy("digest").limit(limit);
      if (state !== undefined) query = query.where("state", "=", state);
      if (after !== undefined) {
        query = query.where(({ eb, or, and }) =>
          or([
            eb("repository", ">", after.repository),
            and([eb("repository", "=", after.repository), eb("digest", ">", after.digest)]),
          ]),
        );
      }
      return query.execute();
    },
    async counts() {
      const rows = await db
        .selectFrom("clearances")
        .select(["state", ({ fn }) => fn.countAll<number>().as("count")])
        .groupBy("state")
        .execute();
      const counts = { cleared: 0, lost: 0 };
      for (const { state, count } of rows) counts[state] = Number(count);
      return counts;
    },
    async forget(repository, digest) {
      await db.deleteFrom("clearances").where("repository", "=", repository).where("digest", "=", digest).execute();
    },
  };
}

export function waiverTable(db: Kysely<Tables>): WaiverTable {
  return {
    async insert(row) {
      await db.insertInto("waivers").values(row).execute();
    },
    async confirm(id, record) {
      await db.updateTable("waivers").set({ record }).where("id", "=", id).execute();
    },
    async dropUnconfirmed() {
      const result = await db.deleteFrom("waivers").where("record", "is", null).executeTakeFirst();
      return Number(result.numDeletedRows);
    },
    async remove(id, removed) {
      const result = await db
        .updateTable("waivers")
        .set(removed)
        .where("id", "=", id)
        .where("removedAt", "is", null)
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },
    async forget(id) {
      await db.deleteFrom("waivers").where("id", "=", id).execute();
    },
    get: (id) => db.selectFrom("waivers").selectAll().where("id", "=", id).executeTakeFirst(),
    list: () => db.selectFrom("waivers").selectAll().orderBy("id").execute(),
  };
}

export function actIntentTable(db: Kysely<Tables>): ActIntentTable {
  return {
    async insert(row) {
      await db.insertInto("actIntents").values(row).execute();
    },
    async delete(id) {
      await db.deleteFrom("actIntents").where("id", "=", id).execute();
    },
    list: () => db.selectFrom("actIntents").selectAll().orderBy("id").execute(),
  };
}
