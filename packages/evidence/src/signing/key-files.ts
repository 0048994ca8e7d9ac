// Keys in files: those that a person names by path, and how a file is made for a new one.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { signingErrors } from "./errors.ts";
import type { KeyAlgorithm } from "./key-algorithm.ts";
import type { KeyProvider } from "./key-provider.ts";
import type { KeyUri } from "./key-uri.ts";
import { isEncryptedPem, readPrivateKey } from "./private-key.ts";
import { readSecretFile } from "./secret-file.ts";
import { localSigningKey, type SigningKey } from "./signing-key.ts";

/** Opens the key in a file. @throws `key.exposed`, `key.unusable`, `key.passphrase-needed`, `key.passphrase-wrong` */
export async function openKeyFile(path: string, passphraseFile?: string): Promise<SigningKey> {
  const { key } = await readKeyFile(path, passphraseFile);
  const signing = localSigningKey(key);
  if (signing === undefined) throw signingErrors("key.unusable", { where: path, reason: "it is of another kind" });
  return signing;
}

/** The private key in a file, whatever protects it. A plain one must be the owner's alone. */
export async function readKeyFile(path: string, passphraseFile?: string): Promise<{ readonly key: KeyObject }> {
  const pem = await readSecretFile(path, isEncryptedPem);
  if (pem === undefined) throw signingErrors("key.unusable", { where: path, reason: "there is no such file" });
  const passphrase = passphraseFile === undefined ? undefined : await readPassphrase(passphraseFile);
  return { key: await readPrivateKey(pem, path, passphrase) };
}

/** The first line of a file; what an editor adds at its end does not belong to it. */
async function readPassphrase(path: string): Promise<string> {
  const text = await readSecretFile(path);
  if (text === undefined) throw signingErrors("key.unusable", { where: path, reason: "there is no such file" });
  return text.replace(/\r?\n$/, "");
}

/** A new private key in PKCS #8. */
export function generatePem(algorithm: KeyAlgorithm): string {
  const { privateKey } =
    algorithm === "ed25519"
      ? generateKeyPairSync("ed25519")
      : generateKeyPairSync("ec", { namedCurve: algorithm === "ecdsa-p256" ? "prime256v1" : "secp384r1" });
  return pemOf(privateKey);
}

export function pemOf(privateKey: KeyObject): string {
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** The same key again, from a PEM of ours. */
export function signingKeyOf(pem: string): SigningKey {
  const key = localSigningKey(createPrivateKey(pem));
  if (key === undefined) throw new Error("a key of another kind was made");
  return key;
}

/** `file:/path`; an encrypted one only through the configuration, which names its passphrase's file. */
export function fileKeys(): KeyProvider {
  return {
    holds: "a file",
    schemes: ["file"],
    open: (uri) => openKeyFile(filePathOf(uri)),
  };
}

/** The path in `file:/path` or `file:///path`. @throws `key.bad-uri` */
export function filePathOf({ rest, text }: KeyUri): string {
  try {
    if (rest.startsWith("///")) return fileURLToPath(`file:${rest}`);
    const path = decodeURIComponent(rest);
    if (path.startsWith("/") && !path.startsWith("//") && !path.includes("\0")) return resolve(path);
  } catch {
    // Falls through to the one answer.
  }
  throw signingErrors("key.bad-uri", { uri: text, reason: "file: takes an absolute path" });
}
