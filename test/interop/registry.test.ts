// skopeo, podman and oras push to and pull from our registry, with every part behind it real.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { openAuditLog, openLogKey, type AuditLog } from "@pratique/audit";
import { digestOf, silentLog, systemClock } from "@pratique/core";
import { openSigningKey, signArtifact } from "@pratique/evidence";
import { createGuard } from "@pratique/guard";
import { openIdentity, type Identity } from "@pratique/identity";
import {
  copyArtifact,
  isIndexMediaType,
  MEDIA_TYPES,
  openContentStore,
  parseReference,
  remoteRepository,
  type ContentStore,
  type Descriptor,
} from "@pratique/oci";
import { loadPolicySet } from "@pratique/policy";
import { createRegistry } from "@pratique/registry";
import { openDatabase } from "@pratique/store";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { peerOrSkip, type PeerResult, type PeerTool } from "./peers/debian-sid.ts";

const POLICIES = join(import.meta.dirname, "../../policies");
/** Beside the default policies: what the peers must be told when they meet a forbid. */
const QUARANTINE = `
@id("quarantine") @reason("quarantined") @remedy("wait for the scan")
forbid (principal, action == Pratique::Action::"artifact:pull", resource is Pratique::Artifact)
when { resource.repository == "interop/quarantined" };`;

let directory = "";
let host = "";
let store: ContentStore;
let audit: AuditLog;
let identity: Identity;
let stop: () => Promise<void>;
/** An image layout that has nothing to do with our registry, for peers to push from. */
let source = "";
let image: Descriptor;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-registry-interop-"));
  await startServer();
  await makeSource();
});
afterAll(async () => {
  await stop();
  await rm(directory, { recursive: true, force: true });
});

async function startServer(): Promise<void> {
  const clock = systemClock;
  const log = silentLog;
  const database = await openDatabase({ file: join(directory, "pratique.db") });
  const key = await openLogKey(join(directory, "log.pem"), "interop");
  audit = await openAuditLog({ directory: join(directory, "log"), key, database, clock, log });
  identity = await openIdentity({ home: join(directory, "home"), clock, owner: { name: "olga" } });
  store = await openContentStore(join(directory, "registry"), { clock, log });
  const names = (await readdir(POLICIES)).filter((name) => name.endsWith(".cedar"));
  const texts = names.map(async (name) => [name, await readFile(join(POLICIES, name), "utf8")] as const);
  const policies = loadPolicySet({
    schema: await readFile(join(POLICIES, "pratique.cedarschema"), "utf8"),
    files: { ...Object.fromEntries(await Promise.all(texts)), "quarantine.cedar": QUARANTINE },
  });
  const guard = createGuard({ policy: () => policies, audit, clock, log });
  const registry = createRegistry({ store, guard, clock, log });
  const server = createServer((req, res) => {
    void registry.handle(req, res, { principal: identity.authenticate(req.headers) });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await store.close();
    await audit.close();
    await database.close();
  };
}

/** An image with one small layer and one that needs many buffers. */
async function makeSource(): Promise<void> {
  const files = join(directory, "files");
  const tars: Buffer[] = [];
  for (const [index, content] of [Buffer.from("hello\n"), randomBytes(3_000_000)].entries()) {
    await mkdir(join(files, String(index)), { recursive: true });
    await writeFile(join(files, String(index), `file-${index}`), content);
    const archive = join(files, `${index}.tar`);
    expect(objection(await run(["tar", "-C", join(files, String(index)), "-cf", archive, "."]))).toBe("");
    tars.push(await readFile(archive));
  }
  const root = join(directory, "source");
  const elsewhere = await openContentStore(root, { clock: systemClock, log: silentLog });
  const repository = elsewhere.repository("image");
  const layers = [];
  for (const tar of tars) {
    layers.push({ mediaType: MEDIA_TYPES.layerTarGzip, ...(await repository.putBlob(gzipSync(tar, { level: 1 }))) });
  }
  const config = {
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    config: { Labels: { "dev.pratique.test": "interop" } },
    rootfs: { type: "layers", diff_ids: tars.map((tar) => digestOf(tar)) },
  };
  const stored = await repository.putBlob(Buffer.from(JSON.stringify(config)));
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: { mediaType: MEDIA_TYPES.imageConfig, ...stored },
    layers,
  };
  image = await repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest, "1.0");
  await elsewhere.close();
  source = join(root, "image");
}

function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<PeerResult> {
  const [program = "", ...args] = command;
  return new Promise((resolve, reject) => {
    const environment = { PATH: process.env["PATH"] ?? "", HOME: directory, TMPDIR: directory, ...env };
    const child = spawn(program, args, { env: environment, cwd: directory, timeout: 120_000, stdio: "pipe" });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => (output[name] += text));
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, ...output }));
    child.stdin.end();
  });
}

