// Signatures in the form of cosign 2: what counts, and what an attacker can write there. cosign itself: test/interop.
import { digestOf, type Digest, type JsonObject } from "@pratique/core";
import { MEDIA_TYPES, type Descriptor } from "@pratique/oci";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attest, signArtifact } from "../attest.ts";
import { evidenceOf } from "../evidence-of.ts";
import { EvidenceCache } from "../evidence-cache.ts";
import { CYCLONEDX_PREDICATE } from "../predicates.ts";
import { verifyArtifact } from "../verify.ts";
import { openWorkbench, type Workbench } from "../workbench.fixture.ts";
import { legacyTagOf, LEGACY_TYPE, listEvidence } from "./legacy-tag.ts";
import { SIGNATURE_ANNOTATION } from "./read-legacy.ts";
import { signLegacy } from "./sign-legacy.ts";
import { decodeSimpleSigning, encodeSimpleSigning } from "./simple-signing.ts";

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

interface Layer {
  readonly payload: Uint8Array;
  readonly signature: string;
  readonly annotations?: JsonObject;
  readonly mediaType?: string;
}

/** Puts anything at the tag. */
async function putTag(layers: readonly Layer[], changes: JsonObject = {}): Promise<Descriptor> {
  const { repo, subject } = bench;
  const config = await repo.putBlob(Buffer.from("{}"));
  const written: JsonObject[] = [];
  for (const { payload, signature, annotations, mediaType = LEGACY_TYPE } of layers) {
    const blob = await repo.putBlob(payload);
    written.push({ mediaType, ...blob, annotations: { [SIGNATURE_ANNOTATION]: signature, ...annotations } });
  }
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: { mediaType: MEDIA_TYPES.imageConfig, ...config },
    layers: written,
    ...changes,
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  return repo.putManifest(bytes, MEDIA_TYPES.imageManifest, legacyTagOf(subject.digest));
}

async function signed(digest: Digest = bench.subject.digest, key = bench.key): Promise<Layer> {
  const payload = encodeSimpleSigning("voyage/harbour", digest);
  return { payload, signature: Buffer.from(await key.sign(payload)).toString("base64") };
}

const verify = () => verifyArtifact(bench.repo, bench.subject, bench.trust);
const reasons = async (): Promise<string[]> => {
  const { verified, rejected } = await verify();
  expect(verified).toEqual([]);
  return rejected.map(({ reason }) => reason);
};

