// What is known to be wrong with the packages of an artifact.
export {
  AdvisoryDatabase,
  openAdvisoryDatabase,
  type AdvisoryChanges,
  type AdvisoryDatabaseOptions,
  type Examination,
} from "./database/advisory-database.ts";
export { advisoryKeys, componentKeys, type ComponentKeys, type UncheckedReason } from "./database/component-keys.ts";
export { vulnerabilityErrors } from "./errors.ts";
export { importInThread } from "./import/import-thread.ts";
export { removeDownloads } from "./import/mirror.ts";
export type { FeedSource } from "./import/update-source.ts";
export { importPath, type ImportOptions } from "./import/import-path.ts";
export type { Advisories } from "./inventory/advisories.ts";
export {
  Inventory,
  type InventoryChange,
  type InventoryEntry,
  type InventoryOptions,
  type InventoryUpdate,
  type PackageChange,
} from "./inventory/inventory.ts";
export { componentOf, type Listing, type ListingOrigin } from "./inventory/listing.ts";
export { storedFindingOf, type StoredFinding } from "./inventory/stored-finding.ts";
export { assess, type Assessment, type AssessingDatabase, type AssessmentInput } from "./report/assess.ts";
export { isAtLeast, isOpen } from "./report/count-findings.ts";
export { sarifOf } from "./report/sarif.ts";
export { scanFindings, type PlacedComponent } from "./report/scan-finding.ts";
export {
  VULNERABILITY_PREDICATE,
  vulnerabilityPredicate,
  type ScannerFacts,
} from "./report/vulnerability-predicate.ts";
export { versionOrderOf } from "./versions/order-of.ts";
export type { VexSource, VexSubject } from "./vex/apply-vex.ts";
export { parsePurl, purlMatches, type ParsedPurl } from "./vex/purl-match.ts";
export { isVexPredicate, OPENVEX_PREDICATE, readVex } from "./vex/read-vex.ts";
export { addVexStatement, OPENVEX_CONTEXT, type NewVexStatement } from "./vex/write-openvex.ts";
export type { IgnoredStatement, VexReading, VexStatement } from "./vex/vex-statement.ts";