/** What a peer said against it; empty when it agreed. */
const objection = ({ code, stderr, stdout }: PeerResult): string =>
  code === 0 ? "" : `exit ${code}: ${stdout}${stderr}`;

const credentials = (): string => `olga:${identity.ownerToken()}`;

/** A program of the host, or the test is skipped; in CI a missing one is a failure. */
async function programOrSkip(context: { skip(reason?: string): void }, program: string): Promise<void> {
  const found = await run([program, "--version"]).catch((error: unknown) => String(error));
  if (typeof found !== "string" && found.code === 0) return;
  const reason = `${program} cannot be had: apt-get install -y --no-install-recommends ${program}`;
  if (process.env["CI"] === undefined || process.env["CI"] === "") context.skip(reason);
  throw new Error(reason);
}

describe("skopeo", () => {
  const skopeo = (...args: string[]): Promise<PeerResult> => run(["skopeo", "--insecure-policy", ...args]);
  const push = (to: string, token = identity.ownerToken()): Promise<PeerResult> =>
    skopeo(
      "copy",
      "--dest-tls-verify=false",
      "--dest-creds",
      `x:${token}`,
      `oci:${source}:1.0`,
      `docker://${host}/${to}`,
    );
  const pull = (from: string, to: string): Promise<PeerResult> =>
    skopeo("copy", "--src-tls-verify=false", "--src-creds", credentials(), `docker://${host}/${from}`, to);

  it("pushes an image and pulls the same one back", async (context) => {
    await programOrSkip(context, "skopeo");
    expect(objection(await push("interop/skopeo:1.0"))).toBe("");
    expect((await store.repository("interop/skopeo").resolve("1.0"))?.digest).toBe(image.digest);
    expect(objection(await pull("interop/skopeo:1.0", `oci:${directory}/pulled:1.0`))).toBe("");
    const inspected = await skopeo("inspect", "--format", "{{.Digest}}", `oci:${directory}/pulled:1.0`);
    expect(inspected.stdout.trim()).toBe(image.digest);
  });

  it("copies from one of our repositories to another without sending the layers again", async (context) => {
    await programOrSkip(context, "skopeo");
    expect(objection(await push("interop/from:1.0"))).toBe("");
    const flags = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    const login = ["--src-creds", credentials(), "--dest-creds", credentials()];
    const names = [`docker://${host}/interop/from:1.0`, `docker://${host}/interop/to:1.0`];
    expect(objection(await skopeo("copy", ...flags, ...login, ...names))).toBe("");
    const mounts = await audit.find({ action: "artifact:push", limit: 1000 });
    expect(mounts.some(({ details }) => details?.["mountedFrom"] === "interop/from")).toBe(true);
  });

  it("reads the store's layout as it lies on disk", async (context) => {
    await programOrSkip(context, "skopeo");
    expect(objection(await push("interop/on-disk:1.0"))).toBe("");
    const layout = `oci:${join(directory, "registry/interop/on-disk")}:1.0`;
    const inspected = await skopeo("inspect", layout);
    expect(objection(inspected)).toBe("");
    expect(JSON.parse(inspected.stdout)).toMatchObject({
      Digest: image.digest,
      Labels: { "dev.pratique.test": "interop" },
    });
    expect(objection(await skopeo("copy", layout, `dir:${directory}/unpacked`))).toBe("");
  });

  it("lists tags and deletes an image", async (context) => {
    await programOrSkip(context, "skopeo");
    for (const tag of ["b", "a"]) expect(objection(await push(`interop/tags:${tag}`))).toBe("");
    const login = ["--tls-verify=false", "--creds", credentials()];
    const listed = await skopeo("list-tags", ...login, `docker://${host}/interop/tags`);
    expect(JSON.parse(listed.stdout)).toMatchObject({ Tags: ["a", "b"] });
    expect(objection(await skopeo("delete", ...login, `docker://${host}/interop/tags:a`))).toBe("");
    expect(await store.repository("interop/tags").tags()).toEqual([]);
  });

  it("tells its user why policy denies", async (context) => {
    await programOrSkip(context, "skopeo");
    expect((await push("interop/x:1", "no-token-of-ours")).stderr).toContain("authentication required");
    const { token } = identity.issueWorkload({ path: "run/1/agent/root", actingFor: identity.owner, ttlMs: 60_000 });
    expect((await push("interop/x:1", token)).stderr).toMatch(/denied: no policy allows artifact:push/);
    expect(await store.repositories()).not.toContain("interop/x");
    expect(objection(await push("interop/quarantined:1.0"))).toBe("");
    const denied = await pull("interop/quarantined:1.0", `oci:${directory}/never:1.0`);
    expect(denied.stderr).toMatch(/denied: policy quarantine forbids .*; wait for the scan/);
  });
});

