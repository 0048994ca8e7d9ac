// The key that signs tokens for registry clients: its own, so that no token can pass for anything else that is signed.
import { writeFileDurably } from "@pratique/store";
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import { registryErrors } from "../errors.ts";

/** Reads the key (Ed25519, PKCS #8 in PEM), and makes it when there is none. @throws `registry.token-key-invalid` */
export async function openTokenKey(file: string): Promise<KeyObject> {
  let pem: string;
  try {
    pem = await readFile(file, "utf8");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    const { privateKey } = generateKeyPairSync("ed25519");
    await writeFileDurably(file, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
    return privateKey;
  }
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === "ed25519") return key;
  } catch {
    // Its own text would quote the key.
  }
  throw registryErrors("registry.token-key-invalid", { file });
}
