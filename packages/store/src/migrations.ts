// The steps that bring a database from nothing to this version. A released step is never edited, only followed.
import type { Kysely } from "kysely";
import { Migrator, type Migration } from "kysely/migration";
import { makeApprovalTable } from "./approval-table.ts";
import { makeInventoryTables } from "./inventory-migration.ts";
import { makeClearanceTables } from "./clearance-rows.ts";
import { makeDecisionInputTable } from "./decision-input-table.ts";
import { makeGatewayTables } from "./gateway-table.ts";
import { makeSecretTables } from "./secret-rows.ts";
import { makeRegistryTables } from "./registry-migration.ts";
import { makeShieldTables } from "./shield-table.ts";
import { storeErrors } from "./errors.ts";
import type { Tables } from "./tables.ts";

const RECORD_INDEXES = ["run", "principal", "action", "resourceId", "digest", "time"] as const;

const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001-records-runs-servers": {
    async up(db: Kysely<unknown>): Promise<void> {
      await db.schema
        .createTable("records")
        .addColumn("sequence", "integer", (column) => column.primaryKey())
        .addColumn("id", "text", (column) => column.notNull().unique())
        .addColumn("time", "text", (column) => column.notNull())
        .addColumn("principal", "text", (column) => column.notNull())
        .addColumn("actingFor", "text")
        .addColumn("action", "text", (column) => column.notNull())
        .addColumn("resourceType", "text", (column) => column.notNull())
        .addColumn("resourceId", "text", (column) => column.notNull())
        .addColumn("digest", "text")
        .addColumn("run", "text")
        .addColumn("decision", "text", (column) => column.notNull())
        .addColumn("outcome", "text", (column) => column.notNull())
        .addColumn("body", "text", (column) => column.notNull())
        .execute();
      for (const column of RECORD_INDEXES) {
        await db.schema.createIndex(`records_${column}`).on("records").columns([column, "sequence"]).execute();
      }
      await db.schema
        .createTable("runs")
        .addColumn("id", "text", (column) => column.primaryKey())
        .addColumn("agent", "text", (column) => column.notNull())
        .addColumn("agentDigest", "text")
        .addColumn("model", "text")
        .addColumn("principal", "text", (column) => column.notNull())
        .addColumn("status", "text", (column) => column.notNull())
        .addColumn("startedAt", "text", (column) => column.notNull())
        .addColumn("endedAt", "text")
        .addColumn("body", "text", (column) => column.notNull())
        .execute();
      await db.schema.createIndex("runs_startedAt").on("runs").column("startedAt").execute();
      await db.schema
        .createTable("servers")
        .addColumn("name", "text", (column) => column.primaryKey())
        .addColumn("reference", "text")
        .addColumn("digest", "text")
        .addColumn("spec", "text", (column) => column.notNull())
        .addColumn("addedAt", "text", (column) => column.notNull())
        .execute();
    },
  },
  "0002-registry-housekeeping": { up: makeRegistryTables },
  "0003-inventory": { up: makeInventoryTables },
  "0004-clearances": { up: makeClearanceTables },
  "0005-decision-inputs": { up: makeDecisionInputTable },
  "0006-secrets": { up: makeSecretTables },
  "0007-approvals": { up: makeApprovalTable },
  "0008-shield": { up: makeShieldTables },
  "0009-gateway": { up: makeGatewayTables },
};

/**
 * Runs what is missing. Each run is one transaction: it is done or it did not happen.
 * @throws `store.newer` when the database has a step that this version does not know
 */
export async function migrate(db: Kysely<Tables>, path: string): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) } });
  await refuseNewer(db, path);
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

async function refuseNewer(db: Kysely<Tables>, path: string): Promise<void> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === "kysely_migration")) return;
  const done = await db
    .withTables<{ kysely_migration: { name: string } }>()
    .selectFrom("kysely_migration")
    .select("name")
    .orderBy("name")
    .execute();
  const unknown = done.filter(({ name }) => !Object.hasOwn(MIGRATIONS, name)).map(({ name }) => name);
  if (unknown.length > 0) throw storeErrors("store.newer", { path, reason: `it has ${unknown.join(", ")}` });
}