describe("our own client", () => {
  it("pushes an artifact with its referrers, and pulls it into another store", async () => {
    const login = { credentials: { username: "olga", password: identity.ownerToken() }, insecure: true };
    const remote = remoteRepository(parseReference(`${host}/interop/own`), login);
    const origin = await openContentStore(join(directory, "source"), { clock: systemClock, log: silentLog });
    const local = await openContentStore(join(directory, "ours"), { clock: systemClock, log: silentLog });
    const from = local.repository("image");
    await copyArtifact(origin.repository("image"), from, "1.0");
    await origin.close();
    const key = await openSigningKey(join(directory, "keys"));
    await signArtifact(from, image, key, systemClock);
    await copyArtifact(from, remote, "1.0", { referrers: true });
    await copyArtifact(remote, local.repository("back"), "1.0", { referrers: true });
    expect((await local.repository("back").resolve("1.0"))?.digest).toBe(image.digest);
    expect(await local.repository("back").referrers(image.digest)).toEqual(await from.referrers(image.digest));
    await local.close();
  });
});

describe("podman", () => {
  /** Storage and configuration of its own: nothing of the host's is read or written. */
  async function podman(...args: string[]): Promise<PeerResult> {
    const home = join(directory, "podman");
    await mkdir(home, { recursive: true });
    const settings = ["[containers]", "default_ulimits = []", "[engine]", 'runtime = "runc"', 'events_logger = "file"'];
    await writeFile(join(home, "containers.conf"), settings.join("\n"));
    await writeFile(join(home, "policy.json"), JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
    await writeFile(join(home, "registries.conf"), "");
    const roots = ["--root", join(home, "storage"), "--runroot", join(home, "run"), "--storage-driver", "vfs"];
    return run(["podman", ...roots, "--cgroup-manager", "cgroupfs", ...args], {
      CONTAINERS_CONF: join(home, "containers.conf"),
      CONTAINERS_REGISTRIES_CONF: join(home, "registries.conf"),
      REGISTRY_AUTH_FILE: join(home, "auth.json"),
      XDG_RUNTIME_DIR: home,
    });
  }
  const policy = (): string[] => ["--signature-policy", join(directory, "podman/policy.json")];

  it("logs in, pushes and pulls", async (context) => {
    await programOrSkip(context, "podman");
    const login = await podman("login", "--tls-verify=false", "-u", "olga", "-p", identity.ownerToken(), host);
    expect(objection(login)).toBe("");
    const archive = join(directory, "image.tar");
    expect(objection(await run(["tar", "-C", source, "-cf", archive, "."]))).toBe("");
    expect(objection(await podman("load", ...policy(), "--input", archive))).toBe("");
    const [id = ""] = (await podman("images", "--quiet", "--no-trunc")).stdout.trim().split("\n");
    const name = `${host}/interop/podman:1.0`;
    expect(objection(await podman("push", "--tls-verify=false", ...policy(), id, name))).toBe("");
    const pushed = await store.repository("interop/podman").resolve("1.0");
    expect(pushed).toBeDefined();
    expect(objection(await podman("rmi", "--all", "--force"))).toBe("");
    expect(objection(await podman("pull", "--tls-verify=false", ...policy(), name))).toBe("");
    const inspected = await podman("image", "inspect", "--format", "{{.Id}}", name);
    expect(`sha256:${inspected.stdout.trim()}`).toBe(id);
  });
});

describe("oras", () => {
  const login = (): string[] => ["--plain-http", "-u", "olga", "-p", identity.ownerToken()];
  const oras = (peer: PeerTool, ...args: string[]): Promise<PeerResult> =>
    peer.run(args, { cwd: directory, env: { HOME: directory } });

  async function pushFile(peer: PeerTool, name: string): Promise<void> {
    await writeFile(join(directory, "skill.md"), `# a skill for ${name}\n`);
    const args = ["push", ...login(), "--artifact-type", "test/skill", `${host}/${name}`, "skill.md:text/markdown"];
    expect(objection(await oras(peer, ...args))).toBe("");
  }

  async function attach(peer: PeerTool, name: string, type: string, ...more: string[]): Promise<void> {
    await writeFile(join(directory, "sbom.json"), JSON.stringify({ type }));
    const args = [
      "attach",
      ...login(),
      "--artifact-type",
      type,
      ...more,
      `${host}/${name}`,
      "sbom.json:application/json",
    ];
    expect(objection(await oras(peer, ...args))).toBe("");
  }

  async function discovered(peer: PeerTool, name: string, ...more: string[]): Promise<string[]> {
    const result = await oras(peer, "discover", ...login(), ...more, "--format", "json", `${host}/${name}`);
    expect(objection(result)).toBe("");
    const found: { manifests?: { artifactType: string }[]; referrers?: { artifactType: string }[] } = JSON.parse(
      result.stdout,
    );
    return (found.referrers ?? found.manifests ?? []).map(({ artifactType }) => artifactType).toSorted();
  }

  it("pushes and pulls files", async (context) => {
    const peer = await peerOrSkip(context, "oras");
    await pushFile(peer, "interop/oras:1.0");
    const args = ["pull", ...login(), "-o", "pulled-by-oras", `${host}/interop/oras:1.0`];
    expect(objection(await oras(peer, ...args))).toBe("");
    expect(await readFile(join(directory, "pulled-by-oras/skill.md"), "utf8")).toContain("a skill");
  });

  it("attaches and discovers, by the API and as a client that does not know it", async (context) => {
    const peer = await peerOrSkip(context, "oras");
    await pushFile(peer, "interop/attach:1.0");
    await attach(peer, "interop/attach:1.0", "test/api");
    const repository = store.repository("interop/attach");
    expect(await repository.tags()).toEqual(["1.0"]);
    const old = ["--distribution-spec", "v1.1-referrers-tag"];
    await attach(peer, "interop/attach:1.0", "test/tag", ...old);
    await attach(peer, "interop/attach:1.0", "test/tag-2", ...old);
    await attach(peer, "interop/attach:1.0", "test/api-2");
    const all = ["test/api", "test/api-2", "test/tag", "test/tag-2"];
    expect(await discovered(peer, "interop/attach:1.0")).toEqual(all);
    expect(await discovered(peer, "interop/attach:1.0", ...old)).toEqual(all);
    expect(await discovered(peer, "interop/attach:1.0", "--artifact-type", "test/api")).toEqual(["test/api"]);
  });

  it("deletes a referrer as a client that does not know the API", async (context) => {
    const peer = await peerOrSkip(context, "oras");
    await pushFile(peer, "interop/detach:1.0");
    const old = ["--distribution-spec", "v1.1-referrers-tag"];
    for (const type of ["test/a", "test/b"]) await attach(peer, "interop/detach:1.0", type, ...old);
    const repository = store.repository("interop/detach");
    const subject = await repository.resolve("1.0");
    const [gone] = await repository.referrers(subject!.digest, "test/a");
    const name = `${host}/interop/detach@${gone!.digest}`;
    expect(objection(await oras(peer, "manifest", "delete", ...login(), ...old, "--force", name))).toBe("");
    expect(await discovered(peer, "interop/detach:1.0")).toEqual(["test/b"]);
    expect(await discovered(peer, "interop/detach:1.0", ...old)).toEqual(["test/b"]);
  });

  it("copies an artifact with its referrers", async (context) => {
    const peer = await peerOrSkip(context, "oras");
    await pushFile(peer, "interop/cp-from:1.0");
    await attach(peer, "interop/cp-from:1.0", "test/sbom");
    const sides = ["from", "to"].flatMap((side) => [
      `--${side}-plain-http`,
      `--${side}-username=olga`,
      `--${side}-password=${identity.ownerToken()}`,
    ]);
    const names = [`${host}/interop/cp-from:1.0`, `${host}/interop/cp-to:1.0`];
    expect(objection(await oras(peer, "cp", "-r", ...sides, ...names))).toBe("");
    expect(await discovered(peer, "interop/cp-to:1.0")).toEqual(["test/sbom"]);
  });

  it("reads the store's layout as it lies on disk", async (context) => {
    const peer = await peerOrSkip(context, "oras");
    await pushFile(peer, "interop/oras-layout:1.0");
    const layout = join(directory, "registry/interop/oras-layout");
    const fetched = await oras(peer, "manifest", "fetch", "--descriptor", "--oci-layout", `${layout}:1.0`);
    expect(objection(fetched)).toBe("");
    const here = await store.repository("interop/oras-layout").resolve("1.0");
    expect(JSON.parse(fetched.stdout)).toMatchObject({ digest: here!.digest });
  });
});

describe("the log of all that", () => {
  it("verifies, and has the push of everything that is there", async () => {
    const { ok } = await audit.verify();
    expect(ok).toBe(true);
    for (const name of await store.repositories()) {
      const repository = store.repository(name);
      for (const tag of await repository.tags()) {
        const manifest = await repository.resolve(tag);
        const isFallback = manifest !== undefined && isIndexMediaType(manifest.mediaType);
        const pushes = await audit.find({ action: "artifact:push", resourceId: `localhost/${name}`, limit: 1000 });
        expect(isFallback || pushes.some(({ details }) => details?.["digest"] === manifest?.digest)).toBe(true);
      }
    }
  });
});
