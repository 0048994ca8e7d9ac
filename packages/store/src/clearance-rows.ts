// The rows of clearances, waivers and begun acts, and how their tables are made.
import type { Kysely } from "kysely";

/** Where an artifact stands. What is cleared is told by its signed clearance; this is the index of it, and the loss. */
export interface ClearanceRow {
  repository: string;
  digest: string;
  /** How it was named when it was cleared. */
  reference: string;
  kind: string;
  state: "cleared" | "lost";
  policyDigest: string;
  databaseVersion: string | null;
  /** RFC 3339: since when. */
  time: string;
  /** Of a loss: `policy`, `database` or `evidence`. */
  because: string | null;
  /** Of a loss: JSON, the policies that refuse it. */
  reasons: string | null;
  /** Id of the record that says so. */
  record: string | null;
}

/** A signed waiver. It is the bundle that counts; the rest is for queries and for what comes after it. */
export interface WaiverRow {
  id: string;
  /** JSON of the sigstore bundle. */
  bundle: string;
  /** The repository where it hangs on its artifact, too. */
  place: string | null;
  expires: string;
  /** Id of the record of who added it; null until that is durable, and then it counts for nothing. */
  record: string | null;
  removedAt: string | null;
  removedBy: string | null;
}

/** An act that was begun. It is there only while its record is not. */
export interface ActIntentRow {
  id: string;
  time: string;
  /** JSON. */
  body: string;
}

export interface ClearanceTables {
  clearances: ClearanceRow;
  waivers: WaiverRow;
  actIntents: ActIntentRow;
}

export async function makeClearanceTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("clearances")
    .addColumn("repository", "text", (column) => column.notNull())
    .addColumn("digest", "text", (column) => column.notNull())
    .addColumn("reference", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("policyDigest", "text", (column) => column.notNull())
    .addColumn("databaseVersion", "text")
    .addColumn("time", "text", (column) => column.notNull())
    .addColumn("because", "text")
    .addColumn("reasons", "text")
    .addColumn("record", "text")
    .addPrimaryKeyConstraint("clearances_key", ["repository", "digest"])
    .execute();
  await db.schema.createIndex("clearances_state").on("clearances").column("state").execute();
  await db.schema
    .createTable("waivers")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("bundle", "text", (column) => column.notNull())
    .addColumn("place", "text")
    .addColumn("expires", "text", (column) => column.notNull())
    .addColumn("record", "text")
    .addColumn("removedAt", "text")
    .addColumn("removedBy", "text")
    .execute();
  await db.schema
    .createTable("actIntents")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("time", "text", (column) => column.notNull())
    .addColumn("body", "text", (column) => column.notNull())
    .execute();
}
