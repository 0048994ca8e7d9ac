// The key that signs checkpoints: Ed25519, in a PEM file that only its owner reads.
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { ensureDirectory, systemCode, writeFileDurably } from "@pratique/store";
import { auditErrors } from "./errors.ts";
import { formatVkey, isNoteName, noteKeyId } from "./note.ts";

export interface LogKey {
  /** The log's origin, e.g. `pratique.local/log`. */
  readonly name: string;
  /** Four bytes that tell keys apart in a note. */
  readonly keyId: Buffer;
  readonly publicKey: KeyObject;
  /** What a verifier is given: `name+hex+base64`. */
  readonly vkey: string;
  sign(bytes: Uint8Array): Uint8Array;
}

/**
 * Opens the log's key, and makes it when the file is missing.
 * @throws `audit.bad-key` for another kind of key, or one that others can read; `audit.bad-name`
 */
export async function openLogKey(file: string, name: string): Promise<LogKey> {
  if (!isNoteName(name)) throw auditErrors("audit.bad-name", { name });
  const privateKey = (await readKey(file)) ?? (await makeKey(file));
  const publicKey = createPublicKey(privateKey);
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  return {
    name,
    keyId: noteKeyId(name, raw),
    publicKey,
    vkey: formatVkey(name, raw),
    sign: (bytes) => sign(null, bytes, privateKey),
  };
}

async function readKey(file: string): Promise<KeyObject | undefined> {
  try {
    const { mode } = await stat(file);
    const key = createPrivateKey(await readFile(file, "utf8"));
    if ((mode & 0o077) === 0 && key.asymmetricKeyType === "ed25519") return key;
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return undefined;
    throw auditErrors("audit.bad-key", { file }, { cause });
  }
  throw auditErrors("audit.bad-key", { file });
}

async function makeKey(file: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync("ed25519");
  await ensureDirectory(dirname(file), 0o700);
  await writeFileDurably(file, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
  return privateKey;
}
