// A 1 GiB blob through the daemon beside the upstream itself: first byte, and CPU seconds for the whole.
// The upstream is Debian's `docker-registry`; each pull is of another repository, so nothing is cached before.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { request, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDaemon } from "../test/support/program.ts";
import { median, printTable } from "./measure.ts";

const MIB = 1024 ** 2;
const SIZE = Number(process.env["PRATIQUE_BENCH_MIB"] ?? 1024) * MIB;
const ROUNDS = 3;
const PEER_PORT = 5179;
const TYPE = "application/vnd.oci.image.manifest.v1+json";

const directory = await mkdtemp(join(tmpdir(), "prq-bench-through-"));
const block = randomBytes(MIB);
const sha = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

interface Sample {
  readonly firstMs: number;
  readonly wholeMs: number;
}

/** Resolves with the head of an answer. */
function ask(url: string, method = "GET", headers: Record<string, string> = {}, body?: Iterable<Uint8Array>) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const call = request(url, { method, headers }, resolve);
    call.on("error", reject);
    void (async () => {
      for (const chunk of body ?? []) {
        if (!call.write(chunk)) await new Promise((go) => call.once("drain", go));
      }
      call.end();
    })();
  });
}

async function read(answer: IncomingMessage): Promise<void> {
  answer.resume();
  await new Promise((resolve, reject) => answer.once("end", resolve).once("error", reject));
}

async function pull(url: string, headers: Record<string, string> = {}): Promise<Sample> {
  // What was written before has to reach the disk some time: not while the clock runs.
  spawnSync("sync");
  const begun = performance.now();
  const answer = await ask(url, "GET", headers);
  if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.statusCode}`);
  await new Promise((resolve) => answer.once("readable", resolve));
  const firstMs = performance.now() - begun;
  await read(answer);
  return { firstMs, wholeMs: performance.now() - begun };
}

/** What a durable record costs at least, just then. */
async function durableWriteMs(): Promise<number> {
  spawnSync("sync");
  const file = await open(join(directory, "record"), "a");
  const begun = performance.now();
  await file.write("x".repeat(700));
  await file.datasync();
  const took = performance.now() - begun;
  await file.close();
  return took;
}

/** User and system CPU seconds of a process so far. */
async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function startPeer(): Promise<ChildProcess> {
  await mkdir(join(directory, "peer"));
  const config = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, "peer") } },
    http: { addr: `127.0.0.1:${PEER_PORT}` },
  };
  await writeFile(join(directory, "peer.yml"), JSON.stringify(config));
  const peer = spawn("docker-registry", ["serve", join(directory, "peer.yml")], { stdio: "ignore" });
  for (let isUp = false; !isUp;) {
    isUp = await fetch(`http://127.0.0.1:${PEER_PORT}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    );
  }
  return peer;
}

const upstream = `http://127.0.0.1:${PEER_PORT}`;
const peer = await startPeer();

function* blocks(): Generator<Uint8Array> {
  for (let at = 0; at < SIZE; at += MIB) yield block;
}
const hash = createHash("sha256");
for (const bytes of blocks()) hash.update(bytes);
const layer = `sha256:${hash.digest("hex")}`;
const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');

async function push(name: string, digest: string, bytes: Iterable<Uint8Array>, mount?: string): Promise<void> {
  const from = mount === undefined ? "" : `?mount=${digest}&from=${mount}`;
  const begun = await ask(`${upstream}/v2/${name}/blobs/uploads/${from}`, "POST");
  await read(begun);
  if (begun.statusCode === 201) return;
  const location = new URL(begun.headers.location!);
  location.searchParams.set("digest", digest);
  const length = digest === layer ? SIZE : config.length;
  const headers = { "content-length": String(length), "content-type": "application/octet-stream" };
  await read(await ask(location.href, "PUT", headers, bytes));
}

const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: TYPE,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: sha(config), size: config.length },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: layer, size: SIZE }],
  }),
);
const names = Array.from({ length: ROUNDS + 1 }, (_, round) => `library/bench${round}`);
for (const [index, name] of names.entries()) {
  await push(name, layer, blocks(), index === 0 ? undefined : names[0]);
  await push(name, sha(config), [config]);
  await read(await ask(`${upstream}/v2/${name}/manifests/1`, "PUT", { "content-type": TYPE }, [manifest]));
}

const home = join(directory, "home");
await mkdir(home, { mode: 0o700 });
const upstreams = { "docker.io": { url: upstream } };
await writeFile(join(home, "pratique.yaml"), JSON.stringify({ registry: { upstreams } }));
const daemon = await startDaemon(home);
const authorization = { authorization: `Bearer ${daemon.token}` };

const direct: Sample[] = [];
const missed: Sample[] = [];
const cached: Sample[] = [];
const durable: number[] = [];
const cpu = { peer: [] as number[], missed: [] as number[], cached: [] as number[] };
for (const [round, name] of names.entries()) {
  const path = `${name}/blobs/${layer}`;
  await read(await ask(`${daemon.url}/v2/docker.io/${name}/manifests/1`, "GET", authorization));
  const at = [await cpuSeconds(peer.pid!), await cpuSeconds(daemon.process.pid!)];
  const one = await pull(`${upstream}/v2/${path}`);
  const peerCpu = (await cpuSeconds(peer.pid!)) - at[0]!;
  const two = await pull(`${daemon.url}/v2/docker.io/${path}`, authorization);
  const missCpu = (await cpuSeconds(daemon.process.pid!)) - at[1]!;
  const bareMs = await durableWriteMs();
  const three = await pull(`${daemon.url}/v2/docker.io/${path}`, authorization);
  const cachedCpu = (await cpuSeconds(daemon.process.pid!)) - at[1]! - missCpu;
  // The first round warms both up.
  if (round === 0) continue;
  direct.push(one);
  missed.push(two);
  cached.push(three);
  durable.push(bareMs);
  cpu.peer.push(peerCpu);
  cpu.missed.push(missCpu);
  cpu.cached.push(cachedCpu);
}
const of = (samples: readonly Sample[], key: keyof Sample): number => median(samples.map((sample) => sample[key]));
const perGib = (seconds: readonly number[]): number => (median(seconds) * 1024 ** 3) / SIZE;
const row = (what: string, samples: readonly Sample[], seconds: readonly number[]) => [
  what,
  of(samples, "firstMs"),
  of(samples, "firstMs") / of(direct, "firstMs"),
  of(samples, "wholeMs"),
  of(samples, "wholeMs") / of(direct, "wholeMs"),
  perGib(seconds),
];
printTable(
  `Pull-through of a ${SIZE / MIB} MiB blob, with authentication, policy and audit`,
  ["", "first byte ms", "× upstream", "whole ms", "× upstream", "CPU-s/GiB of the server"],
  [
    row("docker-registry 2.8 itself", direct, cpu.peer),
    row("through Pratique, not cached", missed, cpu.missed),
    row("through Pratique, cached", cached, cpu.cached),
  ],
);
console.log(`\nOne small write and fdatasync, bare, just then: ${median(durable).toFixed(1)} ms.`);

await daemon.stop();
peer.kill();
await rm(directory, { recursive: true, force: true });
