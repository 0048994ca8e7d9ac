// What the embedded Sigstore gives to whom, over HTTP, and what it refuses.
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  X509Certificate,
  type KeyObject,
} from "node:crypto";
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AsnConvert } from "@peculiar/asn1-schema";
import { CertificationRequest, CertificationRequestInfo } from "@peculiar/asn1-csr";
import { SignedData } from "@peculiar/asn1-cms";
import { TimeStampReq, TimeStampResp, TSTInfo, MessageImprint } from "@peculiar/asn1-tsp";
import { AlgorithmIdentifier, Name, SubjectPublicKeyInfo } from "@peculiar/asn1-x509";
import { OctetString } from "@peculiar/asn1-schema";
import { exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { leafHash, openCheckpoint, parseVkey, verifyInclusion } from "@pratique/audit";
import { silentLog, systemClock } from "@pratique/core";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrayBuffer, ecdsaWithSha256, encode } from "./certificate.ts";
import { derSetOf } from "./der.ts";
import { identityOf } from "./identity-claims.ts";
import { Sigstore } from "./sigstore.ts";
import { startSigstore, testGuard, type TestSigstore } from "./sigstore.fixture.ts";

let own: TestSigstore;
beforeAll(async () => {
  own = await startSigstore({
    issuers: (issuer) => [
      { issuer: issuer.url, audience: "sigstore", subject: "email" },
      // Nothing listens there: its keys cannot be had.
      { issuer: "http://127.0.0.1:9", audience: "sigstore", subject: "uri" },
    ],
  });
});
afterAll(() => own.stop());

interface Answer {
  readonly status: number;
  readonly body: Body;
}

/** Whatever the services answer with, as far as the tests look at it. */
interface Body {
  readonly code?: number;
  readonly message?: string;
  readonly signedCertificateEmbeddedSct: { readonly chain: { readonly certificates: readonly string[] } };
  readonly logIndex: string;
  readonly canonicalizedBody: string;
  readonly inclusionProof: { readonly hashes: readonly string[]; readonly checkpoint: { readonly envelope: string } };
}

