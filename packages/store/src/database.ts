// The database: opened, migrated, and handed out as typed tables.
import { open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Kysely } from "kysely";
import {
  actIntentTable,
  clearanceTable,
  waiverTable,
  type ActIntentTable,
  type ClearanceTable,
  type WaiverTable,
} from "./clearance-table.ts";
import { approvalTable, type ApprovalTable } from "./approval-table.ts";
import { decisionInputTable, type DecisionInputTable } from "./decision-input-table.ts";
import { ensureDirectory, syncDirectory } from "./durable-file.ts";
import { storeErrors } from "./errors.ts";
import { fileError, systemCode } from "./file-error.ts";
import { profileTable, quotaTable, type ProfileTable, type QuotaTable } from "./gateway-table.ts";
import { inventoryTable, type InventoryTable } from "./inventory-table.ts";
import { migrate } from "./migrations.ts";
import { registryJournal, type RegistryJournal } from "./registry-journal.ts";
import { recordTable, type RecordTable } from "./record-table.ts";
import { runTable, type RunTable } from "./run-table.ts";
import { leaseTable, secretTable, type LeaseTable, type SecretTable } from "./secret-table.ts";
import { serverTable, type ServerTable } from "./server-table.ts";
import {
  secretAllowanceTable,
  serverPinTable,
  type SecretAllowanceTable,
  type ServerPinTable,
} from "./shield-table.ts";
import { openSqlite } from "./sqlite.ts";
import type { Tables } from "./tables.ts";

export interface Database {
  readonly records: RecordTable;
  readonly runs: RunTable;
  readonly servers: ServerTable;
  readonly registry: RegistryJournal;
  readonly inventory: InventoryTable;
  readonly clearances: ClearanceTable;
  readonly waivers: WaiverTable;
  readonly actIntents: ActIntentTable;
  readonly decisionInputs: DecisionInputTable;
  readonly secretAllowances: SecretAllowanceTable;
  readonly serverPins: ServerPinTable;
  readonly approvals: ApprovalTable;
  readonly quotas: QuotaTable;
  readonly profiles: ProfileTable;
  readonly secrets: SecretTable;
  readonly leases: LeaseTable;
  close(): Promise<void>;
}

/**
 * Opens a database and brings it to this version. An embedded one (`file`) belongs to this process alone.
 * @throws `store.newer`, `store.corrupt`, `store.busy`, `store.not-writable`, `store.full`, `store.unsupported-url`
 */
export async function openDatabase(options: { readonly file: string } | { readonly url: string }): Promise<Database> {
  if ("url" in options) throw storeErrors("store.unsupported-url");
  await ensureFile(options.file);
  const { dialect, close } = openSqlite(options.file);
  const db = new Kysely<Tables>({ dialect });
  try {
    await migrate(db, options.file);
  } catch (error) {
    close();
    throw error;
  }
  return {
    records: recordTable(db),
    runs: runTable(db),
    servers: serverTable(db),
    registry: registryJournal(db),
    inventory: inventoryTable(db),
    clearances: clearanceTable(db),
    waivers: waiverTable(db),
    actIntents: actIntentTable(db),
    decisionInputs: decisionInputTable(db),
    secretAllowances: secretAllowanceTable(db),
    serverPins: serverPinTable(db),
    approvals: approvalTable(db),
    quotas: quotaTable(db),
    profiles: profileTable(db),
    secrets: secretTable(db),
    leases: leaseTable(db),
    close: () => db.destroy(),
  };
}

/** SQLite gives its WAL the mode of the database file, so that file is made private first. */
export async function ensureFile(file: string): Promise<void> {
  await ensureDirectory(dirname(file), 0o700);
  try {
    await stat(file);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw fileError(error, file);
    const made = await open(file, "a", 0o600).catch((cause: unknown) => {
      throw fileError(cause, file);
    });
    await made.close();
    await syncDirectory(dirname(file));
  }
}
