// Keys in files and by name, on a real file system.
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSigningKey } from "../signing-key.ts";
import { openCosignKey } from "./cosign-key.ts";
import { KEY_ALGORITHMS } from "./key-algorithm.ts";
import { fileKeys, openKeyFile } from "./key-files.ts";
import { openKeyRing, type KeyRing, type KeyRingOptions } from "./key-ring.ts";
import { keyIdOfPem } from "./signing-key.ts";
import { verifySignature } from "./verify-signature.ts";

/** Made by `cosign generate-key-pair` 3.1.1 with the passphrase `geheim`, for these tests alone. */
const COSIGN_KEY = fileURLToPath(new URL("recorded/cosign.key", import.meta.url));
const COSIGN_PUB = fileURLToPath(new URL("recorded/cosign.pub", import.meta.url));
const MESSAGE = Buffer.from("what is signed");

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-ring-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const at = (name: string): string => join(directory, name);
const ring = async (options: Partial<KeyRingOptions> = {}): Promise<KeyRing> =>
  openKeyRing({
    directory: at("signing"),
    owner: await openSigningKey(at("keys")),
    configured: {},
    providers: [fileKeys()],
    taken: new Set(),
    ...options,
  });
const writeSecret = async (name: string, text: string): Promise<string> => {
  await writeFile(at(name), text, { mode: 0o600 });
  return at(name);
};

