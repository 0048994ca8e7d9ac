// skopeo, podman and oras take models in every format out of our registry.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAuditLog, openLogKey } from "@pratique/audit";
import { silentLog, systemClock } from "@pratique/core";
import { createGuard } from "@pratique/guard";
import { openIdentity } from "@pratique/identity";
import { openContentStore, parseManifest, type ContentStore } from "@pratique/oci";
import { packDirectory, type ModelFormat } from "@pratique/packaging";
import { loadPolicySet } from "@pratique/policy";
import { createRegistry } from "@pratique/registry";
import { openDatabase } from "@pratique/store";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { peerOrSkip } from "./peers/debian-sid.ts";

const ROOT = join(import.meta.dirname, "../..");
const MODEL = join(ROOT, "examples/voyage/model");
const POLICIES = join(ROOT, "policies");

let directory = "";
let host = "";
let store: ContentStore;
let stop: () => Promise<void>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-model-interop-"));
  const common = { clock: systemClock, log: silentLog };
  const database = await openDatabase({ file: join(directory, "pratique.db") });
  const key = await openLogKey(join(directory, "log.pem"), "interop");
  const audit = await openAuditLog({ directory: join(directory, "log"), key, database, ...common });
  const identity = await openIdentity({ home: join(directory, "home"), clock: systemClock, owner: { name: "olga" } });
  store = await openContentStore(join(directory, "registry"), common);
  const names = (await readdir(POLICIES)).filter((name) => name.endsWith(".cedar"));
  const texts = names.map(async (name) => [name, await readFile(join(POLICIES, name), "utf8")] as const);
  const policies = loadPolicySet({
    schema: await readFile(join(POLICIES, "pratique.cedarschema"), "utf8"),
    files: Object.fromEntries(await Promise.all(texts)),
  });
  const registry = createRegistry({
    store,
    guard: createGuard({ policy: () => policies, audit, ...common }),
    ...common,
  });
  // Whoever asks is the owner: this is about formats.
  const server = createServer((req, res) => void registry.handle(req, res, { principal: identity.owner }));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  stop = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await store.close();
    await audit.close();
    await database.close();
  };
  for (const format of FORMATS) await pack(format, { format });
  await pack("dual", { isDual: true });
});
afterAll(async () => {
  await stop();
  await rm(directory, { recursive: true, force: true });
});

const FORMATS: readonly ModelFormat[] = ["modelpack", "docker", "kitops", "modelcar", "ollama"];

