// What is believed and what is not, over a real content store.
import { generateKeyPairSync } from "node:crypto";
import { digestOf, type JsonObject } from "@pratique/core";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { attest, signArtifact } from "./attest.ts";
import { makeBundle } from "./bundle.ts";
import { preAuthEncoding } from "./dsse.ts";
import { IN_TOTO_TYPE } from "./media-types.ts";
import { SIGNATURE_PREDICATE } from "./predicates.ts";
import { encodeStatement } from "./statement.ts";
import { BUNDLE_LIMIT_BYTES, REFERRER_LIMIT, verifyArtifact } from "./verify.ts";
import { openWorkbench, replacing, type Workbench } from "./workbench.fixture.ts";

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

const statementAbout = (digest = bench.subject.digest): Buffer =>
  encodeStatement({ subject: digest, predicateType: SIGNATURE_PREDICATE, predicate: {} });

/** The reasons of all rejections, sorted. */
async function reasons(): Promise<string[]> {
  const { verified, rejected } = await verifyArtifact(bench.repo, bench.subject, bench.trust);
  expect(verified).toEqual([]);
  return rejected.map(({ reason }) => reason).sort();
}

describe("preAuthEncoding", () => {
  it("counts bytes, not characters (DSSE protocol, test vector and beyond)", () => {
    const encoded = preAuthEncoding("http://example.com/HelloWorld", Buffer.from("hello world"));
    expect(encoded.toString()).toBe("DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    expect(preAuthEncoding("ä", Buffer.from("ö")).toString()).toBe("DSSEv1 2 ä 2 ö");
  });
});

describe("verifyArtifact", () => {
  it("verifies a signature and an attestation", async () => {
    await signArtifact(bench.repo, bench.subject, bench.key, bench.clock);
    const statement = { predicateType: "https://example.com/p", predicate: { a: [1, "ü"] } };
    await attest(bench.repo, bench.subject, statement, bench.key, bench.clock);
    const { verified, rejected } = await verifyArtifact(bench.repo, bench.subject, bench.trust);
    expect(rejected).toEqual([]);
    expect(verified.map(({ predicateType }) => predicateType).sort()).toEqual([
      "https://example.com/p",
      SIGNATURE_PREDICATE,
    ]);
    const found = verified.find(({ predicateType }) => predicateType === "https://example.com/p");
    expect(found).toMatchObject({ predicate: { a: [1, "ü"] }, signer: { name: "owner", id: bench.key.keyId } });
    expect(found?.subjectName).toBe("voyage/harbour");
  });

  it("writes the manifest that cosign 3 writes", async () => {
    const { digest } = await signArtifact(bench.repo, bench.subject, bench.key, bench.clock);
    const manifest = JSON.parse(Buffer.from((await bench.repo.manifest(digest))!.bytes).toString());
    expect(manifest).toMatchObject({
      artifactType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      config: {
        mediaType: "application/vnd.oci.empty.v1+json",
        digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        size: 2,
      },
      annotations: {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": SIGNATURE_PREDICATE,
        "org.opencontainers.image.created": "2026-11-01T00:00:00.000Z",
      },
      subject: { digest: bench.subject.digest },
    });
    const bundle = JSON.parse((await makeBundle(statementAbout(), bench.key)).toString());
    expect(bundle.dsseEnvelope.signatures[0]).not.toHaveProperty("keyid");
    expect(bundle.verificationMaterial.publicKey.hint).toBe(bench.key.keyId);
  });

  it("rejects what an untrusted key signed", async () => {
    await signArtifact(bench.repo, bench.subject, bench.otherKey, bench.clock);
    expect(await reasons()).toEqual(["unknown-key"]);
  });

  it("rejects a signature by one key under another's name", async () => {
    await bench.pushBundle(await makeBundle(statementAbout(), { ...bench.otherKey, keyId: bench.key.keyId }));
    expect(await reasons()).toEqual(["bad-signature"]);
  });

  it("rejects a good bundle that was moved to another artifact", async () => {
    await bench.pushBundle(await makeBundle(statementAbout(digestOf("another")), bench.key));
    expect(await reasons()).toEqual(["wrong-subject"]);
  });

  it("rejects a referrer whose own manifest refers to another artifact", async () => {
    const other = await bench.pushArtifact("another");
    const elsewhere = await signArtifact(bench.repo, other, bench.key, bench.clock);
    // A registry that lists what it should not.
    const repo = replacing(bench.repo, { referrers: () => Promise.resolve([elsewhere]) });
    const { rejected } = await verifyArtifact(repo, bench.subject, bench.trust);
    expect(rejected).toMatchObject([{ reason: "wrong-subject" }]);
  });

  it("rejects malformed bundles, each alone", async () => {
    const good = (await makeBundle(statementAbout(), bench.key)).toString();
    const parsed = JSON.parse(good);
    const [signature] = parsed.dsseEnvelope.signatures;
    const broken: unknown[] = [
      [],
      {},
      { ...parsed, mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.1" },
      { ...parsed, dsseEnvelope: { ...parsed.dsseEnvelope, payloadType: "text/plain" } },
      { ...parsed, dsseEnvelope: { ...parsed.dsseEnvelope, signatures: [] } },
      { ...parsed, dsseEnvelope: { ...parsed.dsseEnvelope, signatures: [signature, signature] } },
      { ...parsed, dsseEnvelope: { ...parsed.dsseEnvelope, payload: `${parsed.dsseEnvelope.payload}\n` } },
      { ...parsed, dsseEnvelope: undefined, messageSignature: { signature: signature.sig } },
      { ...parsed, verificationMaterial: { publicKey: { hint: "" } } },
    ];
    await bench.pushBundle(Buffer.from("not json"));
    await bench.pushBundle(Buffer.from([0xff, 0xfe]));
    for (const value of broken) await bench.pushBundle(Buffer.from(JSON.stringify(value)));
    expect(await reasons()).toEqual(Array(broken.length + 2).fill("malformed-bundle"));
  });

  it("rejects a certificate that is none", async () => {
    const parsed = JSON.parse((await makeBundle(statementAbout(), bench.key)).toString());
    parsed.verificationMaterial = { certificate: { rawBytes: "AAAA" } };
    await bench.pushBundle(Buffer.from(JSON.stringify(parsed)));
    expect(await reasons()).toEqual(["malformed-bundle"]);
  });

  it("rejects signed payloads that are no statements", async () => {
    const deep = `${"[".repeat(200)}${"]".repeat(200)}`;
    const about = { digest: { sha256: bench.subject.digest.slice(7) } };
    for (const payload of [
      "text",
      "[]",
      '{"_type":"https://in-toto.io/Statement/v2"}',
      JSON.stringify({ _type: "https://in-toto.io/Statement/v1", subject: [], predicateType: "p", predicate: {} }),
      JSON.stringify({ _type: "https://in-toto.io/Statement/v1", subject: [about], predicateType: "p", predicate: 7 }),
      `{"_type":"https://in-toto.io/Statement/v1","subject":[${JSON.stringify(about)}],"predicateType":"p","predicate":{"a":${deep}}}`,
    ]) {
      await bench.pushBundle(await makeBundle(Buffer.from(payload), bench.key));
    }
    expect(await reasons()).toEqual(Array(6).fill("malformed-statement"));
  });

  it("reads statements of both versions", async () => {
    for (const version of ["v0.1", "v1"]) {
      const statement = JSON.parse(statementAbout().toString());
      statement._type = `https://in-toto.io/Statement/${version}`;
      await bench.pushBundle(await makeBundle(Buffer.from(JSON.stringify(statement)), bench.key));
    }
    expect((await verifyArtifact(bench.repo, bench.subject, bench.trust)).verified).toHaveLength(2);
  });

  it("rejects other media types and manifests that are not one bundle", async () => {
    const bundle = await makeBundle(statementAbout(), bench.key);
    const layer = { mediaType: "text/plain", ...(await bench.repo.putBlob(bundle)) };
    await bench.pushBundle(bundle, { artifactType: "application/vnd.cyclonedx+json" });
    await bench.pushBundle(bundle, { layers: [layer] });
    await bench.pushBundle(bundle, { layers: [] });
    const twice = { ...layer, mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json" };
    await bench.pushBundle(bundle, { layers: [twice, twice] });
    expect(await reasons()).toEqual(Array(4).fill("wrong-media-type"));
  });

  it("rejects a bundle that claims to be larger than is read, without reading it", async () => {
    const descriptor = await bench.pushBundle(await makeBundle(statementAbout(), bench.key));
    const { repo } = bench;
    const manifest = JSON.parse(Buffer.from((await repo.manifest(descriptor.digest))!.bytes).toString());
    manifest.layers[0].size = BUNDLE_LIMIT_BYTES + 1;
    const bytes = Buffer.from(JSON.stringify(manifest));
    const listed = { ...descriptor, digest: digestOf(bytes), size: bytes.length };
    const { rejected } = await verifyArtifact(
      replacing(repo, {
        referrers: () => Promise.resolve([listed]),
        manifest: async (ref) =>
          ref === listed.digest ? { descriptor: listed, bytes, mediaType: listed.mediaType } : undefined,
        openBlob: () => Promise.reject(new Error("must not be read")),
      }),
      bench.subject,
      bench.trust,
    );
    expect(rejected).toMatchObject([{ reason: "too-large" }]);
  });

  it("rejects a bundle that a registry exchanged, and a manifest that is gone", async () => {
    const signed = await signArtifact(bench.repo, bench.subject, bench.key, bench.clock);
    const { repo } = bench;
    const decoy = await repo.putBlob(Buffer.from("x".repeat(300)));
    const exchanged = await verifyArtifact(
      replacing(repo, { openBlob: () => repo.openBlob(decoy.digest) }),
      bench.subject,
      bench.trust,
    );
    expect(exchanged).toMatchObject({ verified: [], rejected: [{ digest: signed.digest, reason: "missing" }] });
    const gone = await verifyArtifact(
      replacing(repo, { manifest: () => Promise.resolve(undefined) }),
      bench.subject,
      bench.trust,
    );
    expect(gone).toMatchObject({ verified: [], rejected: [{ reason: "missing" }] });
  });

  it("fails, rather than finding no evidence, when the repository cannot be read", async () => {
    await signArtifact(bench.repo, bench.subject, bench.key, bench.clock);
    const repo = replacing(bench.repo, { openBlob: () => Promise.reject(new Error("disk")) });
    await expect(verifyArtifact(repo, bench.subject, bench.trust)).rejects.toThrow("disk");
  });

  it("reads a bounded number of referrers, bundles first", async () => {
    const signed = await signArtifact(bench.repo, bench.subject, bench.key, bench.clock);
    const noise = Array.from({ length: REFERRER_LIMIT + 10 }, (_, index) => ({
      mediaType: signed.mediaType,
      digest: digestOf(`noise ${index}`),
      size: 10,
      artifactType: "application/vnd.noise",
    }));
    const repo = replacing(bench.repo, { referrers: () => Promise.resolve([...noise, signed]) });
    const { verified, rejected } = await verifyArtifact(repo, bench.subject, bench.trust);
    expect(verified).toHaveLength(1);
    expect(rejected.filter(({ reason }) => reason === "too-many")).toHaveLength(11);
  });

  it("refuses keys that are too weak or private to be trusted", async () => {
    const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ type: "spki", format: "pem" });
    const secret = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
    for (const publicKeyPem of ["nothing", weak.toString(), secret.toString()]) {
      const trust = { keys: [{ name: "k", publicKeyPem }] };
      await expect(verifyArtifact(bench.repo, bench.subject, trust)).rejects.toMatchObject({ code: "trust.invalid" });
    }
  });

  it("refuses a bundle in which any byte of payload or signature was altered", async () => {
    const bundle = JSON.parse((await makeBundle(statementAbout(), bench.key)).toString());
    const parts = ["payload", "signature"] as const;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...parts),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (part, at, flip) => {
          const altered = structuredClone(bundle);
          const [signature] = altered.dsseEnvelope.signatures;
          const bytes = Buffer.from(part === "payload" ? altered.dsseEnvelope.payload : signature.sig, "base64");
          bytes[at % bytes.length]! ^= flip;
          if (part === "payload") altered.dsseEnvelope.payload = bytes.toString("base64");
          else signature.sig = bytes.toString("base64");
          const { digest } = await bench.pushBundle(Buffer.from(JSON.stringify(altered)));
          try {
            expect(await reasons()).toEqual(["bad-signature"]);
          } finally {
            await bench.repo.deleteManifest(digest);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("refuses a bundle for every digest but the signed one", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 63 }), fc.integer({ min: 1, max: 15 }), async (at, flip) => {
        const hex = bench.subject.digest.slice("sha256:".length).split("");
        hex[at] = (parseInt(hex[at]!, 16) ^ flip).toString(16);
        const statement = JSON.parse(statementAbout().toString());
        statement.subject[0].digest.sha256 = hex.join("");
        const { digest } = await bench.pushBundle(await makeBundle(Buffer.from(JSON.stringify(statement)), bench.key));
        try {
          expect(await reasons()).toEqual(["wrong-subject"]);
        } finally {
          await bench.repo.deleteManifest(digest);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("survives any bytes as a bundle", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        async (bytes) => {
          const { digest } = await bench.pushBundle(bytes);
          try {
            expect(await reasons()).toEqual(["malformed-bundle"]);
          } finally {
            await bench.repo.deleteManifest(digest);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("attaching again", () => {
  const statement = (predicate: JsonObject): { predicateType: string; predicate: JsonObject } => ({
    predicateType: "https://example.com/p",
    predicate,
  });

  it("keeps an equal signature and an equal attestation", async () => {
    const first = await signArtifact(bench.repo, bench.subject, bench.key, bench.clock);
    bench.clock.advance(1000);
    expect(await signArtifact(bench.repo, bench.subject, bench.key, bench.clock)).toMatchObject({
      digest: first.digest,
    });
    const one = await attest(bench.repo, bench.subject, statement({ a: 1, b: 2 }), bench.key, bench.clock);
    const two = await attest(bench.repo, bench.subject, statement({ b: 2, a: 1 }), bench.key, bench.clock);
    expect(two.digest).toBe(one.digest);
    expect(await bench.repo.referrers(bench.subject.digest)).toHaveLength(2);
  });

  it("supersedes another of the same predicate type and key, and no one else's", async () => {
    await attest(bench.repo, bench.subject, statement({ a: 1 }), bench.otherKey, bench.clock);
    await attest(bench.repo, bench.subject, statement({ a: 1 }), bench.key, bench.clock);
    const latest = await attest(bench.repo, bench.subject, statement({ a: 2 }), bench.key, bench.clock);
    const { verified, rejected } = await verifyArtifact(bench.repo, bench.subject, bench.trust);
    expect(verified).toMatchObject([{ predicate: { a: 2 }, referrer: { digest: latest.digest } }]);
    expect(rejected).toMatchObject([{ reason: "unknown-key" }]);
  });

  it("attaches all the same where the registry refuses to delete", async () => {
    const repo = replacing(bench.repo, { deleteManifest: () => Promise.reject(new Error("405")) });
    await attest(repo, bench.subject, statement({ a: 1 }), bench.key, bench.clock);
    await attest(repo, bench.subject, statement({ a: 2 }), bench.key, bench.clock);
    expect((await verifyArtifact(repo, bench.subject, bench.trust)).verified).toHaveLength(2);
  });

  it("refuses a predicate that is nested too deep", async () => {
    let predicate: JsonObject = {};
    for (let depth = 0; depth < 100; depth += 1) predicate = { predicate };
    await expect(attest(bench.repo, bench.subject, statement(predicate), bench.key, bench.clock)).rejects.toMatchObject(
      {
        code: "attestation.invalid",
      },
    );
  });

  it("signs the type of what is signed, too", () => {
    const encode = (type: string): string => preAuthEncoding(type, Buffer.from("p")).toString();
    expect(encode(IN_TOTO_TYPE)).not.toBe(encode("application/json"));
  });
});