describe("a key ring", () => {
  it.each(KEY_ALGORITHMS)(
    "makes %s keys that sign, only its owner reads, and the next start finds",
    async (algorithm) => {
      const made = await (await ring()).create("release", algorithm);
      expect((await stat(at("signing/release.pem"))).mode & 0o777).toBe(0o600);
      const again = await ring();
      expect(again.list()).toContainEqual(made);
      const key = await again.open("release");
      expect(key).toMatchObject({ algorithm, keyId: made.keyId });
      const publicKey = createPublicKey(key.publicKeyPem);
      expect(verifySignature(publicKey, MESSAGE, await key.sign(MESSAGE))).toBe(true);
      expect(verifySignature(publicKey, Buffer.from("another"), await key.sign(MESSAGE))).toBe(false);
      expect(again.trusted()).toEqual([{ name: "release", publicKeyPem: key.publicKeyPem }]);
    },
  );

  it("never replaces a key, whoever asks at once", async () => {
    const keys = await ring();
    const made = await Promise.allSettled([1, 2, 3].map(() => keys.create("release", "ecdsa-p256")));
    expect(made.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
    await expect(keys.create("release", "ecdsa-p256")).rejects.toMatchObject({ code: "key.exists" });
    await expect(keys.importUri("release", `file:${at("x")}`)).rejects.toMatchObject({ code: "key.exists" });
  });

  it.each(["owner", "Release", "../release", "a/b", "", ".hidden", "x".repeat(64)])(
    "takes no key called %j",
    async (name) => {
      await expect((await ring()).create(name, "ecdsa-p256")).rejects.toMatchObject({ code: "key.bad-name" });
    },
  );

  it("gives no name that the trust configuration gives to another", async () => {
    const keys = await ring();
    await keys.create("release", "ecdsa-p256");
    const taken = await ring({ taken: new Set(["release", "vendor"]) });
    await expect(taken.create("vendor", "ecdsa-p256")).rejects.toMatchObject({ code: "key.bad-name" });
    // One that came into the configuration later wins: what this key signs is not taken for the vendor's.
    expect(taken.trusted()).toEqual([]);
  });

  it("trusts no key that others may read, and no public half that was put beside a private one", async () => {
    const { publicKeyPem } = await (await ring()).create("release", "ecdsa-p256");
    await writeFile(at("signing/release.pub"), await readFile(COSIGN_PUB, "utf8"));
    expect((await ring()).trusted()).toEqual([{ name: "release", publicKeyPem }]);
    await chmod(at("signing/release.pem"), 0o644);
    const exposed = await ring();
    expect(exposed.trusted()).toEqual([]);
    await expect(exposed.open("release")).rejects.toMatchObject({ code: "key.exposed" });
  });

  it("says what there is not", async () => {
    const keys = await ring();
    await expect(keys.open("nobody")).rejects.toMatchObject({ code: "key.not-found" });
    await expect(keys.open("awskms:///alias/x")).rejects.toMatchObject({ code: "key.unknown-scheme" });
    await expect(keys.open("no uri at all")).rejects.toMatchObject({ code: "key.bad-uri" });
    await expect(keys.create("x", "ecdsa-p256", `file:${at("x")}`)).rejects.toMatchObject({ code: "key.bad-uri" });
    expect(keys.knows("owner")).toBe(true);
    expect(keys.knows("constructor")).toBe(false);
  });

  it("removes what an interrupted start of a key left, and lists no half of one", async () => {
    await mkdir(at("signing"), { mode: 0o700 });
    await writeFile(at("signing/.release.pem.0123456789ab.partial"), "half");
    await writeFile(at("signing/orphan.pub"), "whatever");
    const keys = await ring();
    expect(keys.list().map(({ name }) => name)).toEqual(["owner"]);
    expect(await readdir(at("signing"))).toEqual(["orphan.pub"]);
    // Its name is free: nothing was ever signed with it.
    expect((await keys.create("orphan", "ed25519")).name).toBe("orphan");
  });

  it("uses a configured key by its name, and what opens it from a file", async () => {
    await copyFile(COSIGN_KEY, at("cosign.key"));
    const passphraseFile = await writeSecret("passphrase", "geheim\n");
    const keys = await ring({ configured: { ci: { uri: `file:${at("cosign.key")}`, passphraseFile } } });
    expect((await keys.open("ci")).keyId).toBe(keyIdOfPem(await readFile(COSIGN_PUB, "utf8")));
  });
});

describe("a key in a file", () => {
  it("of cosign opens with its passphrase, and with no other", async () => {
    const expected = keyIdOfPem(await readFile(COSIGN_PUB, "utf8"));
    expect((await openKeyFile(COSIGN_KEY, await writeSecret("right", "geheim"))).keyId).toBe(expected);
    const wrong = openKeyFile(COSIGN_KEY, await writeSecret("wrong", "Geheim"));
    await expect(wrong).rejects.toMatchObject({ code: "key.passphrase-wrong" });
    await expect(openKeyFile(COSIGN_KEY)).rejects.toMatchObject({ code: "key.passphrase-needed" });
  });

  it.each(["pkcs8", "sec1"] as const)("in %s opens with and without a passphrase", async (type) => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "secp384r1" });
    const expected = keyIdOfPem(publicKey.export({ type: "spki", format: "pem" }).toString());
    const plain = await writeSecret("plain", privateKey.export({ type, format: "pem" }).toString());
    expect((await openKeyFile(plain)).keyId).toBe(expected);
    const cipher = { cipher: "aes-256-cbc", passphrase: "geheim" };
    const sealed = await writeSecret("sealed", privateKey.export({ type, format: "pem", ...cipher }).toString());
    expect((await openKeyFile(sealed, await writeSecret("right", "geheim\r\n"))).keyId).toBe(expected);
    const wrong = openKeyFile(sealed, await writeSecret("wrong", "x"));
    await expect(wrong).rejects.toMatchObject({ code: "key.passphrase-wrong" });
    await expect(openKeyFile(sealed)).rejects.toMatchObject({ code: "key.passphrase-needed" });
  });

  it("must be its owner's alone, unless a passphrase protects it; its passphrase's file always", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const plain = await writeSecret("plain", privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    await chmod(plain, 0o644);
    await expect(openKeyFile(plain)).rejects.toMatchObject({ code: "key.exposed" });
    await copyFile(COSIGN_KEY, at("cosign.key"));
    await chmod(at("cosign.key"), 0o644);
    const passphrase = await writeSecret("passphrase", "geheim");
    expect((await openKeyFile(at("cosign.key"), passphrase)).algorithm).toBe("ecdsa-p256");
    await chmod(passphrase, 0o640);
    await expect(openKeyFile(at("cosign.key"), passphrase)).rejects.toMatchObject({ code: "key.exposed" });
  });

  it("is no link, no directory, no RSA key and no other curve", async () => {
    const refused = { code: "key.unusable" };
    await symlink(COSIGN_KEY, at("link"));
    await expect(openKeyFile(at("link"))).rejects.toMatchObject(refused);
    await expect(openKeyFile(directory)).rejects.toMatchObject(refused);
    await expect(openKeyFile(at("nothing"))).rejects.toMatchObject(refused);
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    const curve = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey;
    for (const key of [rsa, curve]) {
      const file = await writeSecret("other", key.export({ type: "pkcs8", format: "pem" }).toString());
      await expect(openKeyFile(file)).rejects.toMatchObject(refused);
    }
  });

  it("says nothing of its content, whatever is wrong with it", async () => {
    const sealed = await readFile(COSIGN_KEY, "utf8");
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length - 1), fc.constantFrom("A", "!", "\n", "="), async (index, character) => {
        const text = sealed.slice(0, index) + character + sealed.slice(index + 1);
        const file = await writeSecret("altered", text);
        const error: unknown = await openKeyFile(file, await writeSecret("right", "geheim")).catch(
          (reason: unknown) => reason,
        );
        const said = JSON.stringify(error) + String(error);
        expect(said).not.toContain("geheim");
        expect(said).not.toContain(sealed.slice(60, 90));
      }),
      { numRuns: 15 },
    );
  });

  it("in cosign's form costs no more memory than cosign's own", async () => {
    const pem = (parameters: object): string => {
      const kdf = { name: "scrypt", params: parameters, salt: Buffer.alloc(32).toString("base64") };
      const cipher = { name: "nacl/secretbox", nonce: Buffer.alloc(24).toString("base64") };
      const sealed = { kdf, cipher, ciphertext: Buffer.alloc(64).toString("base64") };
      const body = Buffer.from(JSON.stringify(sealed)).toString("base64");
      return `-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\n${body}\n-----END ENCRYPTED COSIGN PRIVATE KEY-----\n`;
    };
    expect(await openCosignKey(pem({ N: 2 ** 30, r: 8, p: 1 }), "x")).toEqual({ ok: false, reason: "malformed" });
    expect(await openCosignKey(pem({ N: 65536, r: 8, p: 100 }), "x")).toEqual({ ok: false, reason: "malformed" });
    expect(await openCosignKey(pem({ N: 1024, r: 8, p: 1 }), "x")).toEqual({ ok: false, reason: "passphrase" });
  });
});