describe("a signature at the tag", () => {
  it("counts like any other, and goes on doing so beside a bundle", async () => {
    await signLegacy(bench.repo, bench.subject, bench.key, "localhost:7340/voyage/harbour:1.0");
    const { verified, rejected } = await verify();
    expect(rejected).toEqual([]);
    expect(verified).toMatchObject([
      { signer: { name: "owner" }, form: "legacy", subjectName: "localhost:7340/voyage/harbour" },
    ]);
    // The bundle does not take the place of it, nor the other way round.
    await signArtifact(bench.repo, bench.subject, bench.key, bench.clock);
    await signArtifact(bench.repo, bench.subject, bench.key, bench.clock);
    expect((await verify()).verified.map(({ form }) => form ?? "bundle").sort()).toEqual(["bundle", "legacy"]);
  });

  it("is seen by evidence at once, cached or not", async () => {
    const cache = new EvidenceCache();
    const signers = async () =>
      (await evidenceOf(bench.repo, bench.subject, "skill", bench.trust, cache)).signers.map(({ name }) => name);
    expect(await signers()).toEqual([]);
    await signLegacy(bench.repo, bench.subject, bench.key, "voyage/harbour");
    expect(await signers()).toEqual(["owner"]);
    await bench.repo.deleteTag(legacyTagOf(bench.subject.digest));
    expect(await signers()).toEqual([]);
  });

  it("is there once, whoever else signs there", async () => {
    const sign = (key = bench.key) => signLegacy(bench.repo, bench.subject, key, "voyage/harbour");
    const first = await sign();
    expect((await sign()).manifest.digest).toBe(first.manifest.digest);
    await sign(bench.otherKey);
    await sign();
    const trust = { keys: [...bench.trust.keys, { name: "other", publicKeyPem: bench.otherKey.publicKeyPem }] };
    const { verified } = await verifyArtifact(bench.repo, bench.subject, trust);
    expect(verified.map(({ signer }) => signer.name).sort()).toEqual(["other", "owner"]);
  });

  it("does not count when it is another key's, another artifact's, or altered", async () => {
    await putTag([await signed(undefined, bench.otherKey)]);
    expect(await reasons()).toEqual(["unknown-key"]);
    await putTag([await signed(digestOf("another"))]);
    expect(await reasons()).toEqual(["wrong-subject"]);
    const good = await signed();
    await putTag([{ ...good, payload: encodeSimpleSigning("voyage/other", bench.subject.digest) }]);
    expect(await reasons()).toEqual(["unknown-key"]);
    await putTag([
      { ...good, signature: `${good.signature}\n` },
      { ...good, signature: "" },
    ]);
    expect(await reasons()).toEqual(["unknown-key", "unknown-key"]);
  });

  it("does not count as what it is not", async () => {
    const good = await signed();
    await putTag([{ ...good, mediaType: "application/vnd.dsse.envelope.v1+json" }]);
    expect(await reasons()).toEqual(["wrong-media-type"]);
    await putTag([{ ...good, annotations: { "dev.sigstore.cosign/certificate": "-----BEGIN CERTIFICATE-----" } }]);
    expect(await reasons()).toEqual(["unknown-key"]);
    const statement = Buffer.from(JSON.stringify({ _type: "https://in-toto.io/Statement/v1" }));
    await putTag([{ payload: statement, signature: Buffer.from(await bench.key.sign(statement)).toString("base64") }]);
    expect(await reasons()).toEqual(["malformed-statement"]);
    // What an owner signed as a bundle is no payload of this form, however it is put here.
    await bench.repo.deleteTag(legacyTagOf(bench.subject.digest));
    await attest(
      bench.repo,
      bench.subject,
      { predicateType: CYCLONEDX_PREDICATE, predicate: {} },
      bench.key,
      bench.clock,
    );
    expect((await verify()).verified.map(({ form }) => form)).toEqual([undefined]);
  });

  it("is read up to a number, and one bad one hides no good one", async () => {
    const bad = await signed(undefined, bench.otherKey);
    await putTag([...Array.from({ length: 20 }, () => bad), await signed()]);
    const { verified, rejected } = await verify();
    expect([verified.length, rejected.length]).toEqual([1, 20]);
    await putTag([...Array.from({ length: 64 }, () => bad), await signed()]);
    const flooded = await verify();
    expect(flooded.verified).toEqual([]);
    expect(flooded.rejected.at(-1)).toMatchObject({ reason: "too-many" });
  });

  it("costs no more in many manifests than in one", async () => {
    const { digest, mediaType, size } = bench.subject;
    const bad = await signed(undefined, bench.otherKey);
    const layers = Array.from({ length: 40 }, () => bad);
    for (const n of [1, 2, 3]) {
      await putTag(layers, {
        artifactType: LEGACY_TYPE,
        subject: { digest, mediaType, size },
        annotations: { n: `${n}` },
      });
    }
    const found = await reasons();
    expect(found.filter((reason) => reason === "unknown-key")).toHaveLength(64);
    expect(found.filter((reason) => reason === "too-many")).toHaveLength(2);
  });

  it("survives an index, or a tag that is taken for something else", async () => {
    const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests: [] };
    await bench.repo.putManifest(
      Buffer.from(JSON.stringify(index)),
      MEDIA_TYPES.imageIndex,
      legacyTagOf(bench.subject.digest),
    );
    expect(await reasons()).toEqual(["wrong-media-type"]);
    await signLegacy(bench.repo, bench.subject, bench.key, "voyage/harbour");
    expect((await verify()).verified).toHaveLength(1);
    expect(await listEvidence(bench.repo, digestOf("nothing"))).toEqual([]);
  });
});

describe("a simple signing payload", () => {
  it("is read back as it was written", () => {
    const digest = digestOf("x");
    expect(decodeSimpleSigning(encodeSimpleSigning("a/b", digest))).toEqual({ reference: "a/b", digest });
  });

  it("survives any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeSimpleSigning(bytes)).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(decodeSimpleSigning(Buffer.from(text))).toBeUndefined();
      }),
    );
  });
});
