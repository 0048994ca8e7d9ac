// Runs of agents, and what became of them.
import type { Kysely } from "kysely";
import { storeErrors } from "./errors.ts";
import type { RunRow, Tables } from "./tables.ts";

export interface RunTable {
  insert(row: RunRow): Promise<void>;
  /** @throws `store.missing` when there is no such run */
  update(id: string, change: Partial<Pick<RunRow, "status" | "endedAt" | "model" | "body">>): Promise<void>;
  get(id: string): Promise<RunRow | undefined>;
  /** Newest first; 100 when no limit is given. */
  list(limit?: number): Promise<RunRow[]>;
  /** Marks all that are still `running`: at start-up nothing runs. Returns how many there were. */
  markInterrupted(endedAt: string): Promise<number>;
}

export function runTable(db: Kysely<Tables>): RunTable {
  return {
    async insert(row) {
      await db.insertInto("runs").values(row).execute();
    },
    async update(id, change) {
      if (Object.keys(change).length === 0) return;
      const result = await db.updateTable("runs").set(change).where("id", "=", id).executeTakeFirst();
      if (result.numUpdatedRows === 0n) throw storeErrors("store.missing", { what: `run ${id}` });
    },
    get: (id) => db.selectFrom("runs").selectAll().where("id", "=", id).executeTakeFirst(),
    list: (limit = 100) =>
      db.selectFrom("runs").selectAll().orderBy("startedAt", "desc").orderBy("id", "desc").limit(limit).execute(),
    async markInterrupted(endedAt) {
      const result = await db
        .updateTable("runs")
        .set({ status: "interrupted", endedAt })
        .where("status", "=", "running")
        .executeTakeFirst();
      return Number(result.numUpdatedRows);
    },
  };
}
