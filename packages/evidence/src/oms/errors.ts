// The error codes of model signing.
import { defineErrors } from "@pratique/core";

export const omsErrors = defineErrors({
  "oms.not-a-file": {
    status: 400,
    text: "{path} is neither a file nor a directory",
    hint: "a model signature covers plain files: replace links by what they point to, or leave them out with --ignore",
  },
  "oms.too-many": {
    status: 413,
    text: "{path} holds more than {limit} files",
    hint: "sign a directory that holds the model alone, or leave some out with --ignore",
  },
  "oms.empty": { status: 400, text: "{path} holds no file to sign", hint: "name the directory that holds the model" },
  "oms.key-unusable": {
    status: 400,
    text: "model signatures are made with ECDSA keys, and {key} is {algorithm}",
    hint: "make one with: pratique key create NAME --type ecdsa-p256",
  },
  "oms.no-signature": {
    status: 404,
    text: "there is no model signature at {path}",
    hint: "name its file with --signature, or make one with: pratique sign {path} --oms",
  },
});
