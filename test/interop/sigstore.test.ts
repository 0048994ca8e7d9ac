// cosign 3 and our embedded Sigstore: it signs against ours, verifies what we signed without a key, and we verify its.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { UserPrincipal } from "@pratique/contracts";
import { silentLog, systemClock } from "@pratique/core";
import {
  attest,
  openKeylessSigner,
  readTrustRoot,
  signArtifact,
  verifyArtifact,
  type KeylessSigner,
  type Trust,
  type TrustRoot,
} from "@pratique/evidence";
import { MEDIA_TYPES, openContentStore, type ContentStore, type Descriptor, type LocalRepository } from "@pratique/oci";
import { createRegistry } from "@pratique/registry";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startSigstore, testGuard, type TestSigstore } from "../../packages/sigstore/src/sigstore.fixture.ts";
import { peerOrSkip, type PeerResult, type PeerTool } from "./peers/debian-sid.ts";

const owner: UserPrincipal = { type: "User", id: "owner", name: "Owner", groups: ["owner"] };

let directory = "";
let store: ContentStore;
let host = "";
let stopServer: () => Promise<void>;
let repo: LocalRepository;
let subject: Descriptor;
let own: TestSigstore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-keyless-"));
  store = await openContentStore(join(directory, "registry"), { clock: systemClock, log: silentLog });
  const guard = await testGuard([]);
  const registry = createRegistry({ store, guard, clock: systemClock, log: silentLog });
  const server = createServer((req, res) => void registry.handle(req, res, { principal: owner }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  stopServer = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  repo = store.repository("voyage/harbour");
  subject = await pushArtifact();
  own = await startSigstore();
  await writeFile(join(directory, "root.json"), own.sigstore.trustedRoot.bytes);
  await writeFile(join(directory, "signing.json"), own.sigstore.signingConfig.bytes);
});
afterEach(async () => {
  await own.stop();
  await stopServer();
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

async function pushArtifact(): Promise<Descriptor> {
  const config = await repo.putBlob(Buffer.from("{}"));
  const layer = await repo.putBlob(Buffer.from("harbour"));
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    artifactType: "application/vnd.example",
    config: { mediaType: MEDIA_TYPES.empty, ...config },
    layers: [{ mediaType: "text/plain", ...layer }],
  };
  return repo.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest, "1.0");
}

const reference = (): string => `${host}/${repo.name}@${subject.digest}`;

/** What cosign said against it; empty when it agreed. */
const objection = ({ code, stderr }: PeerResult): string => (code === 0 ? "" : `exit ${code}: ${stderr}`);

function cosign(peer: PeerTool, ...args: string[]): Promise<PeerResult> {
  return peer.run(args, { cwd: directory, env: { COSIGN_PASSWORD: "", HOME: directory } });
}

async function signWithCosign(peer: PeerTool, ...args: string[]): Promise<PeerResult> {
  await writeFile(join(directory, "token"), await own.issuer.token());
  const trust = ["--signing-config", "signing.json", "--trusted-root", "root.json", "--identity-token", "token"];
  return cosign(peer, "sign", ...trust, "-y", ...args, reference());
}

const verifyWithCosign = (peer: PeerTool, identity = "ci@example.com", issuer = own.issuer.url): Promise<PeerResult> =>
  cosign(
    peer,
    "verify",
    "--trusted-root",
    "root.json",
    "--certificate-identity",
    identity,
    "--certificate-oidc-issuer",
    issuer,
    reference(),
  );

describe("cosign signs against our Sigstore", () => {
  it("is given a certificate, a log entry and a timestamp, and verifies them with our trusted root", async (context) => {
    const peer = await peerOrSkip(context, "cosign");
    expect(objection(await signWithCosign(peer))).toBe("");
    expect(objection(await verifyWithCosign(peer))).toBe("");
    expect(objection(await verifyWithCosign(peer, "other@example.com"))).toContain("no matching CertificateIdentity");
    const acts = own.records.map(({ action, outcome }) => `${action} ${outcome}`).toSorted();
    expect(acts).toEqual(["signing:certify done", "signing:log done", "signing:timestamp done"]);
  });
});

const root = (): TrustRoot => readTrustRoot("own", own.sigstore.trustedRoot.bytes);

const trusting = (subjectPattern: string): Trust => ({
  keys: [],
  identities: [{ name: "ci", issuer: own.issuer.url, subjectPattern }],
  roots: [root()],
});

async function keylessSigner(): Promise<KeylessSigner> {
  return openKeylessSigner({
    identityToken: await own.issuer.token(),
    signingConfig: own.sigstore.signingConfig.bytes,
    root: root(),
    clock: systemClock,
  });
}

describe("cosign signs with a key and our log", () => {
  it("verifies with the key and our trusted root, and needs no insecure flag", async (context) => {
    const peer = await peerOrSkip(context, "cosign");
    expect(objection(await cosign(peer, "generate-key-pair"))).toBe("");
    const trust = ["--signing-config", "signing.json", "--trusted-root", "root.json"];
    expect(objection(await cosign(peer, "sign", "--key", "cosign.key", ...trust, "-y", reference()))).toBe("");
    expect(own.sigstore.logs).toMatchObject({ entries: 1, certificates: 0 });
    const verify = ["verify", "--key", "cosign.pub", "--trusted-root", "root.json", reference()];
    expect(objection(await cosign(peer, ...verify))).toBe("");
  });
});

describe("signing without a key", () => {
  it("makes signatures and attestations that cosign accepts with no insecure flag", async (context) => {
    const peer = await peerOrSkip(context, "cosign");
    const signer = await keylessSigner();
    await signArtifact(repo, subject, signer, systemClock);
    await attest(
      repo,
      subject,
      { predicateType: "https://cyclonedx.org/bom", predicate: { a: 1 } },
      signer,
      systemClock,
    );
    expect(objection(await verifyWithCosign(peer))).toBe("");
    expect(objection(await verifyWithCosign(peer, "ci@example.com", "https://issuer.example"))).not.toBe("");
    const identity = ["--certificate-identity", "ci@example.com", "--certificate-oidc-issuer", own.issuer.url];
    const attested = [
      "verify-attestation",
      "--type",
      "cyclonedx",
      "--trusted-root",
      "root.json",
      ...identity,
      reference(),
    ];
    expect(objection(await cosign(peer, ...attested))).toBe("");
  });

  it("accepts what cosign signed, for the identity that is trusted and no other", async (context) => {
    const peer = await peerOrSkip(context, "cosign");
    expect(objection(await signWithCosign(peer))).toBe("");
    const { verified, rejected } = await verifyArtifact(repo, subject, trusting("*@example.com"));
    expect(rejected).toEqual([]);
    expect(verified).toMatchObject([{ signer: { name: "ci", issuer: own.issuer.url, subject: "ci@example.com" } }]);
    expect((await verifyArtifact(repo, subject, trusting("*@example.org"))).rejected).toMatchObject([
      { reason: "wrong-identity" },
    ]);
  });
});
