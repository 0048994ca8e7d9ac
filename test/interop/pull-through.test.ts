// podman, skopeo and containerd pull through a daemon: before it Debian's docker-registry as docker.io, and a second
// daemon, which wants a token, as ghcr.io.
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { digestOf, silentLog, systemClock } from "@pratique/core";
import {
  copyArtifact,
  MEDIA_TYPES,
  openContentStore,
  parseReference,
  remoteRepository,
  type Descriptor,
} from "@pratique/oci";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RegistryFront } from "../fakes/registry-front.ts";
import { pratique, ROOT, startDaemon, type Daemon } from "../support/program.ts";
import { execute, skipWithout, type ProcessResult, type Skippable } from "./peers/sid-tree.ts";

const POLICY = `@id("registries.allowed") @reason("nothing comes from there") @remedy("use our mirror of it")
forbid (principal, action == Pratique::Action::"artifact:pull", resource in Pratique::Registry::"quay.io");
@id("images.official") @reason("from Docker Hub come official images only") @remedy("use an official image")
forbid (principal, action == Pratique::Action::"artifact:pull", resource is Pratique::Artifact)
when { resource.registry == "docker.io" && resource.imageType != "official" };`;
const LAYER_BYTES = 12_000_000;

let directory = "";
let peer: ChildProcess | undefined;
let front: RegistryFront;
let second: Daemon;
let daemon: Daemon;
let home = "";
let listen = "";
let image: Descriptor;
let layer: Descriptor;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "prq-through-"));
  const upstream = await startPeer();
  front = await RegistryFront.start(`http://${upstream}`);
  home = join(directory, "home");
  const policies = join(directory, "policies");
  await cp(join(ROOT, "policies"), policies, { recursive: true });
  await writeFile(join(policies, "test.cedar"), POLICY);
  second = await startDaemon(join(directory, "second"));
  await writeFile(join(directory, "ghcr.yaml"), `username: robot\npassword: ${second.token}\n`, { mode: 0o600 });
  await mkdir(home, { mode: 0o700 });
  const upstreams = {
    "docker.io": { url: front.url, freshness: "1s" },
    "ghcr.io": { url: second.url, credentialsFile: join(directory, "ghcr.yaml") },
    "quay.io": { url: front.url },
  };
  await writeFile(
    join(home, "pratique.yaml"),
    JSON.stringify({ policy: { directory: policies }, registry: { upstreams } }),
  );
  await makeImages(upstream);
  daemon = await startDaemon(home);
  listen = new URL(daemon.url).host;
  await connectPodman();
});
afterAll(async () => {
  await Promise.all([daemon.stop(), second.stop(), front.stop()]);
  peer?.kill();
  await rm(directory, { recursive: true, force: true });
});

