// The error codes of identity. Who cannot be authenticated is no error: there is no principal, and policy denies.
import { defineErrors } from "@pratique/core";

export const identityErrors = defineErrors({
  "identity.token-exposed": {
    status: 500,
    text: "the owner token in {file} may have been read by others ({reason})",
    hint: "delete the file: the next start makes a new token that only you can read",
  },
  "identity.token-malformed": {
    status: 500,
    text: "{file} does not hold an owner token",
    hint: "delete the file: the next start makes a new token",
  },
  "identity.owner-malformed": {
    status: 500,
    text: "{file} does not hold the owner's id",
    hint: "restore it from a backup; it is `user-` and a UUID. A new one would be another person to the audit log",
  },
  "identity.bad-trust-domain": {
    status: 400,
    text: "`{name}` is no trust domain",
    hint: "lower-case letters, digits, dots, dashes and underscores, at most 255 of them",
  },
  "identity.bad-workload": {
    status: 400,
    text: "a workload cannot be named `{path}`: {reason}",
    hint: "a path of segments of letters, digits, dots, dashes and underscores, e.g. run/1/agent/root",
  },
  "identity.reserved-group": {
    status: 400,
    text: "`{group}` is given to the owner of this installation and to nobody else",
    hint: "choose another group",
  },
});
