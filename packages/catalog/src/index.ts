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
