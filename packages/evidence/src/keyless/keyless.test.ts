// Signatures by certificate: which are believed, and each way in which they are not, by its own name.
import { generateKeyPairSync } from "node:crypto";
import { digestOf, manualClock, type ManualClock } from "@pratique/core";
import * as fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { attest, signArtifact } from "../attest.ts";
import { SIGNATURE_PREDICATE } from "../predicates.ts";
import { encodeStatement } from "../statement.ts";
import type { Trust } from "../trust.ts";
import { verifyArtifact, type Verification } from "../verify.ts";
import { openWorkbench, type Workbench } from "../workbench.fixture.ts";
import { openKeylessBench, type BundleJson, type KeylessBench } from "./keyless.fixture.ts";
import { openKeylessSigner, type KeylessSigner } from "./keyless-signer.ts";
import { readTrustRoot } from "./trust-root.ts";

const START = "2026-11-01T00:00:00Z";

let clock: ManualClock;
let bench: Workbench;
let keyless: KeylessBench;
beforeAll(async () => {
  clock = manualClock(START);
  keyless = await openKeylessBench(() => bench, clock);
});
afterAll(() => keyless.stop());
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

const trusting = (changes: Partial<Trust> = {}): Trust => ({
  keys: [],
  identities: [{ name: "ci", issuer: keyless.own.issuer.url, subject: "ci@example.com" }],
  roots: [keyless.ownRoot],
  ...changes,
});

/** What is made of one bundle alone. */
async function verify(bundle: BundleJson, trust = trusting()): Promise<Verification> {
  const { digest } = await bench.pushBundle(Buffer.from(JSON.stringify(bundle)));
  const verification = await verifyArtifact(bench.repo, bench.subject, trust);
  await bench.repo.deleteManifest(digest);
  return verification;
}

/** Why a bundle is refused. */
async function refusal(bundle: BundleJson, trust = trusting()): Promise<string | undefined> {
  const { verified, rejected } = await verify(bundle, trust);
  expect(verified).toEqual([]);
  return rejected[0]?.reason;
}

async function signer(): Promise<KeylessSigner> {
  return openKeylessSigner({
    identityToken: await keyless.own.issuer.token(),
    signingConfig: keyless.own.sigstore.signingConfig.bytes,
    root: keyless.ownRoot,
    clock,
  });
}

const entryOf = (bundle: BundleJson) => bundle.verificationMaterial.tlogEntries[0]!;

/** Changes one character of base64 to another of the same meaning in length. */
const altered = (base64: string): string => {
  const bytes = Buffer.from(base64, "base64");
  bytes[bytes.length >> 1]! ^= 1;
  return bytes.toString("base64");
};

describe("signing without a key", () => {
  it("is believed for the identity that the certificate names, with the time of the timestamp", async () => {
    await signArtifact(bench.repo, bench.subject, await signer(), clock);
    const { verified, rejected } = await verifyArtifact(bench.repo, bench.subject, trusting());
    expect(rejected).toEqual([]);
    const issuer = keyless.own.issuer.url;
    expect(verified).toMatchObject([
      {
        predicateType: SIGNATURE_PREDICATE,
        signer: { id: `${issuer} ci@example.com`, name: "ci", issuer, subject: "ci@example.com" },
        trust: { clears: false, slsaLevel: 1 },
        time: "2026-11-01T00:00:00.000Z",
      },
    ]);
  });

  it("takes no time from a log that has not signed it", async () => {
    const bundle = await keyless.makeBundle();
    entryOf(bundle).integratedTime = "1000000000";
    expect((await verify(bundle)).verified).toMatchObject([{ time: clock.now().toISOString() }]);
  });

  it("keeps an equal statement and supersedes another, of this identity alone", async () => {
    const one = await signer();
    const statement = (n: number) => ({ predicateType: "https://example.com/p", predicate: { n } });
    const first = await attest(bench.repo, bench.subject, statement(1), one, clock);
    await attest(bench.repo, bench.subject, statement(9), bench.key, clock);
    expect((await attest(bench.repo, bench.subject, statement(1), await signer(), clock)).digest).toBe(first.digest);
    await attest(bench.repo, bench.subject, statement(2), one, clock);
    const trust = trusting({ keys: bench.trust.keys });
    const { verified } = await verifyArtifact(bench.repo, bench.subject, trust);
    expect(verified.map(({ predicate }) => predicate["n"]).sort()).toEqual([2, 9]);
  });

  it("attaches nothing when what came back does not verify under the root", async () => {
    const wrong = await openKeylessSigner({
      identityToken: await keyless.own.issuer.token(),
      signingConfig: keyless.own.sigstore.signingConfig.bytes,
      root: keyless.otherRoot,
      clock,
    });
    await expect(signArtifact(bench.repo, bench.subject, wrong, clock)).rejects.toMatchObject({
      code: "keyless.unverified",
    });
    expect(await bench.repo.referrers(bench.subject.digest)).toEqual([]);
  });

  it("says in the authority's words why a token is refused, and never quotes it", async () => {
    const identityToken = await keyless.own.issuer.token({ aud: "elsewhere" });
    const { signingConfig } = keyless.own.sigstore;
    const opened = openKeylessSigner({
      identityToken,
      signingConfig: signingConfig.bytes,
      root: keyless.ownRoot,
      clock,
    });
    const error: unknown = await opened.catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "keyless.refused" });
    expect(String(error)).toContain("aud");
    expect(JSON.stringify(error) + String(error)).not.toContain(identityToken.slice(0, 40));
  });
});

