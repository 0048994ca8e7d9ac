// The error codes of evidence: what a person can cause and mend.
import { defineErrors } from "@pratique/core";

export const evidenceErrors = defineErrors({
  "key.exposed": {
    status: 500,
    text: "the signing key {path} can be read by others (mode {mode})",
    hint: "chmod 600 {path}; if others may have read it, move it away and start again with a new key",
  },
  "key.invalid": {
    status: 500,
    text: "{path} is not an ECDSA P-256 private key in PEM form",
    hint: "restore it from a backup, or move it away: a new key is made on the next start",
  },
  "trust.invalid": {
    status: 400,
    text: "the trusted key `{name}` cannot be used: {reason}",
    hint: "give the public key in PEM form: ECDSA P-256 or P-384, Ed25519, or RSA of at least 2048 bits",
  },
  "trust.invalid-root": {
    status: 400,
    text: "the trusted root `{name}` cannot be used: {reason}",
    hint: "name a trusted_root.json of Sigstore, such as `pratique sigstore trust --out FILE` writes",
  },
  "trust.invalid-identity": {
    status: 400,
    text: "the trusted identity `{name}` cannot be used: {reason}",
    hint: "give an issuer, and a subject or a subjectPattern in which `*` stands for a part of a path",
  },
  "attestation.invalid": {
    status: 400,
    text: "this attestation cannot be made: {reason}",
    hint: "predicates are JSON objects of at most 32 MiB, nested at most 64 deep",
  },
});
