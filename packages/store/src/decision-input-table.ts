// What policy was asked, by digest: beside the log, bounded, and to be erased without harm to it.
import type { Kysely } from "kysely";
import type { Tables } from "./tables.ts";

export interface DecisionInputRow {
  readonly digest: string;
  /** Canonical JSON. */
  readonly body: string;
  /** RFC 3339: when it was kept. */
  readonly keptAt: string;
}

export interface DecisionInputTables {
  decisionInputs: DecisionInputRow;
}

export interface DecisionInputTable {
  /** Those that are there already stay as they are. */
  insertAll(rows: readonly DecisionInputRow[]): Promise<void>;
  /** Those of the digests that are there. */
  find(digests: readonly string[]): Promise<DecisionInputRow[]>;
  /** Removes the oldest beyond so many; says how many. */
  keepNewest(count: number): Promise<number>;
}

const AT_ONCE = 200;

export function decisionInputTable(db: Kysely<Tables>): DecisionInputTable {
  return {
    async insertAll(rows) {
      for (let at = 0; at < rows.length; at += AT_ONCE) {
        await db
          .insertInto("decisionInputs")
          .values(rows.slice(at, at + AT_ONCE))
          .onConflict((conflict) => conflict.column("digest").doNothing())
          .execute();
      }
    },
    async find(digests) {
      const found: DecisionInputRow[] = [];
      for (let at = 0; at < digests.length; at += AT_ONCE) {
        const some = digests.slice(at, at + AT_ONCE);
        found.push(...(await db.selectFrom("decisionInputs").selectAll().where("digest", "in", some).execute()));
      }
      return found;
    },
    async keepNewest(count) {
      const border = await db
        .selectFrom("decisionInputs")
        .select("keptAt")
        .orderBy("keptAt", "desc")
        .offset(count)
        .limit(1)
        .executeTakeFirst();
      if (border === undefined) return 0;
      const result = await db.deleteFrom("decisionInputs").where("keptAt", "<=", border.keptAt).executeTakeFirst();
      return Number(result.numDeletedRows);
    },
  };
}

/** The step of the migrations that makes it. */
export async function makeDecisionInputTable(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("decisionInputs")
    .addColumn("digest", "text", (column) => column.primaryKey())
    .addColumn("body", "text", (column) => column.notNull())
    .addColumn("keptAt", "text", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("decisionInputs_keptAt").on("decisionInputs").column("keptAt").execute();
}
