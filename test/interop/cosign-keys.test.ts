// cosign 3 and we: keys of every kind, cosign's own encrypted keys, and the `.sig` tags of cosign 2, both ways.
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuditRecord, type RecordBody, type UserPrincipal } from "@pratique/contracts";
import { silentLog, systemClock as clock } from "@pratique/core";
import {
  attachOms,
  fileKeys,
  openKeyRing,
  openSigningKey,
  signArtifact,
  signLegacy,
  signModel,
  verifyArtifact,
  type KeyRing,
} from "@pratique/evidence";
import { createGuard } from "@pratique/guard";
import { MEDIA_TYPES, openContentStore, type ContentStore, type Descriptor, type LocalRepository } from "@pratique/oci";
import { loadPolicySet } from "@pratique/policy";
import { createRegistry } from "@pratique/registry";
import { readdirSync, readFileSync } from "node:fs";
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

let directory = "";
let store: ContentStore;
let repo: LocalRepository;
let subject: Descriptor;
let keys: KeyRing;
let host = "";
let stopServer: () => Promise<void>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-cosign-keys-"));
  store = await openContentStore(join(directory, "registry"), { clock, log: silentLog });
  repo = store.repository("voyage/harbour");
  keys = await openKeyRing({
    directory: join(directory, "keys/signing"),
    owner: await openSigningKey(join(directory, "keys")),
    configured: {},
    providers: [fileKeys()],
    taken: new Set(),
  });
  subject = await pushImage();
  await startServer();
});
afterEach(async () => {
  await stopServer();
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

async function startServer(): Promise<void> {
  let sequence = 0;
  const append = async (body: RecordBody): Promise<AuditRecord> =>
    AuditRecord.parse({ ...body, version: 1, id: "r", sequence: sequence++, time: clock.now().toISOString() });
  const guard = createGuard({ policy: () => policies, audit: { append }, clock, log: silentLog });
  const registry = createRegistry({ store, guard, clock, log: silentLog });
  const server = createServer((req, res) => void registry.handle(req, res, { principal: owner }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  host = `127.0.0.1:${address.port}`;
  stopServer = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}

async function pushImage(): Promise<Descriptor> {
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
const publicKey = (name: string): string => join(directory, `keys/signing/${name}.pub`);
const objection = ({ code, stderr }: PeerResult): string => (code === 0 ? "" : `exit ${code}: ${stderr}`);
const OFFLINE = ["--use-signing-config=false", "--tlog-upload=false", "-y"];

function cosign(peer: PeerTool, ...args: string[]): Promise<PeerResult> {
  return peer.run(args, { cwd: directory, env: { COSIGN_PASSWORD: "geheim", HOME: directory } });
}

const verify = (peer: PeerTool, keyFile: string, ...flags: string[]): Promise<PeerResult> =>
  cosign(peer, "verify", "--key", keyFile, "--insecure-ignore-tlog", ...flags, reference());

/** A key pair that cosign made, with its passphrase in a file. */
async function cosignKey(peer: PeerTool): Promise<string> {
  expect(objection(await cosign(peer, "generate-key-pair"))).toBe("");
  await writeFile(join(directory, "passphrase"), "geheim\n", { mode: 0o600 });
  await chmod(join(directory, "cosign.key"), 0o600);
  return await readFile(join(directory, "cosign.pub"), "utf8");
}

describe("cosign", () => {
  it.for(["ecdsa-p384", "ed25519"] as const)(
    "verifies our bundles by %s, beside a model signature",
    async (type, context) => {
      const peer = await peerOrSkip(context, "cosign");
      await keys.create("release", type);
      await keys.create("model", "ecdsa-p256");
      const model = await signModel("harbour", new Map([["a", "00".repeat(32)]]), [], await keys.open("model"));
      await attachOms(repo, subject, model.bundle, clock);
      await signArtifact(repo, subject, await keys.open("release"), clock);
      // cosign 3.1 takes SHA-256 for every key, and refuses its own P-384 signatures, unless it is told.
      const hash = type === "ecdsa-p384" ? ["--signature-digest-algorithm", "sha384"] : [];
      expect(objection(await verify(peer, publicKey("release"), ...hash))).toBe("");
    },
  );

  it("verifies what we sign in the old form, and we what it signs, in one tag", async (context) => {
    const peer = await peerOrSkip(context, "cosign");
    const publicKeyPem = await cosignKey(peer);
    const old = ["--new-bundle-format=false"];
    await keys.create("release", "ecdsa-p256");
    const ours = await signLegacy(repo, subject, await keys.open("release"), `${host}/${repo.name}:1.0`);
    expect(objection(await verify(peer, publicKey("release"), ...old))).toBe("");

    expect(objection(await cosign(peer, "sign", "--key", "cosign.key", ...old, ...OFFLINE, reference()))).toBe("");
    const trust = { keys: [{ name: "cosign", publicKeyPem }, ...keys.trusted()] };
    const { verified, rejected } = await verifyArtifact(repo, subject, trust);
    expect(verified.map(({ signer, form }) => [signer.name, form]).sort()).toEqual([
      ["cosign", "legacy"],
      ["release", "legacy"],
    ]);
    expect(rejected).toEqual([]);
    // Once more is no second signature.
    const again = await signLegacy(repo, subject, await keys.open("release"), `${host}/${repo.name}:1.0`);
    expect(again.tag).toBe(ours.tag);
    expect((await verifyArtifact(repo, subject, trust)).verified).toHaveLength(2);
  });

  it("verifies with its public key what we sign with its encrypted private key", async (context) => {
    const peer = await peerOrSkip(context, "cosign");
    await cosignKey(peer);
    await expect(keys.importFile("release", join(directory, "cosign.key"))).rejects.toMatchObject({
      code: "key.passphrase-needed",
    });
    await keys.importFile("release", join(directory, "cosign.key"), join(directory, "passphrase"));
    await signArtifact(repo, subject, await keys.open("release"), clock);
    expect(objection(await verify(peer, join(directory, "cosign.pub")))).toBe("");
  });
});
