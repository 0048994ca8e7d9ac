// Model signatures: what the reference implementation made (model_signing 1.1.1 and 0.2.0, recorded/), and ours.
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { generateKeyPairSync } from "node:crypto";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { systemClock } from "@pratique/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startSigstore } from "../../../sigstore/src/sigstore.fixture.ts";
import { openKeylessSigner } from "../keyless/keyless-signer.ts";
import { readTrustRoot } from "../keyless/trust-root.ts";
import { openSigningKey } from "../signing-key.ts";
import { localSigningKey } from "../signing/signing-key.ts";
import { openWorkbench } from "../workbench.fixture.ts";
import { compareOmsFiles, isSame } from "./compare-files.ts";
import { hashDirectory, hashOptionsOf } from "./hash-directory.ts";
import { verifyOmsBundle, type OmsTrust } from "./oms-bundle.ts";
import { attachOms, readOmsReferrers } from "./oms-referrer.ts";
import { compareOmsNames, encodeOmsStatement, OMS_IGNORED, omsRootOf, readOmsStatement } from "./oms-statement.ts";
import { signModel } from "./sign-model.ts";

/** The files that the recorded signatures are over. */
const FILES: Readonly<Record<string, string>> = {
  "model.safetensors": "weights",
  "big.bin": "\0".repeat(3000),
  "sub/tok.json": "tok",
  "sub-a/x": "a",
  "naïve 𝄞.txt": "ü",
  ".git/HEAD": "g",
};
/** What model_signing 1.1.1 wrote as root of these files. */
const ROOT = "691eaa1e7036e71f2898e45b1e588af83bc8ee84be7876177d4a0ff94bf78b2e";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-oms-"));
  for (const [name, content] of Object.entries(FILES)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), content);
  }
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const recorded = (name: string): Promise<Buffer> => readFile(new URL(`recorded/${name}`, import.meta.url));
const keys = async (): Promise<OmsTrust["keys"]> =>
  Promise.all(
    ["p256", "p384"].map(async (name) => ({ name, publicKeyPem: (await recorded(`${name}.pub`)).toString() })),
  );

describe("signatures of the reference implementation", () => {
  it.each([
    ["256.sig", "p256"],
    ["384.sig", "p384"],
    ["shards.sig", "p256"],
    ["blake2.sig", "p256"],
    ["blake3.sig", "p256"],
    ["ignore.sig", "p256"],
    ["compat.sig", "p256"],
  ])("%s verifies, and covers the files", async (name, signer) => {
    const verification = verifyOmsBundle(await recorded(name), { keys: await keys() });
    if (!verification.ok) throw new Error(verification.detail);
    expect(verification.signer.name).toBe(signer);
    const options = hashOptionsOf(verification.statement);
    expect(compareOmsFiles(verification.statement, await hashDirectory(directory, options))).toEqual({
      changed: [],
      missing: [],
      extra: [],
    });
    await writeFile(join(directory, "model.safetensors"), "Weights");
    await writeFile(join(directory, "new"), "");
    await rm(join(directory, "sub-a"), { recursive: true });
    const differences = compareOmsFiles(verification.statement, await hashDirectory(directory, options));
    expect(isSame(differences)).toBe(false);
    expect(differences.changed.join()).toContain("model.safetensors");
    expect(differences.missing.join()).toContain("sub-a/x");
    // An empty file has no shards: that method signs nothing of it.
    expect(differences.extra).toEqual(name === "shards.sig" ? [] : ["new"]);
  });

  it("of a single file verifies against the file, and not against its directory", async () => {
    const verification = verifyOmsBundle(await recorded("file.sig"), { keys: await keys() });
    if (!verification.ok) throw new Error(verification.detail);
    const options = hashOptionsOf(verification.statement);
    const file = await hashDirectory(join(directory, "model.safetensors"), options);
    expect(isSame(compareOmsFiles(verification.statement, file))).toBe(true);
    expect(isSame(compareOmsFiles(verification.statement, await hashDirectory(directory, options)))).toBe(false);
  });

  it("say what their signer left out", async () => {
    const verification = verifyOmsBundle(await recorded("ignore.sig"), { keys: await keys() });
    expect(verification).toMatchObject({ ok: true, statement: { ignored: expect.arrayContaining(["sub", ".git"]) } });
  });

  it("are refused by every other key, and when a byte changed", async () => {
    const [p256, p384] = await keys();
    const bytes = await recorded("256.sig");
    expect(verifyOmsBundle(bytes, { keys: [p384!] })).toMatchObject({ ok: false, reason: "unknown-key" });
    expect(verifyOmsBundle(bytes, { keys: [] })).toMatchObject({ ok: false, reason: "unknown-key" });
    const bundle = JSON.parse(bytes.toString());
    bundle.dsseEnvelope.payload = Buffer.from(
      Buffer.from(bundle.dsseEnvelope.payload, "base64").toString().replace("weights", "weighty").replace("big", "bog"),
    ).toString("base64");
    const altered = Buffer.from(JSON.stringify(bundle));
    expect(verifyOmsBundle(altered, { keys: [p256!] })).toMatchObject({ ok: false, reason: "bad-signature" });
  });
});

