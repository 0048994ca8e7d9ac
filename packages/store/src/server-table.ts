// MCP servers that were added while the daemon ran, so that they are there after the next start.
import type { Kysely } from "kysely";
import type { ServerRow, Tables } from "./tables.ts";

export interface ServerTable {
  /** Adds a server, or replaces the one of that name. */
  upsert(row: ServerRow): Promise<void>;
  /** False when there was none of that name. */
  remove(name: string): Promise<boolean>;
  get(name: string): Promise<ServerRow | undefined>;
  /** By name. */
  list(): Promise<ServerRow[]>;
}

export function serverTable(db: Kysely<Tables>): ServerTable {
  return {
    async upsert(row) {
      const { name: _, ...change } = row;
      await db
        .insertInto("servers")
        .values(row)
        .onConflict((conflict) => conflict.column("name").doUpdateSet(change))
        .execute();
    },
    async remove(name) {
      const result = await db.deleteFrom("servers").where("name", "=", name).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
    get: (name) => db.selectFrom("servers").selectAll().where("name", "=", name).executeTakeFirst(),
    list: () => db.selectFrom("servers").selectAll().orderBy("name").execute(),
  };
}
