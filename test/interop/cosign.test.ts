// cosign 3 verifies what we sign, and we verify what cosign signs, over our own registry.
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditRecord, type RecordBody, type UserPrincipal } from "@pratique/contracts";
import { silentLog, systemClock, type JsonObject } from "@pratique/core";
import {
  attest,
  clearArtifact,
  CYCLONEDX_PREDICATE,
  evidenceOf,
  openSigningKey,
  PROVENANCE_PREDICATE,
  provenanceOf,
  signArtifact,
  verifyArtifact,
  VSA_PREDICATE,
  type SigningKey,
  type Trust,
} from "@pratique/evidence";
import { createGuard, type Guard } from "@pratique/guard";
import {
  MEDIA_TYPES,
  openContentStore,
  parseReference,
  remoteRepository,
  type ContentStore,
  type Descriptor,
  type LocalRepository,
} from "@pratique/oci";
import { loadPolicySet } from "@pratique/policy";
import { createRegistry } from "@pratique/registry";
import { writeSbom } from "@pratique/sbom";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { peerOrSkip, type PeerResult, type PeerTool } from "./peers/debian-sid.ts";

const POLICIES = new URL("../../policies/", import.meta.url);
const readPolicy = (name: string): string => readFileSync(new URL(name, POLICIES), "utf8");
const cedarFiles = readdirSync(POLICIES).filter((name) => name.endsWith(".cedar"));
const policies = loadPolicySet({
  schema: readPolicy("pratique.cedarschema"),
  files: Object.fromEntries(cedarFiles.map((name) => [name, readPolicy(name)])),
});
const owner: UserPrincipal = { type: "User", id: "owner", name: "Owner", groups: ["owner"] };
const clock = systemClock;