describe("ours", () => {
  it("has the root that the reference gives these files, which a byte sort has not", async () => {
    const key = await openSigningKey(join(directory, "../", `${directory.split("/").at(-1)}-keys`));
    const files = await hashDirectory(directory, { hash: "sha256", ignored: OMS_IGNORED });
    const { bundle, root } = await signModel("m", files, OMS_IGNORED, key);
    expect(root).toBe(ROOT);
    const byBytes = [...files].toSorted(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(omsRootOf(byBytes.map(([, digest]) => ({ digest })))).not.toBe(ROOT);
    const verification = verifyOmsBundle(bundle, { keys: [{ name: "owner", publicKeyPem: key.publicKeyPem }] });
    expect(verification).toMatchObject({ ok: true, statement: { root, modelName: "m" } });
    await rm(join(directory, "../", `${directory.split("/").at(-1)}-keys`), { recursive: true });
  });

  it("is not made with a key that the reference does not verify, nor over nothing, nor over names that climb", async () => {
    const ed = localSigningKey(generateKeyPairSync("ed25519").privateKey)!;
    const ec = localSigningKey(generateKeyPairSync("ec", { namedCurve: "secp384r1" }).privateKey)!;
    const one = new Map([["a", "00".repeat(32)]]);
    await expect(signModel("m", one, [], ed)).rejects.toMatchObject({ code: "oms.key-unusable" });
    await expect(signModel("m", new Map(), [], ec)).rejects.toMatchObject({ code: "oms.empty" });
    for (const name of ["../a", "a//b", "/a", "a/./b", ""]) {
      await expect(signModel("m", new Map([[name, "00".repeat(32)]]), [], ec)).rejects.toMatchObject({
        code: "attestation.invalid",
      });
    }
  });

  it("refuses links: what they point to is no part of the model", async () => {
    await symlink("/etc/passwd", join(directory, "link"));
    await expect(hashDirectory(directory, { hash: "sha256", ignored: [] })).rejects.toMatchObject({
      code: "oms.not-a-file",
    });
    await expect(hashDirectory(join(directory, "link"), { hash: "sha256", ignored: [] })).rejects.toMatchObject({
      code: "oms.not-a-file",
    });
  });

  it("hangs on its artifact once, and on that artifact alone", async () => {
    const bench = await openWorkbench();
    try {
      const { bundle } = await signModel("m", new Map([["a", "00".repeat(32)]]), [], bench.key);
      const first = await attachOms(bench.repo, bench.subject, bundle, bench.clock);
      bench.clock.advance(1000);
      expect((await attachOms(bench.repo, bench.subject, bundle, bench.clock)).digest).toBe(first.digest);
      expect((await readOmsReferrers(bench.repo, bench.subject)).map(({ bytes }) => bytes.equals(bundle))).toEqual([
        true,
      ]);
      const other = await bench.pushArtifact("other");
      expect(await readOmsReferrers(bench.repo, other)).toEqual([]);
    } finally {
      await bench.close();
    }
  });
});

describe("a model signature without a key", () => {
  it("counts for the identity that is trusted, and for no other", async () => {
    const own = await startSigstore({ clock: systemClock });
    try {
      const root = readTrustRoot("own", own.sigstore.trustedRoot.bytes);
      const signer = await openKeylessSigner({
        identityToken: await own.issuer.token(),
        signingConfig: own.sigstore.signingConfig.bytes,
        root,
        clock: systemClock,
      });
      const bundle = await signer.makeBundle(
        encodeOmsStatement("m", [{ name: "a", sha256: "00".repeat(32) }], []).payload,
      );
      expect(verifyOmsBundle(bundle, signer.trust)).toMatchObject({ ok: true, signer: { name: "own" } });
      const other = { name: "other", issuer: own.issuer.url, subject: "mallory@example.com" };
      const refused = { keys: [], identities: [other], roots: [root] };
      expect(verifyOmsBundle(bundle, refused)).toMatchObject({ ok: false, reason: "wrong-identity" });
      expect(verifyOmsBundle(bundle, { keys: [], identities: signer.trust.identities })).toMatchObject({
        ok: false,
        reason: "unknown-authority",
      });
    } finally {
      await own.stop();
    }
  });
});

describe("a model statement", () => {
  it("sorts by component, whatever characters a name has", () => {
    const names = ["sub-a", "sub/tok.json", "sub", "𝄞", "\uffff", "a", "a/b", "a.b"];
    expect(names.toSorted(compareOmsNames)).toEqual(["a", "a/b", "a.b", "sub", "sub/tok.json", "sub-a", "\uffff", "𝄞"]);
    const name = fc.string({ unit: fc.constantFrom("a", "b", "/", "-", ".", "𝄞", "\uffff"), maxLength: 6 });
    fc.assert(
      fc.property(name, name, name, (a, b, c) => {
        expect(Math.sign(compareOmsNames(a, b)) + Math.sign(compareOmsNames(b, a))).toBe(0);
        const isChain = compareOmsNames(a, b) <= 0 && compareOmsNames(b, c) <= 0;
        expect(isChain && compareOmsNames(a, c) > 0).toBe(false);
      }),
    );
  });

  it("is refused with a root of other files, a file twice, or hashes of another kind", async () => {
    const bundle = JSON.parse((await recorded("256.sig")).toString());
    const payload = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, "base64").toString());
    const read = (change: (statement: typeof payload) => void) => {
      const statement = structuredClone(payload);
      change(statement);
      return readOmsStatement(Buffer.from(JSON.stringify(statement)));
    };
    expect(read(() => undefined)).toMatchObject({ ok: true });
    expect(read((one) => (one.predicate.resources = one.predicate.resources.toReversed()))).toMatchObject({
      ok: false,
    });
    expect(read((one) => one.predicate.resources.push(one.predicate.resources[0]))).toMatchObject({ ok: false });
    expect(read((one) => (one.predicate.resources[0].algorithm = "blake3"))).toMatchObject({ ok: false });
    expect(read((one) => (one.predicate.serialization.hash_type = "md5"))).toMatchObject({ ok: false });
    expect(read((one) => one.subject.push(one.subject[0]))).toMatchObject({ ok: false });
    expect(read((one) => (one._type = "https://in-toto.io/Statement/v0.1"))).toMatchObject({ ok: false });
  });

  it("survives any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(readOmsStatement(bytes).ok).toBe(false);
        expect(verifyOmsBundle(bytes, { keys: [] }).ok).toBe(false);
      }),
      { numRuns: 100 },
    );
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(verifyOmsBundle(Buffer.from(text), { keys: [] }).ok).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});
