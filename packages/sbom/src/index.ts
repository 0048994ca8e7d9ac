// What an artifact consists of, and how that is written down.
export { sbomErrors } from "./errors.ts";
export type { Catalogue, CatalogueLimits, CatalogueOptions, Distribution, Unread } from "./catalogue/catalogue.ts";
export { catalogueArtifact, type CatalogueSource } from "./catalogue/catalogue-artifact.ts";
export { catalogueDirectory, type CatalogueDirectoryOptions } from "./catalogue/catalogue-directory.ts";
export {
  COMMAND_PROPERTY,
  permissionProperty,
  TOOL_PROPERTY,
  TRANSPORT_PROPERTY,
  type Permission,
} from "./documents/capability.ts";
export { diffSboms, type CompareVersions, type SbomDiff } from "./documents/diff/diff-sboms.ts";
export { imageFiles, type ImageFiles, type LayerFiles } from "./documents/diff/image-files.ts";
export { componentOfPackage, packageComponentsOf } from "./documents/package-component.ts";
export { licenceSummary, type LicenceSummary } from "./documents/licences/licence-summary.ts";
export { normaliseLicence, type NormalisedLicence } from "./documents/licences/normalise-licence.ts";
export {
  UNSAFE_FORMAT_PROPERTY,
  type ComponentType,
  type ModelCard,
  type ModelOrigin,
  type ReadSbom,
  type SbomComponent,
  type SbomDocument,
  type SbomSubject,
  type UnreadPart,
} from "./documents/sbom-document.ts";
export { ociPurl, parsePurl } from "./documents/purl.ts";
export { readSbom, sbomFacts, type SbomFacts } from "./documents/sbom-facts.ts";
export {
  CYCLONEDX_PREDICATE_TYPE,
  isSbomPredicate,
  parseSbomFormat,
  predicateTypeOf,
  readSbomDocument,
  SBOM_LIMIT_BYTES,
  SBOM_FORMATS,
  sbomJsonOf,
  SPDX_PREDICATE_TYPE,
  writeSbom,
  type SbomFormat,
} from "./documents/sbom-format.ts";
export { SbomValidator, type SbomProblem, type SbomValidation } from "./documents/validate-sbom.ts";