async function pack(name: string, model: { format?: ModelFormat; isDual?: boolean }): Promise<void> {
  const repository = store.repository(`models/${name}`);
  const common = { cacheDirectory: join(directory, "cache"), clock: systemClock, log: silentLog };
  await packDirectory({ directory: MODEL, repository, tag: "1", model, ...common });
}

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Result> {
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
const objection = ({ code, stderr, stdout }: Result): string => (code === 0 ? "" : `exit ${code}: ${stdout}${stderr}`);

/** A program of the host, or the test is skipped; in CI a missing one is a failure. */
async function programOrSkip(context: { skip(reason?: string): void }, program: string): Promise<void> {
  const found = await run([program, "--version"]).catch(() => undefined);
  if (found?.code === 0) return;
  const reason = `${program} cannot be had: apt-get install -y --no-install-recommends ${program}`;
  if (process.env["CI"] === undefined || process.env["CI"] === "") context.skip(reason);
  throw new Error(reason);
}

describe("skopeo", () => {
  const copy = (name: string): Promise<Result> =>
    run([
      "skopeo",
      "--insecure-policy",
      "copy",
      "--all",
      "--preserve-digests",
      "--src-tls-verify=false",
      `docker://${host}/models/${name}:1`,
      `oci:${directory}/copy-${name}:1`,
    ]);

  it.for(["modelpack", "docker", "kitops", "modelcar", "dual"])("copies %s byte for byte", async (name, context) => {
    await programOrSkip(context, "skopeo");
    expect(objection(await copy(name))).toBe("");
    const index = await readFile(join(directory, `copy-${name}`, "index.json"), "utf8");
    expect(index).toContain((await store.repository(`models/${name}`).resolve("1"))?.digest);
  });

  it("refuses Ollama's layers in a Docker manifest, whoever wrote it", async (context) => {
    await programOrSkip(context, "skopeo");
    expect((await copy("ollama")).stderr).toContain("unsupported docker v2s2 media type");
  });
});

describe("podman", () => {
  async function podman(...args: string[]): Promise<Result> {
    const home = join(directory, "podman");
    await mkdir(home, { recursive: true });
    await writeFile(join(home, "containers.conf"), '[engine]\nevents_logger = "file"\n');
    await writeFile(join(home, "policy.json"), JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
    await writeFile(join(home, "registries.conf"), "");
    const roots = ["--root", join(home, "storage"), "--runroot", join(home, "run"), "--storage-driver", "vfs"];
    return run(["podman", ...roots, "--cgroup-manager", "cgroupfs", ...args], {
      CONTAINERS_CONF: join(home, "containers.conf"),
      CONTAINERS_REGISTRIES_CONF: join(home, "registries.conf"),
      XDG_RUNTIME_DIR: home,
    });
  }

  it.for(["modelcar", "dual"])("pulls and mounts %s as an image", async (name, context) => {
    await programOrSkip(context, "podman");
    const reference = `${host}/models/${name}:1`;
    const policy = ["--signature-policy", join(directory, "podman/policy.json")];
    await podman("info");
    expect(objection(await podman("pull", "--tls-verify=false", ...policy, reference))).toBe("");
    const mounted = await podman("image", "mount", reference);
    expect(objection(mounted)).toBe("");
    const models = join(mounted.stdout.trim(), "models");
    expect(await readdir(models)).toEqual((await readdir(MODEL)).toSorted());
    expect(await readFile(join(models, "voyage-q8.gguf"))).toEqual(await readFile(join(MODEL, "voyage-q8.gguf")));
    expect(objection(await podman("image", "unmount", reference))).toBe("");
  });
});

describe("oras", () => {
  it.for(["modelpack", "docker", "ollama"])("pulls %s as files with their names", async (name, context) => {
    const oras = await peerOrSkip(context, "oras");
    const target = join(directory, `oras-${name}`);
    expect(objection(await oras.run(["pull", "--plain-http", "-o", target, `${host}/models/${name}:1`]))).toBe("");
    expect(await readdir(target)).toEqual((await readdir(MODEL)).toSorted());
    expect(await readFile(join(target, "voyage-q8.gguf"))).toEqual(await readFile(join(MODEL, "voyage-q8.gguf")));
  });

  it("pulls the tar of the weights from a dual artifact, the very layer of its image", async (context) => {
    const oras = await peerOrSkip(context, "oras");
    const target = join(directory, "oras-dual");
    expect(objection(await oras.run(["pull", "--plain-http", "-o", target, `${host}/models/dual:1`]))).toBe("");
    const tar = await readFile(join(target, "voyage-q8.gguf.tar"));
    const repository = store.repository("models/dual");
    const index = (await repository.manifest("1"))!;
    const members = parseManifest(index.bytes, index.mediaType);
    const [image] = members.type === "index" ? members.manifest.manifests : [];
    const member = (await repository.manifest(image!.digest))!;
    const parsed = parseManifest(member.bytes, member.mediaType);
    const sizes = parsed.type === "image" ? parsed.manifest.layers.map(({ size }) => size) : [];
    expect(sizes).toContain(tar.length);
    const weights = await readFile(join(MODEL, "voyage-q8.gguf"));
    const at = tar.indexOf(weights.subarray(0, 64));
    expect(at % 4096).toBe(0);
    expect(tar.subarray(at, at + weights.length)).toEqual(weights);
  });
});
