// What the gateway keeps: counts of a day, and profiles that were changed while it ran.
import type { Kysely } from "kysely";
import type { Tables } from "./tables.ts";

export interface QuotaUseRow {
  /** The quota, and whose count it is. */
  quota: string;
  /** YYYY-MM-DD, UTC. */
  day: string;
  used: number;
}

export interface ProfileRow {
  name: string;
  /** JSON; null: the one of the configuration does not count. */
  body: string | null;
  changedBy: string;
  /** RFC 3339. */
  changedAt: string;
}

export interface GatewayTables {
  quotaUses: QuotaUseRow;
  profiles: ProfileRow;
}

export interface QuotaTable {
  /** Takes up to `amount` of what is left of a day's quota; says how many were taken. Durable when it resolves. */
  take(quota: string, day: string, amount: number, perDay: number): Promise<number>;
  /** Forgets the days before. */
  forgetBefore(day: string): Promise<void>;
}

export interface ProfileTable {
  /** In place of one of the same name. */
  put(row: ProfileRow): Promise<void>;
  /** False when there was none. */
  remove(name: string): Promise<boolean>;
  list(): Promise<ProfileRow[]>;
}

export function quotaTable(db: Kysely<Tables>): QuotaTable {
  return {
    take: (quota, day, amount, perDay) =>
      db.transaction().execute(async (step) => {
        const known = await step
          .selectFrom("quotaUses")
          .select("used")
          .where("quota", "=", quota)
          .where("day", "=", day)
          .executeTakeFirst();
        const taken = Math.max(0, Math.min(amount, perDay - (known?.used ?? 0)));
        if (taken === 0) return 0;
        await step
          .insertInto("quotaUses")
          .values({ quota, day, used: taken })
          .onConflict((conflict) =>
            conflict.columns(["quota", "day"]).doUpdateSet({ used: (known?.used ?? 0) + taken }),
          )
          .execute();
        return taken;
      }),
    async forgetBefore(day) {
      await db.deleteFrom("quotaUses").where("day", "<", day).execute();
    },
  };
}

export function profileTable(db: Kysely<Tables>): ProfileTable {
  return {
    async put(row) {
      const { name: _, ...change } = row;
      await db
        .insertInto("profiles")
        .values(row)
        .onConflict((conflict) => conflict.column("name").doUpdateSet(change))
        .execute();
    },
    async remove(name) {
      const result = await db.deleteFrom("profiles").where("name", "=", name).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
    list: () => db.selectFrom("profiles").selectAll().orderBy("name").execute(),
  };
}

/** The step of the migrations that makes both. */
export async function makeGatewayTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("quotaUses")
    .addColumn("quota", "text", (column) => column.notNull())
    .addColumn("day", "text", (column) => column.notNull())
    .addColumn("used", "integer", (column) => column.notNull())
    .addPrimaryKeyConstraint("quotaUses_key", ["quota", "day"])
    .execute();
  await db.schema
    .createTable("profiles")
    .addColumn("name", "text", (column) => column.primaryKey())
    .addColumn("body", "text")
    .addColumn("changedBy", "text", (column) => column.notNull())
    .addColumn("changedAt", "text", (column) => column.notNull())
    .execute();
}
