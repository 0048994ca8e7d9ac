// How an act ends when it may not happen, or may not be told of.
import { defineErrors } from "@pratique/core";

export const guardErrors = defineErrors({
  "policy.denied": { status: 403, text: "{reason}", hint: "{remedy}" },
  "guard.record-failed": {
    status: 503,
    text: "the record of {action} cannot be written, so its result is withheld",
    hint: "free space under the audit log and see that it is writable; pratique doctor tells more",
  },
});
