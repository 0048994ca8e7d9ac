// Our client and Debian's `docker-registry` 2.8, which knows no referrers API and deletes no tags.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, silentLog, systemClock } from "@pratique/core";
import { evidenceOf, openSigningKey, signArtifact, type SigningKey } from "@pratique/evidence";
import {
  copyArtifact,
  MEDIA_TYPES,
  openContentStore,
  parseReference,
  remoteRepository,
  type ContentStore,
  type Descriptor,
  type LocalRepository,
  type Repository,
} from "@pratique/oci";
import { afterAll, beforeAll, expect, it } from "vitest";
import { peerOrSkip } from "./peers/debian-sid.ts";
import { skipWithout, type Skippable } from "./peers/sid-tree.ts";

let directory = "";
let host = "";
let peer: ChildProcess | undefined;
let isThere = false;
let store: ContentStore;
let local: LocalRepository;
let subject: Descriptor;
let key: SigningKey;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-docker-registry-"));
  await startPeer();
  store = await openContentStore(join(directory, "store"), { clock: systemClock, log: silentLog });
  local = store.repository("own");
  key = await openSigningKey(join(directory, "keys"));
  const layer = await local.putBlob(Buffer.alloc(2_000_000, "layer"));
  const config = await local.putBlob(Buffer.from("{}"));
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: { mediaType: MEDIA_TYPES.imageConfig, ...config },
    layers: [{ mediaType: MEDIA_TYPES.layerTar, ...layer }],
  };
  subject = await local.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest, "1.0");
  await signArtifact(local, subject, key, systemClock);
});
afterAll(async () => {
  const closed = new Promise((resolve) => peer?.once("close", resolve) ?? resolve(undefined));
  peer?.kill();
  await closed;
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

async function startPeer(): Promise<void> {
  const port = await freePort();
  host = `127.0.0.1:${port}`;
  const config = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, "peer") }, delete: { enabled: true } },
    http: { addr: host },
  };
  await mkdir(join(directory, "peer"));
  await writeFile(join(directory, "peer.yml"), JSON.stringify(config));
  peer = spawn("docker-registry", ["serve", join(directory, "peer.yml")], { stdio: ["ignore", "ignore", "pipe"] });
  isThere = await new Promise((resolve) => {
    peer?.once("error", () => resolve(false));
    peer?.once("spawn", () => resolve(true));
  });
  if (!isThere) return void (peer = undefined);
  // It says nothing when it listens.
  for (let answered = false; !answered && peer.exitCode === null;) {
    answered = await fetch(`http://${host}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    );
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function remoteOrSkip(context: Skippable, name: string): Repository {
  if (!isThere) skipWithout(context, "docker-registry", "apt-get install -y --no-install-recommends docker-registry");
  return remoteRepository(parseReference(`${host}/${name}`), { insecure: true });
}

const fallbackTag = (): string => subject.digest.replace(":", "-");

it("holds what we push, with what hangs on it under the fallback tag", async (context) => {
  const remote = remoteOrSkip(context, "interop/signed");
  await copyArtifact(local, remote, "1.0", { referrers: true });
  expect((await remote.resolve("1.0"))?.digest).toBe(subject.digest);
  const [signature] = await local.referrers(subject.digest);
  expect(await remote.referrers(subject.digest)).toMatchObject([{ digest: signature?.digest }]);
  expect(await remote.tags()).toEqual(["1.0", fallbackTag()].toSorted());
});

it("gives it all back, and the signature verifies", async (context) => {
  const remote = remoteOrSkip(context, "interop/back");
  await copyArtifact(local, remote, "1.0", { referrers: true });
  const back = store.repository("back");
  await copyArtifact(remote, back, "1.0", { referrers: true });
  expect(await back.referrers(subject.digest)).toEqual(await local.referrers(subject.digest));
  const trust = { keys: [{ name: "owner", publicKeyPem: key.publicKeyPem }] };
  expect((await evidenceOf(back, subject, "image", trust)).signers).toHaveLength(1);
});

it("shows oras the referrers that we pushed, and us those that oras attached", async (context) => {
  const remote = remoteOrSkip(context, "interop/both");
  const oras = await peerOrSkip(context, "oras");
  await copyArtifact(local, remote, "1.0", { referrers: true });
  await writeFile(join(directory, "note.json"), "{}");
  const name = `${host}/interop/both:1.0`;
  const run = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await oras.run(args, { cwd: directory, env: { HOME: directory } });
    expect(code === 0 ? "" : stderr).toBe("");
    return stdout;
  };
  await run("attach", "--plain-http", "--artifact-type", "test/note", name, "note.json:application/json");
  const ours = (await remote.referrers(subject.digest)).map(({ digest }) => digest);
  expect(ours).toHaveLength(2);
  const listed = await run("discover", "--plain-http", "--format", "json", name);
  for (const digest of ours) expect(listed).toContain(digest);
});

it("loses a referrer from its list when we delete it", async (context) => {
  const remote = remoteOrSkip(context, "interop/less");
  await copyArtifact(local, remote, "1.0", { referrers: true });
  const [signature] = await remote.referrers(subject.digest);
  expect(await remote.deleteManifest(signature!.digest)).toBe(true);
  expect(await remote.referrers(subject.digest)).toEqual([]);
  expect(await remote.blobSize(digestOf("never there"))).toBeUndefined();
});
