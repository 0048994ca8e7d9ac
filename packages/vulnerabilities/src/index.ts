// What is known to be wrong with the packages of an artifact.
export {
  AdvisoryDatabase,
  openAdvisoryDatabase,
  type AdvisoryChanges,
  type AdvisoryDatabaseOptions,
  type Examination,
} from "./database/advisory-database.ts";
export { componentKeys, type ComponentKeys, type UncheckedReason } from "./database/component-keys.ts";
export { vulnerabilityErrors } from "./errors.ts";