describe("a signature by certificate is refused", () => {
  it("when it is about another digest", async () => {
    const subject = digestOf("another");
    const payload = encodeStatement({ subject, predicateType: SIGNATURE_PREDICATE, predicate: {} });
    expect(await refusal(await keyless.makeBundle({ payload }))).toBe("wrong-subject");
  });

  it("when its identity or its issuer is not trusted, or not under this root", async () => {
    const bundle = await keyless.makeBundle();
    const issuer = keyless.own.issuer.url;
    const by = (identity: object) => trusting({ identities: [{ name: "x", issuer, ...identity }] });
    expect(await refusal(bundle, by({ subject: "other@example.com" }))).toBe("wrong-identity");
    expect(await refusal(bundle, by({ subjectPattern: "*@example.org" }))).toBe("wrong-identity");
    expect(await refusal(bundle, by({ subject: "ci@example.com", issuer: "https://issuer.example" }))).toBe(
      "wrong-issuer",
    );
    expect(await refusal(bundle, by({ subject: "ci@example.com", roots: ["public"] }))).toBe("wrong-issuer");
    expect(await refusal(bundle, trusting({ identities: [] }))).toBe("wrong-issuer");
    expect((await verify(bundle, by({ subjectPattern: "*@example.com" }))).verified).toHaveLength(1);
  });

  it("when nothing says when it was signed: the certificate lived for ten minutes", async () => {
    const bundle = await keyless.makeBundle();
    bundle.verificationMaterial.timestampVerificationData = undefined;
    expect(await refusal(bundle)).toBe("no-timestamp");
  });

  it("when it was signed after the certificate had expired", async () => {
    const bundle = await keyless.makeBundle({ beforeSigning: () => clock.advance(11 * 60_000) });
    expect(await refusal(bundle)).toBe("expired-certificate");
  });

  it("when its certificate is by another authority, even of the same name", async () => {
    expect(await refusal(await keyless.makeBundle({ authority: keyless.other }))).toBe("unknown-authority");
    expect(await refusal(await keyless.makeBundle(), trusting({ roots: [] }))).toBe("unknown-authority");
    expect(await refusal(await keyless.makeBundle(), trusting({ roots: [keyless.otherRoot] }))).toBe(
      "unknown-authority",
    );
  });

  it("when no trusted certificate log has promised to list its certificate", async () => {
    const root = JSON.parse(keyless.own.sigstore.trustedRoot.bytes.toString());
    root.ctlogs = JSON.parse(keyless.other.sigstore.trustedRoot.bytes.toString()).ctlogs;
    const roots = [readTrustRoot("own", Buffer.from(JSON.stringify(root)))];
    expect(await refusal(await keyless.makeBundle(), trusting({ roots }))).toBe("bad-sct");
  });

  it("when its timestamp is by another authority, or about other bytes", async () => {
    expect(await refusal(await keyless.makeBundle({ stamper: keyless.other }))).toBe("unknown-timestamp-authority");
    expect(await refusal(await keyless.makeBundle({ stamped: Buffer.from("else") }))).toBe("bad-timestamp");
  });

  it("when it is in no log, or in one that is not trusted", async () => {
    expect(await refusal(await keyless.makeBundle({ logger: keyless.other }))).toBe("unknown-log");
    const bundle = await keyless.makeBundle();
    bundle.verificationMaterial.tlogEntries = [];
    expect(await refusal(bundle)).toBe("not-logged");
  });

  it("when the checkpoint was altered, or another log signed it", async () => {
    const bundle = await keyless.makeBundle();
    const { checkpoint } = entryOf(bundle).inclusionProof;
    const [origin, size, root, ...rest] = checkpoint.envelope.split("\n");
    checkpoint.envelope = [origin, size, altered(root!), ...rest].join("\n");
    expect(await refusal(bundle)).toBe("bad-checkpoint");
    const foreign = await keyless.makeBundle({ logger: keyless.other });
    entryOf(foreign).logId = entryOf(bundle).logId;
    expect(await refusal(foreign)).toBe("bad-checkpoint");
    const bare = await keyless.makeBundle();
    entryOf(bare).inclusionProof.checkpoint.envelope = "nothing";
    expect(await refusal(bare)).toBe("bad-checkpoint");
  });

  it("when its inclusion proof does not lead to the checkpoint", async () => {
    await keyless.makeBundle();
    const bundle = await keyless.makeBundle();
    const { inclusionProof } = entryOf(bundle);
    const { hashes } = inclusionProof;
    inclusionProof.hashes = [altered(hashes[0]!), ...hashes.slice(1)];
    expect(await refusal(bundle)).toBe("bad-inclusion-proof");
    inclusionProof.hashes = hashes.slice(1);
    expect(await refusal(bundle)).toBe("bad-inclusion-proof");
    const moved = await keyless.makeBundle();
    entryOf(moved).inclusionProof.logIndex = "0";
    expect(await refusal(moved)).toBe("bad-inclusion-proof");
  });

  it("when the log entry is of another signature, or names another key", async () => {
    const [one, two] = [await keyless.makeBundle(), await keyless.makeBundle()];
    one.verificationMaterial.tlogEntries = two.verificationMaterial.tlogEntries;
    expect(await refusal(one)).toBe("log-mismatch");
    expect(await refusal(await keyless.makeBundle({ logsKey: true }))).toBe("log-mismatch");
  });

  it("when another key made the signature", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    expect(await refusal(await keyless.makeBundle({ signingKey: privateKey }))).toBe("bad-signature");
  });

  it.each<[string, string, (bundle: BundleJson) => void]>([
    ["a certificate that is no DER", "malformed-bundle", (b) => (b.verificationMaterial.certificate.rawBytes = "AAAA")],
    ["an empty certificate", "unknown-authority", (b) => (b.verificationMaterial.certificate.rawBytes = "MAA=")],
    [
      "an empty timestamp",
      "malformed-bundle",
      (b) => (b.verificationMaterial.timestampVerificationData = { rfc3161Timestamps: [{ signedTimestamp: "MAA=" }] }),
    ],
    ["an entry that is no JSON", "bad-inclusion-proof", (b) => (entryOf(b).canonicalizedBody = "bm90IGpzb24=")],
    ["a key too", "malformed-bundle", (b) => Object.assign(b.verificationMaterial, { publicKey: { hint: "x" } })],
    [
      "more entries than anybody needs",
      "malformed-bundle",
      (b) => (b.verificationMaterial.tlogEntries = Array(5).fill(entryOf(b))),
    ],
  ])("when it has %s", async (_what, reason, breakIt) => {
    const bundle = await keyless.makeBundle();
    breakIt(bundle);
    expect(await refusal(bundle)).toBe(reason);
  });

  it("never with another meaning, whichever byte was changed", async () => {
    const bundle = Buffer.from(JSON.stringify(await keyless.makeBundle()));
    await fc.assert(
      fc.asyncProperty(fc.nat(bundle.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const bytes = Buffer.from(bundle);
        bytes[at]! ^= mask;
        await bench.pushBundle(bytes);
        const { verified } = await verifyArtifact(bench.repo, bench.subject, trusting());
        for (const { signer, predicateType } of verified) {
          expect([signer.subject, predicateType]).toEqual(["ci@example.com", SIGNATURE_PREDICATE]);
        }
        for (const { digest } of await bench.repo.referrers(bench.subject.digest))
          await bench.repo.deleteManifest(digest);
      }),
      { numRuns: 60 },
    );
  });
});
