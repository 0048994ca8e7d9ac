// The error codes of durable storage.
import { defineErrors } from "@pratique/core";

export const storeErrors = defineErrors({
  "store.full": {
    status: 507,
    text: "no space left to write {path}",
    hint: "free disk space (df -h shows where it went), then try again: nothing acknowledged was lost",
  },
  "store.not-writable": {
    status: 500,
    text: "{path} cannot be written",
    hint: "check its owner and permissions, and that the file system is not read-only",
  },
  "store.io": { status: 500, text: "reading or writing {path} failed: {reason}", hint: "check the disk it is on" },
  "store.corrupt": {
    status: 500,
    text: "{path} is not a sound database",
    hint: "move it away and start again: records are rebuilt from the audit log; restore the rest from a backup",
  },
  "store.newer": {
    status: 500,
    text: "{path} was written by a newer version of Pratique ({reason})",
    hint: "install that version, or start with another --home",
  },
  "store.busy": {
    status: 503,
    text: "{path} is in use by another process",
    hint: "stop the other daemon that uses this directory",
  },
  "store.conflict": { status: 409, text: "{what} exists already", hint: "choose another name" },
  "store.missing": { status: 404, text: "there is no {what}", hint: "list what there is" },
  "store.unsupported-url": {
    status: 501,
    text: "a PostgreSQL database is not supported by this version",
    hint: "leave out the database address: the embedded database needs no set-up",
  },
});
