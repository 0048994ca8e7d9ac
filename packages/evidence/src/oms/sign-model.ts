// Signs a model's files: from an artifact, whose digests are known, or from a directory, which is hashed.
import { evidenceErrors } from "../errors.ts";
import type { SigningKey } from "../signing/signing-key.ts";
import { omsErrors } from "./errors.ts";
import { makeOmsBundle } from "./oms-bundle.ts";
import { encodeOmsStatement } from "./oms-statement.ts";

export interface SignedModel {
  /** The bytes of `model.sig`. */
  readonly bundle: Buffer;
  /** Hexadecimal SHA-256 that names this set of files. */
  readonly root: string;
  readonly files: number;
}

/** A name and the SHA-256 in hexadecimal of each file. @throws `oms.empty`, `oms.key-unusable` */
export async function signModel(
  name: string,
  files: ReadonlyMap<string, string>,
  ignored: readonly string[],
  key: SigningKey,
): Promise<SignedModel> {
  if (files.size === 0) throw omsErrors("oms.empty", { path: name });
  // The reference verifies ECDSA alone.
  if (key.algorithm === "ed25519") throw omsErrors("oms.key-unusable", { key: key.keyId, algorithm: key.algorithm });
  for (const path of files.keys()) {
    const isSafe = path === "." || !path.split("/").some((part) => part === "" || part === "." || part === "..");
    if (!isSafe) throw evidenceErrors("attestation.invalid", { reason: `a file cannot be called ${path}` });
  }
  const list = [...files].map(([path, sha256]) => ({ name: path, sha256 }));
  const { payload, root } = encodeOmsStatement(name, list, ignored);
  return { bundle: await makeOmsBundle(payload, key), root, files: files.size };
}
