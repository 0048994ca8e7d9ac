// The ground floor: values and small mechanisms that every package shares. No I/O of its own.
export { coreErrors } from "./errors.ts";
export { systemClock, manualClock, type Clock, type ManualClock } from "./clock.ts";
export {
  algorithmOf,
  digestOf,
  Digester,
  hexOf,
  isDigest,
  parseDigest,
  type Digest,
  type DigestAlgorithm,
} from "./digest.ts";
export {
  defineErrors,
  isPratiqueError,
  PratiqueError,
  type ErrorDefinition,
  type ErrorFactory,
  type ErrorOptions,
  type RaiseOptions,
} from "./pratique-error.ts";
export { pooledRandom, uuidv7 } from "./ids.ts";
export { canonicalJson, isJsonObject, type Json, type JsonObject } from "./json.ts";
export { describeError, jsonLog, silentLog, type Log, type LogLevel } from "./log.ts";
export { Mutex, SingleFlight } from "./mutex.ts";
export { redactJson, redactText, type Redaction } from "./redact.ts";
export { parseJson, readBounded } from "./streams.ts";
