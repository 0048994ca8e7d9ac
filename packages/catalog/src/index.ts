// Catalogs of MCP servers: signed lists, imported from others' formats, reviewed, served.
export { catalogErrors } from "./errors.ts";
export { checkCatalog, encodeCatalog, parseCatalog, writeCatalogYaml } from "./catalog-document.ts";
export { DOCUMENT_LIMITS, readDocument } from "./read-document.ts";
export {
  distinct,
  importDocker,
  importMcpb,
  importServerJson,
  importToolhive,
  originalOf,
  type ImportedList,
} from "./import-catalog.ts";
export { exportCatalog, type ExportFormat } from "./export-catalog.ts";
export { fillEntry, type FilledEntry } from "./fill-entry.ts";
export type { CatalogChange } from "./review/change.ts";
export { reviewCatalog, type CatalogReview } from "./review/review-catalog.ts";
export { datedAfter, publishProblems, type EntryProblem } from "./publishable.ts";
export { listServers, serverAnswer, type ListedServer } from "./registry-api/answer.ts";
export { pageOf, parseServerQuery } from "./registry-api/query.ts";
export { editCatalog, type CatalogEdit } from "./edit-catalog.ts";
export { mergeEntry } from "./merge-entry.ts";
