// The index over the audit log: what `audit tail` and `why` search. The log itself is the truth.
import type { CompiledQuery, Kysely } from "kysely";
import type { RecordRow, Tables } from "./tables.ts";

/** Conditions are joined by "and". `before` and `after` are sequences, `since` an RFC 3339 time. */
export interface RecordQuery {
  run?: string;
  principal?: string;
  action?: string;
  resourceId?: string;
  digest?: string;
  decision?: string;
  since?: string;
  before?: number;
  after?: number;
  /** At most 10,000; 100 when absent. */
  limit?: number;
  /** `newest` first when absent. */
  order?: "newest" | "oldest";
}

export interface RecordTable {
  /** Idempotent by sequence; all rows or none. */
  insertAll(rows: readonly RecordRow[]): Promise<void>;
  /** The highest sequence, -1 when empty. */
  highest(): Promise<number>;
  get(id: string): Promise<RecordRow | undefined>;
  find(query: RecordQuery): Promise<RecordRow[]>;
  /** Removes a sequence and all after it. */
  removeFrom(sequence: number): Promise<void>;
}

const ROWS_A_STATEMENT = 64;
const EQUAL = ["run", "principal", "action", "resourceId", "digest", "decision"] as const;

export function recordTable(db: Kysely<Tables>): RecordTable {
  const insertFull = insertStatement(db);
  return {
    async insertAll(rows) {
      if (rows.length === 0) return;
      await db.transaction().execute(async (transaction) => {
        for (let at = 0; at < rows.length; at += ROWS_A_STATEMENT) {
          const some = rows.slice(at, at + ROWS_A_STATEMENT);
          await transaction.executeQuery(some.length < ROWS_A_STATEMENT ? insertOf(db, some) : insertFull(some));
        }
      });
    },
    async highest() {
      const row = await db
        .selectFrom("records")
        .select("sequence")
        .orderBy("sequence", "desc")
        .limit(1)
        .executeTakeFirst();
      return row?.sequence ?? -1;
    },
    get: (id) => db.selectFrom("records").selectAll().where("id", "=", id).executeTakeFirst(),
    find(query) {
      let select = db.selectFrom("records").selectAll();
      for (const column of EQUAL) {
        const value = query[column];
        if (value !== undefined) select = select.where(column, "=", value);
      }
      if (query.since !== undefined) select = select.where("time", ">=", query.since);
      if (query.before !== undefined) select = select.where("sequence", "<", query.before);
      if (query.after !== undefined) select = select.where("sequence", ">", query.after);
      const limit = Math.min(Math.max(Math.trunc(query.limit ?? 100), 0), 10_000);
      return select
        .orderBy("sequence", query.order === "oldest" ? "asc" : "desc")
        .limit(limit)
        .execute();
    },
    async removeFrom(sequence) {
      await db.deleteFrom("records").where("sequence", ">=", sequence).execute();
    },
  };
}

const COLUMNS: readonly (keyof RecordRow)[] = [
  ...(["sequence", "id", "time", "principal", "actingFor", "action", "resourceType", "resourceId"] as const),
  ...(["digest", "run", "decision", "outcome", "body"] as const),
];

/** A full statement is built once: doing so costs several times what the database takes to carry it out. */
function insertStatement(db: Kysely<Tables>): (rows: readonly RecordRow[]) => CompiledQuery {
  let compiled: CompiledQuery | undefined;
  return (rows) => {
    compiled ??= insertOf(db, rows);
    return { ...compiled, parameters: rows.flatMap((row) => COLUMNS.map((column) => row[column])) };
  };
}

function insertOf(db: Kysely<Tables>, rows: readonly RecordRow[]): CompiledQuery {
  // Kysely takes the columns in the order of the rows' keys.
  const ordered = rows.map((row) => {
    const { sequence, id, time, principal, actingFor, action, resourceType, resourceId } = row;
    const { digest, run, decision, outcome, body } = row;
    const what = { sequence, id, time, principal, actingFor, action, resourceType, resourceId };
    return { ...what, digest, run, decision, outcome, body };
  });
  return db
    .insertInto("records")
    .values(ordered)
    .onConflict((conflict) => conflict.column("sequence").doNothing())
    .compile();
}
