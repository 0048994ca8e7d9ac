// What people let through the gateway: secrets that are none, and servers as they approved them.
import type { Kysely } from "kysely";
import type { Tables } from "./tables.ts";

export interface SecretAllowanceRow {
  /** `KIND:DIGEST`, or the digest alone. */
  fingerprint: string;
  reason: string;
  allowedBy: string;
  /** RFC 3339. */
  allowedAt: string;
  /** Id of the record; null until that is durable, and then it counts for nothing. */
  record: string | null;
}

export interface ServerPinRow {
  /** The server's name, or `NAME@DIGEST`. */
  key: string;
  /** JSON. */
  body: string;
  /** RFC 3339. */
  pinnedAt: string;
}

export interface ShieldTables {
  secretAllowances: SecretAllowanceRow;
  serverPins: ServerPinRow;
}

export interface SecretAllowanceTable {
  /** In place of one of the same fingerprint. */
  put(row: SecretAllowanceRow): Promise<void>;
  confirm(fingerprint: string, record: string): Promise<void>;
  /** False when there was none. */
  remove(fingerprint: string): Promise<boolean>;
  /** Those that count, by fingerprint. */
  list(): Promise<SecretAllowanceRow[]>;
}

export interface ServerPinTable {
  /** In place of the one of the same key. Of keys with a digest only the newest are kept. */
  put(row: ServerPinRow): Promise<void>;
  list(): Promise<ServerPinRow[]>;
}

/** Images come and go with runs; whoever runs an old one again sees it for the first time. */
const DIGESTS_LIMIT = 1000;

export function secretAllowanceTable(db: Kysely<Tables>): SecretAllowanceTable {
  return {
    async put(row) {
      const { fingerprint: _, ...change } = row;
      await db
        .insertInto("secretAllowances")
        .values(row)
        .onConflict((conflict) => conflict.column("fingerprint").doUpdateSet(change))
        .execute();
    },
    async confirm(fingerprint, record) {
      await db.updateTable("secretAllowances").set({ record }).where("fingerprint", "=", fingerprint).execute();
    },
    async remove(fingerprint) {
      const result = await db.deleteFrom("secretAllowances").where("fingerprint", "=", fingerprint).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
    list: () =>
      db.selectFrom("secretAllowances").selectAll().where("record", "is not", null).orderBy("fingerprint").execute(),
  };
}

export function serverPinTable(db: Kysely<Tables>): ServerPinTable {
  return {
    async put(row) {
      const { key: _, ...change } = row;
      await db
        .insertInto("serverPins")
        .values(row)
        .onConflict((conflict) => conflict.column("key").doUpdateSet(change))
        .execute();
      if (!row.key.includes("@")) return;
      const border = await db
        .selectFrom("serverPins")
        .select("pinnedAt")
        .where("key", "like", "%@%")
        .orderBy("pinnedAt", "desc")
        .offset(DIGESTS_LIMIT)
        .limit(1)
        .executeTakeFirst();
      if (border === undefined) return;
      await db.deleteFrom("serverPins").where("key", "like", "%@%").where("pinnedAt", "<=", border.pinnedAt).execute();
    },
    list: () => db.selectFrom("serverPins").selectAll().orderBy("key").execute(),
  };
}

/** The step of the migrations that makes both. */
export async function makeShieldTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("secretAllowances")
    .addColumn("fingerprint", "text", (column) => column.primaryKey())
    .addColumn("reason", "text", (column) => column.notNull())
    .addColumn("allowedBy", "text", (column) => column.notNull())
    .addColumn("allowedAt", "text", (column) => column.notNull())
    .addColumn("record", "text")
    .execute();
  await db.schema
    .createTable("serverPins")
    .addColumn("key", "text", (column) => column.primaryKey())
    .addColumn("body", "text", (column) => column.notNull())
    .addColumn("pinnedAt", "text", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("serverPins_pinnedAt").on("serverPins").column("pinnedAt").execute();
}