async function startPeer(): Promise<string> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const host = `127.0.0.1:${(probe.address() as AddressInfo).port}`;
  await new Promise((resolve) => probe.close(resolve));
  const config = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, "peer") } },
    http: { addr: host },
  };
  await mkdir(join(directory, "peer"));
  await writeFile(join(directory, "peer.yml"), JSON.stringify(config));
  peer = spawn("docker-registry", ["serve", join(directory, "peer.yml")], { stdio: "ignore" });
  const isThere = await new Promise<boolean>((resolve) => {
    peer?.once("error", () => resolve(false));
    peer?.once("spawn", () => resolve(true));
  });
  if (!isThere) throw new Error("docker-registry cannot be had: apt-get install -y docker-registry");
  // It says nothing when it listens.
  for (let answered = false; !answered && peer.exitCode === null;) {
    answered = await fetch(`http://${host}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    );
  }
  return host;
}

/** One image, as `library/app:1` and `some/body:1` at the one upstream and as `team/tool:1` at the other. */
async function makeImages(upstream: string): Promise<void> {
  const files = join(directory, "files");
  await mkdir(files);
  await writeFile(join(files, "data"), randomBytes(LAYER_BYTES));
  await execute(["tar", "-C", files, "-cf", join(directory, "layer.tar"), "."], { env: process.env });
  const tar = await readFile(join(directory, "layer.tar"));
  const store = await openContentStore(join(directory, "source"), { clock: systemClock, log: silentLog });
  const repository = store.repository("image");
  layer = { mediaType: MEDIA_TYPES.layerTarGzip, ...(await repository.putBlob(gzipSync(tar, { level: 1 }))) };
  const config = { architecture: process.arch === "arm64" ? "arm64" : "amd64", os: "linux", config: {} };
  const rootfs = { type: "layers", diff_ids: [digestOf(tar)] };
  const stored = await repository.putBlob(Buffer.from(JSON.stringify({ ...config, rootfs })));
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    config: { mediaType: MEDIA_TYPES.imageConfig, ...stored },
    layers: [layer],
  };
  image = await repository.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest, "1");
  const credentials = { username: "robot", password: second.token };
  const own = new URL(second.url).host;
  const targets = [
    remoteRepository(parseReference(`${upstream}/library/app`)),
    remoteRepository(parseReference(`${upstream}/library/late`)),
    remoteRepository(parseReference(`${upstream}/library/wrong`)),
    remoteRepository(parseReference(`${upstream}/library/many`)),
    remoteRepository(parseReference(`${upstream}/some/body`)),
    remoteRepository(parseReference(`${own}/team/tool`), { credentials }),
  ];
  for (const target of targets) await copyArtifact(repository, target, "1");
  await store.close();
}

let registriesConf = "";
let authFile = "";

async function connectPodman(): Promise<void> {
  const root = join(directory, "root");
  const done = await pratique(["connect", "podman", "--root", root, "--json"], { home, env: { HOME: "/person" } });
  expect(done.stderr).toBe("");
  const { changes } = done.json<{ changes: { path: string }[] }>();
  [registriesConf = "", authFile = ""] = changes.map(({ path }) => path);
}

async function needs(context: Skippable, program: string): Promise<void> {
  const found = await execute([program, "--version"], { env: process.env }).catch(() => undefined);
  if (found?.code !== 0) skipWithout(context, program, `apt-get install -y --no-install-recommends ${program}`);
}

const said = ({ code, stdout, stderr }: ProcessResult): string => (code === 0 ? "" : `${stdout}${stderr}`);

function skopeo(name: string, to: string): Promise<ProcessResult> {
  const from = ["--src-authfile", authFile, `docker://${name}`];
  const command = [
    "skopeo",
    "--insecure-policy",
    "--registries-conf",
    registriesConf,
    "copy",
    ...from,
    `oci:${join(directory, to)}`,
  ];
  return execute(command, { env: process.env });
}

async function podman(...args: string[]): Promise<ProcessResult> {
  const own = join(directory, "podman");
  await mkdir(own, { recursive: true });
  const settings = ["[containers]", "default_ulimits = []", "[engine]", 'events_logger = "file"'];
  await writeFile(join(own, "containers.conf"), settings.join("\n"));
  await writeFile(join(own, "policy.json"), JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
  const roots = ["--root", join(own, "storage"), "--runroot", join(own, "run"), "--storage-driver", "vfs"];
  return execute(["podman", ...roots, "--cgroup-manager", "cgroupfs", ...args], {
    env: {
      ...process.env,
      CONTAINERS_CONF: join(own, "containers.conf"),
      CONTAINERS_REGISTRIES_CONF: registriesConf,
      REGISTRY_AUTH_FILE: authFile,
      XDG_RUNTIME_DIR: own,
    },
  });
}

const authorization = () => ({ authorization: `Bearer ${daemon.token}` });
const through = (path: string): Promise<Response> => fetch(`${daemon.url}/v2/${path}`, { headers: authorization() });

describe("skopeo", () => {
  it("pulls what policy allows, from both upstreams", async (context) => {
    await needs(context, "skopeo");
    expect(said(await skopeo("docker.io/library/app:1", "app"))).toBe("");
    expect(said(await skopeo("ghcr.io/team/tool:1", "tool"))).toBe("");
  });

  it("shows why a pull is denied, and the upstream hears nothing", async (context) => {
    await needs(context, "skopeo");
    const before = front.asked.length;
    const denied = await skopeo("quay.io/library/app:1", "denied");
    expect([denied.code === 0, denied.stderr]).toEqual([
      false,
      expect.stringContaining("policy registries.allowed forbids"),
    ]);
    expect(denied.stderr).toContain("use our mirror of it");
    expect(front.asked.length).toBe(before);
  });

  it("shows why an image is denied, and none of its blobs is fetched", async (context) => {
    await needs(context, "skopeo");
    const denied = await skopeo("docker.io/some/body:1", "denied");
    expect(denied.stderr).toContain("policy images.official forbids");
    expect(front.asked.filter((line) => line.includes("some/body/blobs"))).toEqual([]);
  });
});

describe("podman", () => {
  it("logs in, pulls what is allowed, and shows why the rest is denied", async (context) => {
    await needs(context, "podman");
    const login = [
      "login",
      "--authfile",
      join(directory, "login.json"),
      "--tls-verify=false",
      "-u",
      "me",
      "-p",
      daemon.token,
      listen,
    ];
    expect(said(await podman(...login))).toBe("");
    const policy = ["--signature-policy", join(directory, "podman/policy.json")];
    expect(said(await podman("pull", ...policy, "docker.io/library/app:1"))).toBe("");
    const inspected = await podman("image", "inspect", "--format", "{{.Digest}}", "docker.io/library/app:1");
    expect(inspected.stdout.trim()).toBe(image.digest);
    const before = front.asked.length;
    const denied = await podman("pull", ...policy, "quay.io/library/app:1");
    expect(denied.stderr).toContain("policy registries.allowed forbids");
    expect(front.asked.length).toBe(before);
  });
});

describe("containerd", () => {
  it("pulls what is allowed, and shows why the rest is denied", async (context) => {
    await needs(context, "containerd");
    const own = join(directory, "containerd");
    const root = join(directory, "containerd-root");
    await mkdir(own);
    const connected = await pratique(["connect", "containerd", "--root", root, "--json"], {
      home,
      env: { HOME: "/person" },
    });
    const hosts = connected.json<{ changes: { path: string }[] }>().changes[0]!.path;
    const socket = join(own, "c.sock");
    const config = [
      "version = 2",
      `root = "${own}/root"`,
      `state = "${own}/state"`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      "[grpc]",
      `  address = "${socket}"`,
    ];
    await writeFile(join(own, "config.toml"), config.join("\n"));
    const server = spawn("containerd", ["--config", join(own, "config.toml")], { stdio: ["ignore", "ignore", "pipe"] });
    const closed = new Promise((resolve) => server.once("close", resolve));
    try {
      const isUp = await new Promise<boolean>((resolve) => {
        let log = "";
        server.once("error", () => resolve(false));
        server.once("close", () => resolve(false));
        server.stderr?.on(
          "data",
          (text: Buffer) => (log += text.toString()).includes("successfully booted") && resolve(true),
        );
      });
      if (!isUp) skipWithout(context, "containerd", "it does not start here");
      const pull = ["ctr", "-a", socket, "content", "fetch", "--hosts-dir", join(hosts, "..", "..")];
      expect(said(await execute([...pull, "docker.io/library/app:1"], { env: process.env }))).toBe("");
      const before = front.asked.length;
      const denied = await execute([...pull, "quay.io/library/app:1"], { env: process.env });
      expect([denied.code === 0, denied.stderr]).toEqual([
        false,
        expect.stringContaining("policy registries.allowed forbids"),
      ]);
      const unknown = await execute([...pull, "nowhere.example/library/app:1"], { env: process.env });
      expect(unknown.stderr).toContain("nowhere.example is no upstream of this registry");
      expect(front.asked.length).toBe(before);
    } finally {
      server.kill();
      await closed;
    }
  });
});

describe("the daemon", () => {
  it("asks upstream once for each thing when a hundred clients pull at once", async () => {
    const before = front.asked.length;
    const pullAll = async (): Promise<number> => {
      const manifest = (await (await through("docker.io/library/many/manifests/1")).json()) as { config: Descriptor };
      await (await through(`docker.io/library/many/blobs/${manifest.config.digest}`)).arrayBuffer();
      return (await (await through(`docker.io/library/many/blobs/${layer.digest}`)).arrayBuffer()).byteLength;
    };
    const sizes = await Promise.all(Array.from({ length: 100 }, pullAll));
    expect(sizes.every((size) => size === layer.size)).toBe(true);
    const asked = front.asked.slice(before).filter((line) => /^GET .*(?:blobs|manifests)\/sha256:/.test(line));
    expect(asked.length).toBe(3);
    expect(new Set(asked).size).toBe(3);
  });

  it("breaks off what is corrupt, keeps nothing of it, and serves it whole the next time", async () => {
    await (await through("docker.io/library/wrong/manifests/1")).arrayBuffer();
    front.corruptNext = true;
    const path = `docker.io/library/wrong/blobs/${layer.digest}`;
    await expect(through(path).then((answer) => answer.arrayBuffer())).rejects.toThrow(/terminated|fetch failed/);
    expect((await (await through(path)).arrayBuffer()).byteLength).toBe(layer.size);
  });

  it("killed in the middle of a pull, goes on where it was", async () => {
    await (await through("docker.io/library/late/manifests/1")).arrayBuffer();
    const path = `docker.io/library/late/blobs/${layer.digest}`;
    front.stallAfter = 5_000_000;
    const stalled = front.whenStalled();
    const ending = through(path)
      .then((answer) => answer.arrayBuffer())
      .then(
        () => "whole",
        () => "broken off",
      );
    await stalled;
    await daemon.kill();
    expect(await ending).toBe("broken off");
    front.stallAfter = undefined;
    front.ranges.length = 0;
    daemon = await startDaemon(home, { listen });
    const bytes = Buffer.from(await (await through(path)).arrayBuffer());
    expect(digestOf(bytes)).toBe(layer.digest);
    expect(front.ranges).toEqual([expect.stringMatching(/^bytes=[1-9]\d*-$/)]);
  });

  it("serves what is cached when the upstream is gone, and says so", async (context) => {
    await needs(context, "skopeo");
    await front.stop();
    // Past the second for which a tag counts as fresh; the daemon's clock is the machine's.
    await expect
      .poll(async () => (await through("docker.io/library/app/manifests/1")).headers.get("warning"), {
        timeout: 10_000,
      })
      .toContain("docker.io does not serve");
    expect(said(await skopeo("docker.io/library/app:1", "again"))).toBe("");
    const missing = await through("docker.io/library/nothing/manifests/1");
    expect([missing.status, await missing.text()]).toEqual([503, expect.stringContaining("docker.io does not answer")]);
    const status = await pratique(["status"], { home });
    expect(status.stdout).toContain("docker.io is down, so only what is cached of it is served");
    const list = await pratique(["registry", "upstreams"], { home });
    expect(list.stdout).toMatch(/docker\.io +http:\S+ +down/);
    front = await RegistryFront.start("http://127.0.0.1:1");
  });
});
