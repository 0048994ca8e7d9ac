// The error codes of signing without a key.
import { defineErrors } from "@pratique/core";

export const keylessErrors = defineErrors({
  "keyless.bad-config": {
    status: 400,
    text: "the signing config cannot be used: {reason}",
    hint: "name one with `signing.keyless.signingConfig`, such as `pratique sigstore trust --signing-config FILE` writes",
  },
  "keyless.bad-token": {
    status: 400,
    text: "the identity token cannot be used: {reason}",
    hint: "give an OIDC token with --identity-token FILE or in SIGSTORE_ID_TOKEN; its audience must be what the certificate authority expects",
  },
  "keyless.refused": {
    status: 502,
    text: "{service} refused: {reason}",
    hint: "read the answer; an expired token, a wrong audience and an issuer that it does not know are the usual causes",
  },
  "keyless.unreachable": {
    status: 503,
    text: "{service} cannot be reached: {reason}",
    hint: "check the address in the signing config and the network, and sign again: nothing was attached",
  },
  "keyless.unverified": {
    status: 502,
    text: "what came back does not verify under the trusted root: {reason}",
    hint: "the signing config and the trusted root must be of the same Sigstore; nothing was attached",
  },
});
