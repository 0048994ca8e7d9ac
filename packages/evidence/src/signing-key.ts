// The owner's signing key: ECDSA P-256 in PEM files, as cosign takes them.
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { ensureDirectory, writeFileDurably } from "@pratique/store";
import { evidenceErrors } from "./errors.ts";
import { readSecretFile } from "./signing/secret-file.ts";
import { localSigningKey, type SigningKey } from "./signing/signing-key.ts";

const PRIVATE_FILE = "signing-key.pem";
const PUBLIC_FILE = "cosign.pub";

/**
 * Opens the key in a directory, or makes one: `signing-key.pem` (0600) and `cosign.pub`.
 * @throws `key.exposed` when others may read the private key, `key.invalid` when it is no P-256 key
 */
export async function openSigningKey(directory: string): Promise<SigningKey> {
  await ensureDirectory(directory, 0o700);
  const path = join(directory, PRIVATE_FILE);
  const pem = (await readSecretFile(path)) ?? (await makePrivateFile(path));
  const key = signingKeyFromPem(pem, path);
  // Written again on each start: a copy that differs would make people trust the wrong key.
  await writeFileDurably(join(directory, PUBLIC_FILE), key.publicKeyPem);
  return key;
}

function signingKeyFromPem(pem: string, path: string): SigningKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    // The cause is left out: a parser's message may quote what it read.
    throw evidenceErrors("key.invalid", { path });
  }
  const key = localSigningKey(privateKey);
  if (key?.algorithm !== "ecdsa-p256") throw evidenceErrors("key.invalid", { path });
  return key;
}

async function makePrivateFile(path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await writeFileDurably(path, pem, { mode: 0o600 });
  return pem;
}
