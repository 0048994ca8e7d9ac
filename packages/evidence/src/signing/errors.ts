// The error codes of signing keys: what a person can cause and mend.
import { defineErrors, type PratiqueError } from "@pratique/core";
import type { KeyUri } from "./key-uri.ts";

export const signingErrors = defineErrors({
  "key.not-found": {
    status: 404,
    text: "there is no signing key `{name}`",
    hint: "`pratique key ls` lists them; `pratique key create {name}` makes one",
  },
  "key.exists": {
    status: 409,
    text: "there is a signing key `{name}` already",
    hint: "choose another name: a key is never replaced",
  },
  "key.bad-name": {
    status: 400,
    text: "`{name}` cannot be the name of a key: {reason}",
    hint: "use lower-case letters, digits, dots, dashes and underscores, at most 63",
  },
  "key.bad-uri": {
    status: 400,
    text: "`{uri}` does not name a key: {reason}",
    hint: "a name of `pratique key ls`, file:/path, pkcs11:token=T;object=O, or hashivault://NAME",
  },
  "key.unknown-scheme": {
    status: 400,
    text: "no provider here knows keys of the form {scheme}:",
    hint: "there are providers for {known}",
  },
  "key.not-configured": {
    status: 400,
    text: "keys of the form {scheme}: cannot be used here: {reason}",
    hint: "see the key `signing` of pratique.yaml",
  },
  "key.unusable": {
    status: 400,
    text: "{where} is no key that can sign here: {reason}",
    hint: "a key is ECDSA P-256 or P-384, or Ed25519: a PEM file (PKCS #8, SEC 1, or cosign's), a token's, or a key service's",
  },
  "key.passphrase-needed": {
    status: 400,
    text: "{where} is encrypted, and no passphrase was given",
    hint: "write it into a file that only you can read, and name it: --passphrase-file FILE, or `passphraseFile` in pratique.yaml",
  },
  "key.passphrase-wrong": {
    status: 400,
    text: "the passphrase does not open {where}",
    hint: "look for a line that is too much in the passphrase's file, or another key",
  },
  "key.unreachable": {
    status: 502,
    text: "{where} does not answer: {reason}",
    hint: "look whether it is there and reachable from this machine",
  },
  "key.refused": {
    status: 502,
    text: "{where} did not sign: {reason}",
    hint: "look at its own log, and at what its token, PIN or policy allows",
  },
});

/** For a key that is not where its URI says. */
export function noKeyAt({ text }: KeyUri): PratiqueError {
  return signingErrors(
    "key.not-found",
    { name: text },
    { hint: `\`pratique key create NAME --uri ${text}\` makes one` },
  );
}
