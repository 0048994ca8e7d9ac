// What can go wrong with secrets. No text here ever holds a value.
import { defineErrors } from "@pratique/core";

export const secretErrors = defineErrors({
  "secret.bad-name": {
    status: 400,
    text: "`{name}` cannot be the name of a secret",
    hint: "letters, digits and . _ - /, up to 200, beginning with a letter or a digit: github-token",
  },
  "secret.bad-value": {
    status: 400,
    text: "the value of {name} cannot be kept: {reason}",
    hint: "a secret is text of 1 byte to 64 KiB without NUL",
  },
  "secret.not-found": {
    status: 404,
    text: "there is no secret {name}",
    hint: "pratique secret set {name} keeps one; pratique secret ls lists them",
  },
  "secret.conflict": {
    status: 409,
    text: "the secret {name} was changed by somebody else meanwhile",
    hint: "look at pratique secret ls, and set it again if that is still wanted",
  },
  "secret.unreadable": {
    status: 500,
    text: "the secret {name} cannot be opened: it is not what was kept under that name",
    hint: "the database was changed from outside; set the secret again: pratique secret set {name}",
  },
  "secrets.key-missing": {
    status: 500,
    text: "the key {keyId} that secrets lie under is not in {place}",
    hint: "bring back the back end that held it, or name it in `secrets.formerKeys` and run pratique secret rotate",
  },
  "secrets.keys-unusable": {
    status: 500,
    text: "the keys of the secrets cannot be used: {place}: {reason}",
    hint: "pratique doctor says which back end holds them; see `secrets.keys` in the configuration",
  },
  "secrets.keys-unreachable": {
    status: 503,
    text: "the keys of the secrets cannot be reached: {place}: {reason}",
    hint: "start it or unlock it, and try again; pratique doctor says which back end holds them",
  },
  "secrets.source-failed": {
    status: 502,
    text: "{place} did not give the secret {name}: {reason}",
    hint: "see `secrets.sources` in the configuration",
  },
});
