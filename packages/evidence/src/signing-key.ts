// The signing key: ECDSA P-256 in PEM files, as cosign takes them.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { ensureDirectory, fileError, systemCode, writeFileDurably } from "@pratique/store";
import { evidenceErrors } from "./errors.ts";

/** A key that signs; its private half stays inside. */
export interface SigningKey {
  /** Base64 SHA-256 of the public key's DER SPKI: the `hint` of a bundle. */
  readonly keyId: string;
  readonly publicKeyPem: string;
  /** DER-encoded ECDSA signature over SHA-256. */
  sign(bytes: Uint8Array): Uint8Array;
}

const PRIVATE_FILE = "signing-key.pem";
const PUBLIC_FILE = "cosign.pub";
const KEY_LIMIT_BYTES = 16 * 1024;

/**
 * Opens the key in a directory, or makes one: `signing-key.pem` (0600) and `cosign.pub`.
 * @throws `key.exposed` when others may read the private key, `key.invalid` when it is no P-256 key
 */
export async function openSigningKey(directory: string): Promise<SigningKey> {
  await ensureDirectory(directory, 0o700);
  const path = join(directory, PRIVATE_FILE);
  const pem = (await readPrivateFile(path)) ?? (await makePrivateFile(path));
  const key = signingKeyFromPem(pem, path);
  // Written again on each start: a copy that differs would make people trust the wrong key.
  await writeFileDurably(join(directory, PUBLIC_FILE), key.publicKeyPem);
  return key;
}

/** The id of a public key, as bundles name it. */
export function keyIdOf(publicKey: KeyObject): string {
  return createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("base64");
}

function signingKeyFromPem(pem: string, path: string): SigningKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    // The cause is left out: a parser's message may quote what it read.
    throw evidenceErrors("key.invalid", { path });
  }
  if (privateKey.asymmetricKeyDetails?.namedCurve !== "prime256v1") throw evidenceErrors("key.invalid", { path });
  const publicKey = createPublicKey(privateKey);
  return {
    keyId: keyIdOf(publicKey),
    publicKeyPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    sign: (bytes) => sign("sha256", bytes, privateKey),
  };
}

/** Checks and reads through one handle, so that what was checked is what is read. */
async function readPrivateFile(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { mode, size } = await file.stat();
      if ((mode & 0o077) !== 0) throw evidenceErrors("key.exposed", { path, mode: (mode & 0o777).toString(8) });
      if (size > KEY_LIMIT_BYTES) throw evidenceErrors("key.invalid", { path });
      return await file.readFile("utf8");
    } finally {
      await file.close();
    }
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    if (systemCode(error) === "ELOOP") throw evidenceErrors("key.invalid", { path }, { cause: error });
    throw fileError(error, path);
  }
}

async function makePrivateFile(path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await writeFileDurably(path, pem, { mode: 0o600 });
  return pem;
}
