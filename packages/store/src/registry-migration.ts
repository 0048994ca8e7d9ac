// Makes the tables of the registry's housekeeping.
import type { Kysely } from "kysely";

export async function makeRegistryTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("tagMoves")
    .addColumn("sequence", "integer", (column) => column.primaryKey().autoIncrement())
    .addColumn("change", "text", (column) => column.notNull())
    .addColumn("repository", "text", (column) => column.notNull())
    .addColumn("tag", "text", (column) => column.notNull())
    .addColumn("fromDigest", "text")
    .addColumn("toDigest", "text")
    .addColumn("time", "text", (column) => column.notNull())
    .addColumn("principal", "text")
    .addColumn("action", "text")
    .addColumn("act", "text")
    .addColumn("record", "text")
    .addColumn("isDone", "integer", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("tagMoves_tag").on("tagMoves").columns(["repository", "tag", "sequence"]).execute();
  for (const column of ["change", "act", "isDone"]) {
    await db.schema.createIndex(`tagMoves_${column}`).on("tagMoves").column(column).execute();
  }
  await db.schema
    .createTable("registryEvents")
    .addColumn("sequence", "integer", (column) => column.primaryKey().autoIncrement())
    .addColumn("id", "text", (column) => column.notNull().unique())
    .addColumn("change", "text")
    .addColumn("type", "text", (column) => column.notNull())
    .addColumn("repository", "text")
    .addColumn("time", "text", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .addColumn("isDone", "integer", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("registryEvents_change").on("registryEvents").column("change").execute();
  await db.schema.createIndex("registryEvents_isDone").on("registryEvents").columns(["isDone", "sequence"]).execute();
  await db.schema
    .createTable("webhookDeliveries")
    .addColumn("webhook", "text", (column) => column.notNull())
    .addColumn("event", "text", (column) => column.notNull())
    .addColumn("attempts", "integer", (column) => column.notNull())
    .addColumn("dueAt", "integer", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("error", "text")
    .addPrimaryKeyConstraint("webhookDeliveries_key", ["webhook", "event"])
    .execute();
  await db.schema
    .createIndex("webhookDeliveries_due")
    .on("webhookDeliveries")
    .columns(["state", "webhook", "dueAt"])
    .execute();
  await db.schema
    .createTable("manifestTimes")
    .addColumn("repository", "text", (column) => column.notNull())
    .addColumn("digest", "text", (column) => column.notNull())
    .addColumn("pushedAt", "text", (column) => column.notNull())
    .addColumn("pulledAt", "text")
    .addPrimaryKeyConstraint("manifestTimes_key", ["repository", "digest"])
    .execute();
  await db.schema
    .createTable("registryState")
    .addColumn("key", "text", (column) => column.primaryKey())
    .addColumn("value", "text", (column) => column.notNull())
    .execute();
}
