// The error codes of the audit log.
import { defineErrors } from "@pratique/core";

export const auditErrors = defineErrors({
  "audit.full": {
    status: 507,
    text: "no space left for the audit log in {path}",
    hint: "free disk space; until then everything is denied, since nothing may happen unrecorded",
  },
  "audit.unavailable": {
    status: 503,
    text: "the audit log in {path} cannot be written: {reason}",
    hint: "check the disk it is on; everything is denied until it can be written",
  },
  "audit.closed": { status: 503, text: "the audit log is closed", hint: "start the daemon again" },
  "audit.corrupt": {
    status: 500,
    text: "{file} of the audit log is damaged: {reason}",
    hint: "run `pratique audit verify` for the whole picture, and restore the log's directory from a backup",
  },
  "audit.rolled-back": {
    status: 500,
    text: "the audit log has {records} records, but {indexed} were acknowledged: it was cut or replaced by an older copy",
    hint: "put the newer log directory back",
  },
  "audit.wrong-key": {
    status: 500,
    text: "{file} is not signed by the log's key {key}",
    hint: "put back the key file that this log was begun with",
  },
  "audit.bad-key": {
    status: 500,
    text: "{file} is no Ed25519 private key that only its owner can read",
    hint: "restore it from a backup; mode 0600, PEM",
  },
  "audit.bad-name": {
    status: 400,
    text: "`{name}` cannot name a log",
    hint: "a log's name has no spaces and no plus sign, e.g. pratique.local/log",
  },
  "audit.bad-record": { status: 500, text: "a record does not have the form of one: {reason}" },
  "audit.too-large": { status: 413, text: "a record has {sizeBytes} bytes; the log takes {limitBytes}" },
  "audit.bad-note": { status: 400, text: "{what} is no checkpoint: {reason}", hint: "pass the whole signed note" },
  "audit.no-record": { status: 404, text: "the log has no record {sequence}", hint: "it has {size} records" },
});
