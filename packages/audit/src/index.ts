// The audit log: an append-only Merkle log in the C2SP tlog-tiles layout.
export {
  openAuditLog,
  type AuditLog,
  type AuditLogOptions,
  type ConsistencyProof,
  type InclusionProof,
  type Later,
} from "./audit-log.ts";
export { auditErrors } from "./errors.ts";
export type { AppendFile, LogFiles } from "./log-files.ts";
export { openLogKey, type LogKey } from "./log-key.ts";
export { leafHash, nodeHash, verifyConsistency, verifyInclusion } from "./merkle.ts";
export { openCheckpoint, parseVkey, type Checkpoint, type NoteVerifier } from "./note.ts";
export { RecordTemplate } from "./record-template.ts";
export { TileLog, type LoggedEntry, type TileLogOptions } from "./tile-log.ts";
export type { VerifyCheck, VerifyReport } from "./verify-report.ts";
export { verifyLogDirectory } from "./verify.ts";
