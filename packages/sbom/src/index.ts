// What an artifact consists of, and how that is written down.
export { sbomErrors } from "./errors.ts";
export type { Catalogue, CatalogueLimits, CatalogueOptions, Distribution, Unread } from "./catalogue/catalogue.ts";
export { catalogueArtifact, type CatalogueSource } from "./catalogue/catalogue-artifact.ts";
