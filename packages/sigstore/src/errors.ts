// The error codes of the embedded Sigstore: what a client or an operator can cause and mend.
import { defineErrors } from "@pratique/core";

export const sigstoreErrors = defineErrors({
  "sigstore.bad-request": {
    status: 400,
    text: "this request cannot be read: {problem}",
    hint: "use a Sigstore client for Fulcio v2, Rekor v2 or RFC 3161, such as cosign 3",
  },
  "sigstore.token-rejected": {
    status: 401,
    text: "the identity token is not accepted: {reason}",
    hint: "get a fresh token with audience `{audience}` from an issuer that `sigstore.issuers` names",
  },
  "sigstore.unknown-issuer": {
    status: 401,
    text: "the issuer {issuer} is not trusted here",
    hint: "add it to `sigstore.issuers` in pratique.yaml, or get a token from an issuer that is there",
  },
  "sigstore.issuer-unreachable": {
    status: 503,
    text: "the keys of {issuer} cannot be had: {reason}",
    hint: "check that the daemon can reach the issuer, or name a file with its keys as `jwksFile`",
  },
  "sigstore.no-possession": {
    status: 400,
    text: "possession of the key is not proved: {reason}",
    hint: "sign the token's subject (or e-mail address) with the key, or send a certificate signing request",
  },
  "sigstore.unsupported-key": {
    status: 400,
    text: "this key is not accepted: {reason}",
    hint: "use an ECDSA P-256 key",
  },
  "sigstore.bad-signature": {
    status: 400,
    text: "the signature does not verify: {reason}",
    hint: "log the SHA-256 of what was signed, the DER-encoded signature, and the key or certificate that made it",
  },
  "sigstore.too-many": {
    status: 429,
    text: "too many entries and timestamps are asked for without a token; there are {perSecond} a second",
    hint: "ask again in a second, or send a token of this daemon (`pratique token`)",
  },
  "sigstore.not-found": {
    status: 404,
    text: "there is nothing at {path}",
    hint: "run `pratique sigstore status`, which lists the addresses",
  },
  "sigstore.wrong-method": {
    status: 405,
    text: "{path} takes {method} only",
    hint: "use a Sigstore client for Fulcio v2, Rekor v2 or RFC 3161, such as cosign 3",
  },
  "sigstore.bad-key": {
    status: 500,
    text: "the key {file} cannot be used: {reason}",
    hint: "chmod 600 {file}, or restore it from a backup; a lost key ends the trust in what it signed",
  },
  "sigstore.bad-certificate": {
    status: 500,
    text: "the certificate {file} cannot be used: {reason}",
    hint: "restore the directory of the embedded Sigstore from a backup as a whole",
  },
  "sigstore.bad-issuer": {
    status: 500,
    text: "the issuer {issuer} cannot be used: {reason}",
    hint: "name issuers by their https address; http is accepted on loopback only",
  },
});
