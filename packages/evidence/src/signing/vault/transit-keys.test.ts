// Keys in Vault's transit engine, against a fake of it that misbehaves on command.
import { createPublicKey } from "node:crypto";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startVaultFake, type VaultFake } from "../../../../../test/fakes/vault-transit.ts";
import { KEY_ALGORITHMS } from "../key-algorithm.ts";
import type { KeyProvider } from "../key-provider.ts";
import { parseKeyUri } from "../key-uri.ts";
import { verifySignature } from "../verify-signature.ts";
import { transitKeys } from "./transit-keys.ts";

const MESSAGE = Buffer.from("what is signed");
const URI = parseKeyUri("hashivault://release");

let directory = "";
let vault: VaultFake;
let tokenFile = "";
let provider: KeyProvider;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-vault-"));
  tokenFile = join(directory, "token");
  await writeFile(tokenFile, "s.secret\n", { mode: 0o600 });
  vault = await startVaultFake("s.secret");
  provider = transitKeys({ address: vault.address, tokenFile, mount: "transit" });
});
afterEach(async () => {
  await vault.close();
  await rm(directory, { recursive: true, force: true });
});

const saidOf = async (act: Promise<unknown>): Promise<string> => {
  const error: unknown = await act.catch((reason: unknown) => reason);
  return JSON.stringify(error) + String(error);
};

describe("a key in the transit engine", () => {
  it.each(KEY_ALGORITHMS)("of type %s is made there, and signs there", async (algorithm) => {
    const made = await provider.create!(URI, algorithm);
    expect(made.algorithm).toBe(algorithm);
    const key = await provider.open(parseKeyUri("openbao://release"));
    expect(key.keyId).toBe(made.keyId);
    const signature = await key.sign(MESSAGE);
    expect(verifySignature(createPublicKey(key.publicKeyPem), MESSAGE, signature)).toBe(true);
    await expect(provider.create!(URI, algorithm)).rejects.toMatchObject({ code: "key.exists" });
  });

  it("goes on signing with the version it was opened with", async () => {
    const first = await provider.create!(URI, "ecdsa-p256");
    vault.rotate("release");
    const publicKey = createPublicKey(first.publicKeyPem);
    expect(verifySignature(publicKey, MESSAGE, await first.sign(MESSAGE))).toBe(true);
    expect((await provider.open(URI)).keyId).not.toBe(first.keyId);
    expect((await provider.open(parseKeyUri("hashivault://release?version=1"))).keyId).toBe(first.keyId);
    await expect(provider.open(parseKeyUri("hashivault://release?version=9"))).rejects.toMatchObject({
      code: "key.unusable",
    });
  });

  it("is not looked for where no engine is mounted", async () => {
    // As Vault 1.21 answers.
    const body = `{"errors":["no handler for route \\"other/keys/release\\". route entry not found."]}`;
    vault.next = { status: 404, body };
    await expect(provider.open(URI)).rejects.toMatchObject({ code: "key.refused" });
    vault.next = { status: 404, body };
    expect(await saidOf(provider.create!(URI, "ecdsa-p256"))).toContain("no handler for route");
  });

  it("is refused with its reason, and never with its token", async () => {
    await expect(provider.open(URI)).rejects.toMatchObject({ code: "key.not-found" });
    const key = await provider.create!(URI, "ecdsa-p256");
    await writeFile(tokenFile, "s.revoked", { mode: 0o600 });
    await expect(key.sign(MESSAGE)).rejects.toMatchObject({ code: "key.refused" });
    const said = await saidOf(key.sign(MESSAGE));
    expect(said).toContain("permission denied");
    expect(said).not.toContain("s.revoked");
  });

  it.each([
    [503, '{"errors":["Vault is sealed"]}', "key.unreachable"],
    [200, "<html>a proxy's page</html>", "key.refused"],
    [200, '{"data":{"signature":"vault:v1:AAAA"}}', "key.refused"],
    [200, '{"data":{"signature":"other:v1:AAAA"}}', "key.refused"],
    [301, "", "key.refused"],
    [200, `{"data":"${"x".repeat(2 * 1024 * 1024)}"}`, "key.unreachable"],
  ])("signs nothing when %i %.40s is answered", async (status, body, code) => {
    const key = await provider.create!(URI, "ecdsa-p256");
    vault.next = { status, body };
    await expect(key.sign(MESSAGE)).rejects.toMatchObject({ code });
  });

  it("is found under plain names only", async () => {
    for (const uri of [
      "hashivault://",
      "hashivault:release",
      "hashivault://a/b",
      "hashivault://..%2fsys",
      "hashivault://a?version=0",
    ]) {
      await expect(provider.open(parseKeyUri(uri))).rejects.toMatchObject({ code: "key.bad-uri" });
    }
    expect(vault.requests).toEqual([]);
  });

  it("is asked for with a token of the owner alone, and by https or on this machine", async () => {
    await chmod(tokenFile, 0o644);
    await expect(provider.open(URI)).rejects.toMatchObject({ code: "key.exposed" });
    await chmod(tokenFile, 0o600);
    await writeFile(tokenFile, "two\nlines");
    await expect(provider.open(URI)).rejects.toMatchObject({ code: "key.not-configured" });
    for (const address of ["http://vault.example:8200", "ftp://127.0.0.1", "https://user:secret@vault.example"]) {
      const other = transitKeys({ address, tokenFile, mount: "transit" });
      expect(await saidOf(other.open(URI))).toContain("key.not-configured");
      expect(await saidOf(other.open(URI))).not.toContain("secret@");
    }
    await vault.close();
    await writeFile(tokenFile, "s.secret");
    await expect(provider.open(URI)).rejects.toMatchObject({ code: "key.unreachable" });
  });
});
