// A private key from its PEM text: PKCS #8 and SEC 1, plain or with a passphrase, and cosign's own form.
import { createPrivateKey, type KeyObject } from "node:crypto";
import { isCosignKey, openCosignKey } from "./cosign-key.ts";
import { signingErrors } from "./errors.ts";
import { keyAlgorithmOf } from "./key-algorithm.ts";

/** True when a passphrase is needed. */
export function isEncryptedPem(pem: string): boolean {
  return pem.includes("-----BEGIN ENCRYPTED ") || /^Proc-Type: 4,ENCRYPTED/m.test(pem);
}

/**
 * Reads a private key. `where` names it in errors; none of them quotes the text, the passphrase or what a parser said.
 * @throws `key.unusable`, `key.passphrase-needed`, `key.passphrase-wrong`
 */
export async function readPrivateKey(pem: string, where: string, passphrase?: string): Promise<KeyObject> {
  const isEncrypted = isEncryptedPem(pem);
  if (isEncrypted && passphrase === undefined) throw signingErrors("key.passphrase-needed", { where });
  const key = isCosignKey(pem)
    ? await fromCosign(pem, where, passphrase ?? "")
    : fromPem(pem, where, isEncrypted ? passphrase : undefined);
  if (keyAlgorithmOf(key) === undefined) {
    throw signingErrors("key.unusable", { where, reason: "it is of another kind or curve" });
  }
  return key;
}

async function fromCosign(pem: string, where: string, passphrase: string): Promise<KeyObject> {
  const opened = await openCosignKey(pem, passphrase);
  if (opened.ok) {
    try {
      return createPrivateKey({ key: opened.der, format: "der", type: "pkcs8" });
    } catch {
      throw signingErrors("key.unusable", { where, reason: "what it encrypts is no PKCS #8 key" });
    }
  }
  if (opened.reason === "passphrase") throw signingErrors("key.passphrase-wrong", { where });
  throw signingErrors("key.unusable", { where, reason: "it is not in the form that cosign writes" });
}

function fromPem(pem: string, where: string, passphrase: string | undefined): KeyObject {
  try {
    return createPrivateKey({ key: pem, format: "pem", ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    // The cause is left out: a parser's message may quote what it read.
    if (passphrase !== undefined) throw signingErrors("key.passphrase-wrong", { where });
    throw signingErrors("key.unusable", { where, reason: "it is no private key in PEM form" });
  }
}
