// Durable storage: files that are whole or absent, and the database.
export {
  ensureDirectory,
  removeLeftovers,
  syncDirectory,
  writeFileDurably,
  writeFilesDurably,
  type DurableFile,
} from "./durable-file.ts";
export { AdvisoryFile, openAdvisoryFile } from "./advisory-file.ts";
export type { AdvisoryRow, AdvisoryVersion, AffectedRow, NewAdvisory, PackageKey } from "./advisory-rows.ts";
export type { AdvisoryWriter } from "./advisory-writer.ts";
export type { ActIntentRow, ClearanceRow, WaiverRow } from "./clearance-rows.ts";
export type { ActIntentTable, ClearanceTable, WaiverTable } from "./clearance-table.ts";
export { openDatabase, type Database } from "./database.ts";
export { storeErrors } from "./errors.ts";
export { fileError, systemCode } from "./file-error.ts";
export type {
  InventoryArtifactRow,
  InventoryChangeRow,
  InventoryFindingRow,
  InventoryPackageRow,
} from "./inventory-rows.ts";
export type { InventoryTable, PackageUse } from "./inventory-table.ts";
export type {
  NewInventoryArtifact,
  NewInventoryDocument,
  NewInventoryFinding,
  NewInventoryPackage,
} from "./inventory-writer.ts";
export type { RecordQuery, RecordTable } from "./record-table.ts";
export type {
  EventQuery,
  JournalBatch,
  MoveQuery,
  NewRegistryEvent,
  NewTagMove,
  RegistryJournal,
} from "./registry-journal.ts";
export type { DeliveryRow, ManifestTimeRow, RegistryEventRow, TagMoveRow } from "./registry-rows.ts";
export type { SecretRow } from "./secret-rows.ts";
export type { LeaseTable, SecretKey, SecretTable } from "./secret-table.ts";
export type { RunTable } from "./run-table.ts";
export type { ServerTable } from "./server-table.ts";
export type { SecretAllowanceRow, SecretAllowanceTable, ServerPinRow, ServerPinTable } from "./shield-table.ts";
export type { RecordRow, RunRow, ServerRow } from "./tables.ts";
export type { ProfileRow, ProfileTable, QuotaTable } from "./gateway-table.ts";
