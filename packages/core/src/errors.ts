// The error codes of the ground floor.
import { defineErrors } from "./pratique-error.ts";

export const coreErrors = defineErrors({
  "digest.invalid": {
    status: 400,
    text: "`{digest}` is not a digest",
    hint: "a digest is sha256: or sha512: followed by 64 or 128 lower-case hex characters",
  },
  "input.too-large": {
    status: 413,
    text: "{what} is larger than the {limitBytes} bytes allowed",
    hint: "send less, or split it",
  },
  "input.not-json": { status: 400, text: "{what} is not valid JSON", hint: "check it with a JSON parser" },
});
