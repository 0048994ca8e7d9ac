// Makes the tables of the inventory.
import type { Kysely } from "kysely";

/** Tables of two or three columns that are their own key. */
const LINKS: Readonly<Record<string, readonly (readonly [name: string, type: "text" | "integer"])[]>> = {
  inventoryLookups: [
    ["lookup", "text"],
    ["package", "integer"],
  ],
  inventoryUses: [
    ["package", "integer"],
    ["document", "integer"],
  ],
  inventoryMembers: [
    ["repository", "text"],
    ["digest", "text"],
    ["member", "text"],
  ],
  inventoryAliases: [
    ["alias", "text"],
    ["package", "integer"],
    ["advisory", "text"],
  ],
};

const INDEXES = [
  ["inventoryPackages", "name"],
  ["inventoryPackages", "baseName"],
  ["inventoryPackages", "sourceName"],
  ["inventoryLookups", "package"],
  ["inventoryUses", "document"],
  ["inventoryArtifacts", "document"],
  ["inventoryArtifacts", "digest"],
  ["inventoryMembers", "member"],
  ["inventoryTags", "digest"],
  ["inventoryAliases", "package"],
  ["inventoryChanges", "isTold"],
] as const;

export async function makeInventoryTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("inventoryPackages")
    .addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
    .addColumn("key", "text", (column) => column.notNull().unique())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("baseName", "text", (column) => column.notNull())
    .addColumn("sourceName", "text")
    .addColumn("component", "text", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("inventoryDocuments")
    .addColumn("id", "integer", (column) => column.primaryKey().autoIncrement())
    .addColumn("key", "text", (column) => column.notNull().unique())
    .addColumn("origin", "text", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .execute();
  // Apart from the documents, so that to go through those does not mean to go through these.
  await db.schema
    .createTable("inventoryContents")
    .addColumn("document", "integer", (column) => column.primaryKey())
    .addColumn("content", "blob", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("inventoryArtifacts")
    .addColumn("repository", "text", (column) => column.notNull())
    .addColumn("digest", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("document", "integer")
    .addColumn("body", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("inventoryArtifacts_key", ["repository", "digest"])
    .execute();
  await db.schema
    .createTable("inventoryTags")
    .addColumn("repository", "text", (column) => column.notNull())
    .addColumn("tag", "text", (column) => column.notNull())
    .addColumn("digest", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("inventoryTags_key", ["repository", "tag"])
    .execute();
  await db.schema
    .createTable("inventoryFindings")
    .addColumn("package", "integer", (column) => column.notNull())
    .addColumn("advisory", "text", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("inventoryFindings_key", ["package", "advisory"])
    .execute();
  await db.schema
    .createTable("inventoryChanges")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("time", "text", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .addColumn("isTold", "integer", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("inventoryState")
    .addColumn("key", "text", (column) => column.primaryKey())
    .addColumn("value", "text", (column) => column.notNull())
    .execute();
  for (const [table, columns] of Object.entries(LINKS)) {
    let make = db.schema.createTable(table);
    for (const [name, type] of columns) make = make.addColumn(name, type, (column) => column.notNull());
    await make
      .addPrimaryKeyConstraint(
        `${table}_key`,
        columns.map(([name]) => name as never),
      )
      .execute();
  }
  for (const [table, column] of INDEXES) {
    await db.schema.createIndex(`${table}_${column}`).on(table).column(column).execute();
  }
}
