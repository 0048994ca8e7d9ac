// Secrets as they lie in the database: sealed, each under its own data key, and who holds a name of them for a while.
import type { Kysely } from "kysely";

/** One secret. Nothing in it can be read without the key that wraps its data key. */
export interface SecretRow {
  /** Id of the user whose it is; empty when it is shared. */
  owner: string;
  name: string;
  /** `secret`, or what else keeps its own in here. */
  kind: string;
  /** Grows with each value, and goes into what is sealed. */
  version: number;
  /** Names the key that wraps the data key. */
  keyId: string;
  wrappedKey: string;
  /** Base64: nonce, ciphertext, tag. */
  sealed: string;
  /** JSON: what may be told of it. */
  facts: string;
  createdAt: string;
  updatedAt: string;
}

/** Whoever holds it does what only one may do at a time, until then at the latest. */
export interface LeaseRow {
  key: string;
  holder: string;
  /** Milliseconds since 1970. */
  until: number;
}

export interface SecretTables {
  secrets: SecretRow;
  leases: LeaseRow;
}

/** The step of the migrations that makes them. */
export async function makeSecretTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("secrets")
    .addColumn("owner", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("version", "integer", (column) => column.notNull())
    .addColumn("keyId", "text", (column) => column.notNull())
    .addColumn("wrappedKey", "text", (column) => column.notNull())
    .addColumn("sealed", "text", (column) => column.notNull())
    .addColumn("facts", "text", (column) => column.notNull())
    .addColumn("createdAt", "text", (column) => column.notNull())
    .addColumn("updatedAt", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("secrets_pk", ["owner", "name"])
    .execute();
  await db.schema.createIndex("secrets_kind").on("secrets").columns(["kind", "owner", "name"]).execute();
  await db.schema
    .createTable("leases")
    .addColumn("key", "text", (column) => column.primaryKey())
    .addColumn("holder", "text", (column) => column.notNull())
    .addColumn("until", "bigint", (column) => column.notNull())
    .execute();
}