let directory = "";
let store: ContentStore;
let guard: Guard;
let host = "";
let stopServer: () => Promise<void>;
let repo: LocalRepository;
let subject: Descriptor;
let key: SigningKey;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-cosign-"));
  store = await openContentStore(join(directory, "registry"), { clock, log: silentLog });
  guard = createGuard({ policy: () => policies, audit: { append: inMemory() }, clock, log: silentLog });
  await startServer();
  repo = store.repository("voyage/harbour");
  subject = await pushArtifact();
  key = await openSigningKey(join(directory, "keys"));
});
afterEach(async () => {
  await stopServer();
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

/** A log that only counts: what it does is tested elsewhere. */
function inMemory(): (body: RecordBody) => Promise<AuditRecord> {
  let sequence = 0;
  return async (body) =>
    AuditRecord.parse({ ...body, version: 1, id: "r", sequence: sequence++, time: clock.now().toISOString() });
}

async function startServer(): Promise<void> {
  const registry = createRegistry({ store, guard, clock, log: silentLog });
  const server = createServer((req, res) => void registry.handle(req, res, { principal: owner }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  host = `127.0.0.1:${port}`;
  stopServer = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}

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
const ownKeyFile = (): string => join(directory, "keys/cosign.pub");
const ownTrust = (): Trust => ({ keys: [{ name: "owner", publicKeyPem: key.publicKeyPem }] });

/** What cosign said against it; empty when it agreed. */
const objection = ({ code, stderr }: PeerResult): string => (code === 0 ? "" : `exit ${code}: ${stderr}`);

function cosign(peer: PeerTool, ...args: string[]): Promise<PeerResult> {
  return peer.run(args, { cwd: directory, env: { COSIGN_PASSWORD: "", HOME: directory } });
}

const verify = (peer: PeerTool, keyFile = ownKeyFile()): Promise<PeerResult> =>
  cosign(peer, "verify", "--key", keyFile, "--insecure-ignore-tlog", reference());

const verifyAttestation = (peer: PeerTool, type: string, keyFile = ownKeyFile()): Promise<PeerResult> =>
  cosign(peer, "verify-attestation", "--type", type, "--key", keyFile, "--insecure-ignore-tlog", reference());

/** The statement in what `verify-attestation` prints. */
function statementIn({ stdout }: PeerResult): JsonObject {
  return JSON.parse(Buffer.from(JSON.parse(stdout).payload, "base64").toString());
}

/** A key pair of cosign's own, and what it needs to sign without any network (reference §2.4). */
async function cosignKeys(peer: PeerTool): Promise<{ readonly args: string[]; readonly publicKeyPem: string }> {
  expect(objection(await cosign(peer, "generate-key-pair"))).toBe("");
  const without = ["fulcio", "oidc", "rekor", "tsa"].map((service) => `--no-default-${service}`);
  expect(await cosign(peer, "signing-config", "create", ...without, "--out", "signing.json")).toMatchObject({
    code: 0,
  });
  const root = { mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1" };
  await writeFile(join(directory, "root.json"), JSON.stringify(root));
  const args = ["--key", "cosign.key", "--signing-config", "signing.json", "--trusted-root", "root.json", "-y"];
  return { args, publicKeyPem: await readFile(join(directory, "cosign.pub"), "utf8") };
}

const bom = (): JsonObject =>
  writeSbom(
    {
      subject: { name: repo.name, digest: subject.digest, kind: "skill" },
      components: [{ type: "library", name: "zod", version: "4.6.7", purl: "pkg:npm/zod@4.6.7", licences: ["MIT"] }],
      created: clock.now().toISOString(),
    },
    "cyclonedx-1.6",
  );
const provenance = (): JsonObject =>
  provenanceOf({
    builder: "https://pratique.dev/pack/v1",
    buildType: "https://pratique.dev/build/v1",
    externalParameters: { directory: "harbour" },
    materials: [{ uri: "file:harbour", digest: { sha256: "0".repeat(64) } }],
    startedOn: clock.now(),
    finishedOn: clock.now(),
    invocationId: "1",
  });

describe("cosign verifies ours", () => {
  it("accepts our signature with our key, and with no other", async (context) => {
    const peer = await peerOrSkip(context, "cosign");
    expect(objection(await verify(peer))).toContain("no signatures found");
    await signArtifact(repo, subject, key, clock);
    const accepted = await verify(peer);
    expect(objection(accepted)).toBe("");
    expect(JSON.parse(accepted.stdout)).toMatchObject([
      {
        critical: { image: { "docker-manifest-digest": subject.digest }, type: "https://sigstore.dev/cosign/sign/v1" },
      },
    ]);
    await openSigningKey(join(directory, "others"));
    expect(objection(await verify(peer, join(directory, "others/cosign.pub")))).not.toBe("");
  });

  it("accepts a signature that was pushed over the wire", async (context) => {
    const peer = await peerOrSkip(context, "cosign");
    const remote = remoteRepository(parseReference(reference()), { insecure: true });
    await signArtifact(remote, subject, key, clock);
    expect(objection(await verify(peer))).toBe("");
    expect((await evidenceOf(remote, subject, "skill", ownTrust())).signers).toMatchObject([{ name: "owner" }]);
  });

  it("accepts our provenance and bill of materials as the types they are", async (context) => {
    const peer = await peerOrSkip(context, "cosign");
    await signArtifact(repo, subject, key, clock);
    await attest(repo, subject, { predicateType: CYCLONEDX_PREDICATE, predicate: bom() }, key, clock);
    await attest(repo, subject, { predicateType: PROVENANCE_PREDICATE, predicate: provenance() }, key, clock);
    const slsa = await verifyAttestation(peer, "slsaprovenance1");
    expect(objection(slsa)).toBe("");
    expect(statementIn(slsa)).toMatchObject({
      _type: "https://in-toto.io/Statement/v1",
      predicate: { runDetails: { builder: { id: "https://pratique.dev/pack/v1" } } },
    });
    const cyclonedx = await verifyAttestation(peer, "cyclonedx");
    expect(objection(cyclonedx)).toBe("");
    expect(statementIn(cyclonedx)).toMatchObject({ predicate: { bomFormat: "CycloneDX", specVersion: "1.6" } });
    expect(objection(await verifyAttestation(peer, "openvex"))).not.toBe("");
  });

  it("accepts our clearance as a verification summary", async (context) => {
    const peer = await peerOrSkip(context, "cosign");
    await signArtifact(repo, subject, key, clock);
    await attest(repo, subject, { predicateType: CYCLONEDX_PREDICATE, predicate: bom() }, key, clock);
    await attest(repo, subject, { predicateType: PROVENANCE_PREDICATE, predicate: provenance() }, key, clock);
    const about = { repo, subject, key, guard, kind: "skill", principal: owner, trust: ownTrust() } as const;
    const outcome = await clearArtifact({
      ...about,
      ground: { clock },
      reference: reference(),
      registry: host,
      policyDigest: policies.digest,
    });
    expect(outcome).toMatchObject({ cleared: true });
    const summary = await verifyAttestation(peer, VSA_PREDICATE);
    expect(objection(summary)).toBe("");
    expect(statementIn(summary)).toMatchObject({ predicate: { verificationResult: "PASSED" } });
  });
});

describe("we verify cosign's", () => {
  it("accepts a signature and an attestation that cosign made with a key", async (context) => {
    const peer = await peerOrSkip(context, "cosign");
    const { args, publicKeyPem } = await cosignKeys(peer);
    const signed = await cosign(peer, "sign", ...args, reference());
    expect(objection(signed)).toBe("");
    await writeFile(join(directory, "bom.json"), JSON.stringify(bom()));
    const predicate = ["--type", "cyclonedx", "--predicate", "bom.json"];
    const attested = await cosign(peer, "attest", ...args, ...predicate, reference());
    expect(objection(attested)).toBe("");

    const trust: Trust = { keys: [{ name: "cosign", publicKeyPem }] };
    const { verified, rejected } = await verifyArtifact(repo, subject, trust);
    expect(rejected).toEqual([]);
    expect(verified.map(({ predicateType, signer }) => [predicateType, signer.name]).sort()).toEqual([
      [CYCLONEDX_PREDICATE, "cosign"],
      ["https://sigstore.dev/cosign/sign/v1", "cosign"],
    ]);
    expect(await evidenceOf(repo, subject, "skill", trust)).toMatchObject({
      imageType: "verified",
      signers: [{ name: "cosign" }],
      sbom: { format: "CycloneDX 1.6", components: 1 },
      licences: ["MIT"],
    });
    const reasons = (await verifyArtifact(repo, subject, ownTrust())).rejected.map(({ reason }) => reason);
    expect(reasons).toEqual(["unknown-key", "unknown-key"]);
  });

  it("does not take an attestation for a signature, as cosign does", async (context) => {
    const peer = await peerOrSkip(context, "cosign");
    await attest(repo, subject, { predicateType: CYCLONEDX_PREDICATE, predicate: bom() }, key, clock);
    // If this ever fails, cosign has mended it; ours stays as it is.
    expect(objection(await verify(peer))).toBe("");
    expect((await evidenceOf(repo, subject, "skill", ownTrust())).signers).toEqual([]);
  });
});
