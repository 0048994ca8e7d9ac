// What can be wrong with policies that somebody hands us.
import { defineErrors } from "@pratique/core";

export const policyErrors = defineErrors({
  "policy.invalid": {
    status: 400,
    text: "{file}:{line}:{column}: {message}",
    hint: "mend the policy, then: pratique policy check",
  },
  "policy.too-large": {
    status: 413,
    text: "{what}: more than the {limit} {unit} allowed",
    hint: "split it, or drop what no longer decides anything",
  },
});