async function post(path: string, body: unknown, token?: string): Promise<Answer> {
  const response = await fetch(`${own.url}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: JSON.parse(text) };
}

const newKey = () => generateKeyPairSync("ec", { namedCurve: "prime256v1" });
const pem = (key: KeyObject): string => key.export({ type: "spki", format: "pem" }).toString();

/** Undefined leaves a claim out. */
type Claims = Parameters<TestSigstore["issuer"]["token"]>[0];

type KeyPair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

function request(keys: KeyPair = newKey(), challenge = "ci@example.com"): object {
  const proofOfPossession = sign("sha256", Buffer.from(challenge), keys.privateKey).toString("base64");
  return { publicKeyRequest: { publicKey: { algorithm: "ECDSA", content: pem(keys.publicKey) }, proofOfPossession } };
}

const certify = async (claims: Claims = {}, body: object = request()): Promise<Answer> =>
  post("/api/v2/signingCert", body, await own.issuer.token(claims));

function certificateIn({ status, body }: Answer): X509Certificate {
  expect([status, body.message]).toEqual([200, undefined]);
  return new X509Certificate(body.signedCertificateEmbeddedSct.chain.certificates[0]!);
}

describe("the certificate authority", () => {
  it("certifies the identity in the token for the key that is held, for ten minutes", async () => {
    const keys = newKey();
    const certificate = certificateIn(await certify({}, request(keys)));
    expect(certificate.publicKey.equals(keys.publicKey)).toBe(true);
    expect(certificate.subjectAltName).toBe("email:ci@example.com");
    expect(certificate.subject).toBe(undefined);
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.3"]);
    expect(certificate.ca).toBe(false);
    expect(Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)).toBe(600_000);
    const bundle = JSON.parse(await (await fetch(`${own.url}/api/v2/trustBundle`)).text());
    const [authority] = bundle.chains[0].certificates;
    expect(certificate.verify(new X509Certificate(authority).publicKey)).toBe(true);
    expect(certificate.raw.includes(Buffer.from(own.issuer.url))).toBe(true);
  });

  it("gives each certificate a random serial, puts it into its log and into the record", async () => {
    const before = own.sigstore.logs.certificates;
    const [one, two] = [certificateIn(await certify()), certificateIn(await certify())];
    expect(one.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(one.serialNumber).not.toBe(two.serialNumber);
    expect(own.sigstore.logs.certificates).toBe(before + 2);
    expect(own.records.at(-1)).toMatchObject({
      action: "signing:certify",
      principal: { type: "User", id: `${own.issuer.url} ci@example.com` },
      outcome: "done",
      details: { subject: "ci@example.com", serial: two.serialNumber.toLowerCase() },
    });
  });

  it("takes a certificate signing request, as PEM or DER, and the token in the body", async () => {
    const keys = newKey();
    const info = new CertificationRequestInfo({
      subject: new Name([]),
      subjectPKInfo: AsnConvert.parse(keys.publicKey.export({ type: "spki", format: "der" }), SubjectPublicKeyInfo),
    });
    const csr = (by: KeyObject): Buffer =>
      Buffer.from(
        AsnConvert.serialize(
          new CertificationRequest({
            certificationRequestInfo: info,
            signatureAlgorithm: ecdsaWithSha256(),
            signature: arrayBuffer(sign("sha256", Buffer.from(AsnConvert.serialize(info)), by)),
          }),
        ),
      );
    const der = csr(keys.privateKey);
    const text = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
    const credentials = { oidcIdentityToken: await own.issuer.token() };
    for (const content of [der, Buffer.from(text)]) {
      const body = { credentials, certificateSigningRequest: content.toString("base64") };
      expect(certificateIn(await post("/api/v2/signingCert", body)).publicKey.equals(keys.publicKey)).toBe(true);
    }
    const foreign = { credentials, certificateSigningRequest: csr(newKey().privateKey).toString("base64") };
    expect(await post("/api/v2/signingCert", foreign)).toMatchObject({ status: 400, body: { code: 3 } });
  });

  it.each<[string, Claims]>([
    ["for another audience", { aud: "elsewhere" }],
    ["that has expired", { exp: 1000 }],
    ["without an expiry", { exp: undefined }],
    ["that is not valid yet", { nbf: Math.floor(Date.now() / 1000) + 3600 }],
    ["of the future", { iat: Math.floor(Date.now() / 1000) + 3600 }],
    ["without a subject", { sub: undefined }],
    ["whose address is not verified", { email_verified: false }],
    ["whose address says it is verified as text", { email_verified: "true" }],
    ["without an address", { email: undefined }],
    ["whose address has a line break", { email: "ci@example.com\nroot@example.com" }],
    ["of another issuer", { iss: "https://issuer.example" }],
    ["of an issuer with a slash more", { iss: "" }],
    ["whose issuer is no text", { iss: 7 }],
  ])("refuses a token %s", async (_what, claims) => {
    const { status, body } = await certify(claims);
    expect(status).toBe(401);
    expect(body.message).toMatch(/sigstore\.(token-rejected|unknown-issuer)/);
  });

  it("refuses tokens that the issuer did not sign", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: own.issuer.url, aud: "sigstore", sub: "ci", email: "ci@example.com", email_verified: true };
    const payload = { ...claims, iat: now, exp: now + 300 };
    const good = await own.issuer.token();
    const [header, body, signature] = good.split(".");
    const jwk = await exportJWK(publicKey);
    const hmac = new TextEncoder().encode(pem(createPublicKey({ key: { ...jwk }, format: "jwk" })));
    const tokens = [
      await new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: "one" }).sign(privateKey),
      // Carries its own key, names another address for it, or none that the issuer has.
      await new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: "one", jwk }).sign(privateKey),
      await new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: "two" }).sign(privateKey),
      await new SignJWT(payload).setProtectedHeader({ alg: "HS256", kid: "one" }).sign(hmac),
      new UnsecuredJWT(payload).encode(),
      `${header}.${body}.${signature!.slice(0, -2)}AA`,
      `${header}.${Buffer.from(JSON.stringify({ ...payload, email: "root@example.com" })).toString("base64url")}.${signature}`,
      "a.b.c",
      `${good}.x`,
    ];
    for (const token of tokens) {
      expect(await post("/api/v2/signingCert", request(), token)).toMatchObject({ status: 401, body: { code: 16 } });
    }
  });

  it("refuses who does not hold the key, and keys that it does not take", async () => {
    const keys = newKey();
    const stolen = {
      publicKeyRequest: { publicKey: { content: pem(keys.publicKey) }, proofOfPossession: "AAAA" },
    };
    expect(await certify({}, stolen)).toMatchObject({ status: 400 });
    expect(await certify({}, request(keys, "root@example.com"))).toMatchObject({ status: 400 });
    const p384 = generateKeyPairSync("ec", { namedCurve: "secp384r1" });
    expect((await certify({}, request(p384))).body.message).toContain("sigstore.unsupported-key");
    const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 });
    expect((await certify({}, request(rsa))).body.message).toContain("sigstore.unsupported-key");
    expect(
      await certify({}, { publicKeyRequest: { publicKey: { content: "x" }, proofOfPossession: "AAAA" } }),
    ).toMatchObject({ status: 400 });
    expect(await certify({}, {})).toMatchObject({ status: 400 });
    expect(await post("/api/v2/signingCert", request())).toMatchObject({ status: 401 });
  });

  it("says that an issuer cannot be reached", async () => {
    const token = await own.issuer.token({ iss: "http://127.0.0.1:9", sub: "https://example.com/ci" });
    const { status, body } = await post("/api/v2/signingCert", request(), token);
    expect([status, body.code]).toEqual([503, 14]);
  });

  it("certifies nobody whom policy forbids, and records that", async () => {
    const strict = await startSigstore({
      policy: `@id("ours.only") forbid (principal, action == Pratique::Action::"signing:certify", resource)
        unless { context has subject && context.subject like "*@ours.example" };`,
    });
    try {
      const answer = await fetch(`${strict.url}/api/v2/signingCert`, {
        method: "POST",
        headers: { authorization: `Bearer ${await strict.issuer.token()}` },
        body: JSON.stringify(request()),
      });
      expect(answer.status).toBe(403);
      expect(strict.records).toMatchObject([
        { action: "signing:certify", outcome: "denied", policies: [{ id: "ours.only" }] },
      ]);
      expect(strict.sigstore.logs.certificates).toBe(0);
    } finally {
      await strict.stop();
    }
  });
});

describe("what a certificate says of a CI job", () => {
  it("names the GitHub workflow and its facts", () => {
    const claims = {
      iss: "https://token.actions.githubusercontent.com",
      sub: "repo:acme/app:ref:refs/heads/main",
      job_workflow_ref: "acme/app/.github/workflows/release.yml@refs/heads/main",
      repository: "acme/app",
      sha: "abc",
      event_name: "push",
      run_id: "7",
      run_attempt: "1",
    };
    const identity = identityOf("github", claims, "sigstore");
    expect(identity.subject).toBe("https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main");
    expect(identity.challenges).toEqual(["repo:acme/app:ref:refs/heads/main"]);
    const values = new Map(identity.extensions.map(({ arc, value }) => [arc, value]));
    expect(values.get(12)).toBe("https://github.com/acme/app");
    expect(values.get(21)).toBe("https://github.com/acme/app/actions/runs/7/attempts/1");
    expect(values.has(22)).toBe(false);
  });

  it("names the GitLab pipeline and the Kubernetes service account", () => {
    const gitlab = {
      iss: "https://gitlab.acme.com",
      sub: "project_path:a/b",
      ci_config_ref_uri: "gitlab.acme.com/a/b//.gitlab-ci.yml@refs/heads/main",
    };
    expect(identityOf("gitlab", gitlab, "sigstore").subject).toBe(
      "https://gitlab.acme.com/a/b//.gitlab-ci.yml@refs/heads/main",
    );
    const account = { iss: "https://kubernetes.default.svc", sub: "system:serviceaccount:build:packer" };
    expect(identityOf("kubernetes", account, "sigstore").subject).toBe(
      "https://kubernetes.io/namespaces/build/serviceaccounts/packer",
    );
  });

  it("never puts anything but one plain name into a certificate", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.constantFrom("email", "uri", "github", "gitlab"), (text, kind) => {
        const claims = {
          iss: "https://a.example",
          sub: text,
          email: text,
          email_verified: true,
          job_workflow_ref: text,
          ci_config_ref_uri: text,
        };
        let subject = "";
        try {
          ({ subject } = identityOf(kind as "email", claims, "sigstore"));
        } catch {
          return;
        }
        expect(subject).toMatch(/^[\x21-\x7e]+$/);
      }),
    );
  });
});

describe("the transparency log", () => {
  const entry = (keys: KeyPair = newKey(), message = "hello") => ({
    hashedRekordRequestV002: {
      digest: createHash("sha256").update(message).digest("base64"),
      signature: {
        content: sign("sha256", Buffer.from(message), keys.privateKey).toString("base64"),
        verifier: {
          keyDetails: "PKIX_ECDSA_P256_SHA_256",
          publicKey: { rawBytes: keys.publicKey.export({ type: "spki", format: "der" }).toString("base64") },
        },
      },
    },
  });

  it("answers with a proof that its own checkpoint bears out", async () => {
    for (let n = 0; n < 3; n += 1) {
      const { status, body } = await post("/api/v2/log/entries", entry());
      expect(status).toBe(201);
      const { inclusionProof, canonicalizedBody, logIndex } = body;
      const vkey = parseVkey(own.sigstore.logs.vkey);
      const checkpoint = openCheckpoint(inclusionProof.checkpoint.envelope, vkey);
      expect(checkpoint.origin).toBe("rekor.sigstore.test");
      const leaf = leafHash(Buffer.from(canonicalizedBody, "base64"));
      const path = inclusionProof.hashes.map((hash) => Buffer.from(hash, "base64"));
      const root = Buffer.from(checkpoint.rootHash, "base64");
      expect(verifyInclusion(leaf, Number(logIndex), checkpoint.size, path, root)).toBe(true);
    }
    const served = await (await fetch(`${own.url}/api/v2/checkpoint`)).text();
    expect(openCheckpoint(served, parseVkey(own.sigstore.logs.vkey)).size).toBe(own.sigstore.logs.entries);
    expect((await fetch(`${own.url}/api/v2/tile/0/000.p/1`)).status).toBe(200);
    expect((await fetch(`${own.url}/api/v2/tile/entries/000.p/1`)).status).toBe(200);
    expect((await fetch(`${own.url}/ct/checkpoint`)).status).toBe(200);
  });

  it("gives many who come at once each a proof of their own", async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => post("/api/v2/log/entries", entry(newKey(), `${n}`))),
    );
    expect(new Set(answers.map(({ body }) => body.logIndex)).size).toBe(20);
    expect(answers.every(({ status }) => status === 201)).toBe(true);
  });

  it("logs nothing that does not verify", async () => {
    const before = own.sigstore.logs.entries;
    const [good, other] = [entry(), entry(newKey(), "other")];
    const broken = [
      { hashedRekordRequestV002: { ...good.hashedRekordRequestV002, digest: other.hashedRekordRequestV002.digest } },
      {
        hashedRekordRequestV002: {
          ...good.hashedRekordRequestV002,
          signature: { ...other.hashedRekordRequestV002.signature, content: "AAAA" },
        },
      },
      { hashedRekordRequestV002: { ...good.hashedRekordRequestV002, digest: "AAAA" } },
      { dsseRequestV002: {} },
      {},
      [],
    ];
    for (const body of broken) expect((await post("/api/v2/log/entries", body)).status).toBe(400);
    const p384 = generateKeyPairSync("ec", { namedCurve: "secp384r1" });
    expect((await post("/api/v2/log/entries", entry(p384))).status).toBe(400);
    expect(own.sigstore.logs.entries).toBe(before);
  });

  it("refuses what is too large, and paths that it does not have", async () => {
    expect((await post("/api/v2/log/entries", { a: "x".repeat(200_000) })).status).toBe(413);
    for (const path of [
      "/api/v2/tile/../../keys/ca.pem",
      "/api/v2/tile/%2e%2e/keys",
      "/api/v2/checkpoints",
      "/",
      "/ct/tile/9/000",
    ]) {
      expect((await fetch(`${own.url}${path}`)).status).toBe(404);
    }
    expect((await fetch(`${own.url}/api/v2/log/entries`)).status).toBe(405);
    expect((await fetch(`${own.url}/trusted_root.json`, { method: "DELETE" })).status).toBe(405);
  });
});

describe("the timestamp authority", () => {
  const digest = createHash("sha256").update("signature").digest();
  const query = (changes: Partial<TimeStampReq> = {}): Buffer =>
    Buffer.from(
      AsnConvert.serialize(
        new TimeStampReq({
          messageImprint: new MessageImprint({
            hashAlgorithm: new AlgorithmIdentifier({ algorithm: "2.16.840.1.101.3.4.2.1", parameters: null }),
            hashedMessage: new OctetString(digest),
          }),
          nonce: arrayBuffer(Buffer.from([0x70, 1, 2])),
          ...changes,
        }),
      ),
    );
  const stamp = async (body: Buffer | string, type = "application/timestamp-query"): Promise<Response> =>
    fetch(`${own.url}/api/v1/timestamp`, {
      method: "POST",
      headers: { "content-type": type },
      body: typeof body === "string" ? body : new Uint8Array(body),
    });

  it("echoes digest and nonce, signs them with its certificate, and encloses that only when asked", async () => {
    for (const certReq of [true, false]) {
      const response = await stamp(query({ certReq }));
      expect([response.status, response.headers.get("content-type")]).toEqual([201, "application/timestamp-reply"]);
      const { status, timeStampToken } = AsnConvert.parse(await response.arrayBuffer(), TimeStampResp);
      expect(status.status).toBe(0);
      const signed = AsnConvert.parse(timeStampToken!.content, SignedData);
      const info = AsnConvert.parse(signed.encapContentInfo.eContent!.single!.buffer, TSTInfo);
      expect(Buffer.from(info.messageImprint.hashedMessage.buffer)).toEqual(digest);
      expect(Buffer.from(info.nonce!)).toEqual(Buffer.from([0x70, 1, 2]));
      expect(Math.abs(info.genTime.getTime() - Date.now())).toBeLessThan(60_000);
      expect(signed.certificates?.length ?? 0).toBe(certReq ? 1 : 0);
      const [signer] = signed.signerInfos;
      const attributes = derSetOf(signer!.signedAttrs!.map(encode));
      const [leaf] = own.sigstore.timestampChain;
      const key = new X509Certificate(leaf!).publicKey;
      expect(verify("sha256", attributes, key, Buffer.from(signer!.signature.buffer))).toBe(true);
    }
  });

  it("takes the JSON form of sigstore-js", async () => {
    const body = JSON.stringify({
      artifactHash: digest.toString("base64"),
      hashAlgorithm: "sha256",
      nonce: 2 ** 40,
      certificates: true,
    });
    expect((await stamp(body, "application/json")).status).toBe(201);
    expect((await stamp(JSON.stringify({ artifactHash: "AAAA" }), "application/json")).status).toBe(400);
  });

  it("refuses what it cannot stamp", async () => {
    const sha1 = new MessageImprint({
      hashAlgorithm: new AlgorithmIdentifier({ algorithm: "1.3.14.3.2.26", parameters: null }),
      hashedMessage: new OctetString(Buffer.alloc(20)),
    });
    for (const body of [
      query({ messageImprint: sha1 }),
      query({ reqPolicy: "1.2.3" }),
      query({ nonce: new ArrayBuffer(100) }),
      Buffer.from("x"),
    ]) {
      expect((await stamp(body)).status).toBe(400);
    }
  });

  it("survives any bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect([201, 400]).toContain((await stamp(Buffer.from(bytes))).status);
      }),
      { numRuns: 30 },
    );
  });
});

describe("what lies on disk", () => {
  it("is the same Sigstore after a restart, with keys that only the owner reads", async () => {
    const directory = await mkdtemp(join(tmpdir(), "pratique-sigstore-"));
    try {
      const first = await startSigstore({ directory });
      const digest = first.sigstore.trustedRoot.digest;
      await first.stop();
      const second = await startSigstore({ directory });
      expect(second.sigstore.trustedRoot.digest).toBe(digest);
      await second.stop();
      for (const name of await readdir(join(directory, "keys"))) {
        expect([name, (await stat(join(directory, "keys", name))).mode & 0o777]).toEqual([name, 0o600]);
      }
      await chmod(join(directory, "keys/ca.pem"), 0o644);
      await expect(startSigstore({ directory })).rejects.toMatchObject({ code: "sigstore.bad-key" });
      await rm(join(directory, "keys/ca.pem"));
      await expect(startSigstore({ directory })).rejects.toMatchObject({ code: "sigstore.bad-certificate" });
      await writeFile(join(directory, "ca.crt"), "nothing");
      await expect(startSigstore({ directory })).rejects.toMatchObject({ code: "sigstore.bad-certificate" });
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });

  it("refuses issuers whose keys would come over a plain connection", async () => {
    const directory = await mkdtemp(join(tmpdir(), "pratique-sigstore-"));
    const issuers = [{ issuer: "http://issuer.example", audience: "sigstore", subject: "email" as const }];
    const guard = await testGuard([]);
    const opened = Sigstore.open({
      directory,
      name: "a.test",
      issuers,
      url: "http://localhost",
      guard,
      clock: systemClock,
      log: silentLog,
    });
    await expect(opened).rejects.toMatchObject({ code: "sigstore.bad-issuer" });
    await rm(directory, { recursive: true, force: true });
  });
});
