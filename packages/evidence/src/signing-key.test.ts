// The signing key on a real file system.
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { chmod, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSigningKey } from "./signing-key.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-key-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const privateFile = (): string => join(directory, "signing-key.pem");

describe("openSigningKey", () => {
  it("makes a key that only its owner reads, and finds it again", async () => {
    const made = await openSigningKey(directory);
    expect((await stat(privateFile())).mode & 0o777).toBe(0o600);
    expect(await readFile(join(directory, "cosign.pub"), "utf8")).toBe(made.publicKeyPem);
    expect((await openSigningKey(directory)).keyId).toBe(made.keyId);
  });

  it("signs with ECDSA over SHA-256", async () => {
    const key = await openSigningKey(directory);
    const bytes = Buffer.from("what is signed");
    const publicKey = createPublicKey(key.publicKeyPem);
    expect(publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
    expect(verify("sha256", bytes, publicKey, await key.sign(bytes))).toBe(true);
  });

  it.each([0o640, 0o604, 0o620, 0o601])("refuses a key with mode %o", async (mode) => {
    await openSigningKey(directory);
    await chmod(privateFile(), mode);
    await expect(openSigningKey(directory)).rejects.toMatchObject({ code: "key.exposed" });
  });

  it("refuses a key of another kind, and never replaces it", async () => {
    const pem = generateKeyPairSync("ec", { namedCurve: "secp384r1" }).privateKey.export({
      type: "pkcs8",
      format: "pem",
    });
    await writeFile(privateFile(), pem, { mode: 0o600 });
    await expect(openSigningKey(directory)).rejects.toMatchObject({ code: "key.invalid" });
    expect(await readFile(privateFile(), "utf8")).toBe(pem);
  });

  it("says nothing of a broken key's content", async () => {
    await writeFile(privateFile(), "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", {
      mode: 0o600,
    });
    const error: unknown = await openSigningKey(directory).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "key.invalid" });
    expect(JSON.stringify(error) + String(error)).not.toContain("c2VjcmV0");
  });

  it("refuses a link in place of the key", async () => {
    await openSigningKey(directory);
    await rename(privateFile(), join(directory, "elsewhere"));
    await symlink(join(directory, "elsewhere"), privateFile());
    await expect(openSigningKey(directory)).rejects.toMatchObject({ code: "key.unusable" });
  });

  it("puts the right public key back where it was changed", async () => {
    const key = await openSigningKey(directory);
    await writeFile(join(directory, "cosign.pub"), "another");
    await openSigningKey(directory);
    expect(await readFile(join(directory, "cosign.pub"), "utf8")).toBe(key.publicKeyPem);
  });
});
