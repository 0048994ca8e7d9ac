// What can go wrong in scanning and in stating what does not apply.
import { defineErrors } from "@pratique/core";

export const scanErrors = defineErrors({
  "scan.no-file": {
    status: 400,
    text: "{path} cannot be read: {reason}",
    hint: "name a file on the machine of the daemon, or an artifact: pratique ls",
  },
  "scan.not-signable": {
    status: 400,
    text: "the result of a scan of a file cannot be attached to anything",
    hint: "scan an artifact: pratique scan REF --attest",
  },
  "vex.unreadable": {
    status: 400,
    text: "{path} is neither OpenVEX nor a CSAF document",
    hint: "OpenVEX has `@context: https://openvex.dev/ns/v0.2.0`; nothing of it was applied",
  },
  "vex.no-reason": {
    status: 400,
    text: "not_affected needs a reason",
    hint: "add --justification vulnerable_code_not_in_execute_path (or another), or --explanation TEXT",
  },
  "vex.no-such-package": {
    status: 400,
    text: "{package} is not in {reference}",
    hint: "pratique scan {reference} --json lists the purls that findings have",
  },
  "vex.bad-expiry": {
    status: 400,
    text: "{expires} has passed already",
    hint: "name a time to come, such as 2027-06-30T00:00:00Z",
  },
});
