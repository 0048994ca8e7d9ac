// The port to keys: files in the home by default, a KMS or a PKCS#11 module behind the same interface.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { openLogKey, type LogKey } from "@pratique/audit";
import { ensureDirectory, fileError, systemCode, writeFileDurably } from "@pratique/store";
import { sigstoreErrors } from "./errors.ts";

/** What each key is for. The certificate authority, the SCTs, the timestamps. */
export type SigstoreKeyName = "ca" | "ct" | "tsa";

/** An ECDSA P-256 key whose private half stays where it is. */
export interface SigstoreKey {
  readonly publicKey: KeyObject;
  /** DER-encoded signature over SHA-256 of the bytes. */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

/** Where the keys of a Sigstore are kept. */
export interface SigstoreKeys {
  key(name: SigstoreKeyName): Promise<SigstoreKey>;
  /** The Ed25519 key that signs checkpoints of one of the logs. */
  logKey(name: "rekor" | "ct-log", origin: string): Promise<LogKey>;
}

const LIMIT_BYTES = 16 * 1024;

/**
 * Keys as PEM files with mode 0600, each made when it is first asked for.
 * @throws `sigstore.bad-key`, `audit.bad-key`
 */
export function fileKeys(directory: string): SigstoreKeys {
  return {
    async key(name) {
      await ensureDirectory(directory, 0o700);
      const file = join(directory, `${name}.pem`);
      const pem = (await readPrivateFile(file)) ?? (await makePrivateFile(file));
      return keyFromPem(pem, file);
    },
    async logKey(name, origin) {
      await ensureDirectory(directory, 0o700);
      return openLogKey(join(directory, `${name}.pem`), origin);
    },
  };
}

function keyFromPem(pem: string, file: string): SigstoreKey {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch {
    // The cause is left out: a parser's message may quote what it read.
    throw sigstoreErrors("sigstore.bad-key", { file, reason: "it is no private key in PEM form" });
  }
  return keyOf(privateKey, file);
}

/** A key that lives in memory. @throws `sigstore.bad-key` */
export function keyOf(privateKey: KeyObject, file = "in memory"): SigstoreKey {
  if (privateKey.asymmetricKeyDetails?.namedCurve !== "prime256v1") {
    throw sigstoreErrors("sigstore.bad-key", { file, reason: "it is no ECDSA P-256 key" });
  }
  return {
    publicKey: createPublicKey(privateKey),
    sign: async (bytes) => sign("sha256", bytes, privateKey),
  };
}

/** Checks and reads through one handle, so that what was checked is what is read. */
async function readPrivateFile(file: string): Promise<string | undefined> {
  try {
    const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { mode, size } = await handle.stat();
      if ((mode & 0o077) !== 0) throw sigstoreErrors("sigstore.bad-key", { file, reason: "others can read it" });
      if (size > LIMIT_BYTES) throw sigstoreErrors("sigstore.bad-key", { file, reason: "it is too large" });
      return await handle.readFile("utf8");
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    if (systemCode(error) === "ELOOP") {
      throw sigstoreErrors("sigstore.bad-key", { file, reason: "it is a link" }, { cause: error });
    }
    throw fileError(error, file);
  }
}

async function makePrivateFile(file: string): Promise<string> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await writeFileDurably(file, pem, { mode: 0o600 });
  return pem;
}
