// Finds secrets in text and JSON, in one pass over many patterns, also where a stream splits them.
export { type Finding } from "./finding.ts";
export { SecretScanner } from "./json-scanner.ts";
export { type SecretStream } from "./secret-stream.ts";
export { KnownValues, type KnownValue } from "./known-values.ts";
