// A model directory of 2 GiB to and from registries, beside oras: cold, and when nothing changed.
// `TMPDIR=/dev/shm` takes the disk out of it.
import { createCipheriv } from "node:crypto";
import { mkdir, mkdtemp, open, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseManifest, parseReference, remoteRepository } from "@pratique/oci";
import { ensureSidTree } from "../test/interop/peers/sid-tree.ts";
import { ROOT, startDaemon, temporaryHome } from "../test/support/program.ts";
import { measureCommand, median, printTable } from "./measure.ts";
import { cpuSeconds, startDebianRegistry, startOurs, type Server } from "./registry/servers.ts";

const FILES = 4;
const FILE_BYTES = 512 * 1024 * 1024;
const ROUNDS = 3;

type Command = readonly [string, ...string[]];

interface Sample {
  readonly wallMs: number;
  readonly clientMs: number;
  readonly serverMs: number;
}

/** A GGUF file with one tensor of noise. */
async function writeModel(path: string, seed: number): Promise<void> {
  const text = (value: string): Buffer => Buffer.concat([number64(value.length), Buffer.from(value)]);
  const head = Buffer.concat([
    Buffer.from("GGUF"),
    number32(3),
    number64(1),
    number64(1),
    text("general.architecture"),
    number32(8),
    text("llama"),
    text("noise"),
    number32(1),
    number64(FILE_BYTES / 4),
    number32(0),
    number64(0),
  ]);
  const padded = Buffer.concat([head, Buffer.alloc((32 - (head.length % 32)) % 32)]);
  const cipher = createCipheriv("aes-256-ctr", Buffer.alloc(32, seed), Buffer.alloc(16));
  const file = await open(path, "w");
  await file.write(padded);
  const zeros = Buffer.alloc(8 * 1024 * 1024);
  for (let done = 0; done < FILE_BYTES; done += zeros.length) await file.write(cipher.update(zeros));
  await file.close();
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function number64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

const oras = await ensureSidTree("oras");
const debian = await startDebianRegistry();
if (typeof oras === "string" || debian === undefined) throw new Error("oras and docker-registry are needed");
const servers = [debian, await startOurs()];

const directory = await mkdtemp(join(tmpdir(), "prq-transfer-"));
const model = join(directory, "model");
await mkdir(model);
const names = Array.from({ length: FILES }, (_, index) => `part-${index}.gguf`);
for (const [index, name] of names.entries()) await writeModel(join(model, name), index + 1);
// Files younger than this are not believed to stay as they are.
await delay(3000);

/** Both clients use the same login file. */
const logins = servers.flatMap(({ port, authorization }) => {
  const auth = /Basic (\S+)/.exec(authorization)?.[1];
  return auth === undefined ? [] : [[`127.0.0.1:${port}`, { auth }] as const];
});
await mkdir(join(directory, ".docker"));
await writeFile(join(directory, ".docker", "config.json"), JSON.stringify({ auths: Object.fromEntries(logins) }));
const place = await temporaryHome();
const daemon = await startDaemon(place.home, { env: { HOME: directory, DOCKER_CONFIG: join(directory, ".docker") } });
const daemonPid = daemon.process.pid!;

const samples = new Map<string, Sample[]>();

/** What our client costs is what its daemon costs too. */
function take(server: Server, name: string, [program, ...args]: Command): void {
  const before = { server: cpuSeconds(server.pid), daemon: cpuSeconds(daemonPid) };
  const env = { ...process.env, PRATIQUE_HOME: place.home, HOME: directory, DOCKER_CONFIG: join(directory, ".docker") };
  const { cpuMs, wallMs, code } = measureCommand(program, args, env);
  if (code !== 0) throw new Error(`${name} to ${server.name} ended with ${code}`);
  const daemonMs = name.startsWith("pratique") ? (cpuSeconds(daemonPid) - before.daemon) * 1000 : 0;
  const serverMs = (cpuSeconds(server.pid) - before.server) * 1000;
  const key = `${server.name} ${name}`;
  samples.set(key, [...(samples.get(key) ?? []), { wallMs, clientMs: cpuMs + daemonMs, serverMs }]);
}

/** Layers as the registry has them: both clients have to have sent the same. */
async function layersOf(server: Server, text: string): Promise<string> {
  const reference = parseReference(text, { registry: "localhost" });
  const [username = "", password = ""] = Buffer.from(/Basic (\S+)/.exec(server.authorization)?.[1] ?? "", "base64")
    .toString()
    .split(":");
  const credentials = async () => (username === "" ? undefined : { type: "basic" as const, username, password });
  const repository = remoteRepository(reference, { credentials });
  const manifest = await repository.manifest(reference.tag ?? "latest");
  if (manifest === undefined) throw new Error(`${text} is not there`);
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  if (parsed.type !== "image") throw new Error(`${text} is an index`);
  return parsed.manifest.layers
    .map(({ digest }) => digest)
    .sort()
    .join();
}

const orasProgram = [oras.loader, "--library-path", oras.libraryPath, join(oras.root, "usr/bin/oras")] as const;
const inModel = (...args: string[]): Command => [
  "sh",
  "-c",
  'cd "$1" && shift && exec "$@"',
  "sh",
  model,
  ...orasProgram,
  ...args,
];
const pratique = (...args: string[]): Command => [process.execPath, join(ROOT, "bin/pratique.mjs"), ...args];

async function round(server: Server, number: number): Promise<void> {
  const registry = `127.0.0.1:${server.port}`;
  const theirs = `${registry}/oras/model${number}:1`;
  const ours = `${registry}/ours/model${number}:1`;
  const pulled = join(directory, "pulled");
  const inTurn = (steps: readonly (() => void)[]): void => {
    for (const step of number % 2 === 0 ? steps : steps.toReversed()) step();
  };
  for (const state of ["cold", "unchanged"]) {
    inTurn([
      () => take(server, `oras push, ${state}`, inModel("push", "--plain-http", theirs, ...names)),
      () => take(server, `pratique push, ${state}`, pratique("push", model, ours)),
    ]);
  }
  if ((await layersOf(server, theirs)) !== (await layersOf(server, ours)))
    throw new Error("they sent different layers");
  inTurn([
    () => take(server, "oras pull", [...orasProgram, "pull", "--plain-http", "-o", pulled, theirs]),
    () => take(server, "pratique pull", pratique("pull", ours, `pulled/from-${server.port}-${number}`)),
  ]);
  for (const name of names) if ((await stat(join(pulled, name))).size < FILE_BYTES) throw new Error("oras pulled less");
  await rm(pulled, { recursive: true });
}

for (const server of servers) for (let number = 0; number < ROUNDS; number += 1) await round(server, number);

const pairs = ["push, cold", "push, unchanged", "pull"];
for (const server of servers) {
  const middle = (name: string, value: keyof Sample): number =>
    median((samples.get(`${server.name} ${name}`) ?? []).map((one) => one[value]));
  printTable(
    `A model of 2 GiB to and from ${server.name} (median of ${ROUNDS}, wall range)`,
    ["what", "wall s", "from–to", "client CPU s", "registry CPU s", "times as fast as oras"],
    pairs.flatMap((what) =>
      ["oras", "pratique"].map((program) => {
        const name = `${program} ${what}`;
        const walls = (samples.get(`${server.name} ${name}`) ?? []).map(({ wallMs }) => wallMs / 1000);
        return [
          name,
          (middle(name, "wallMs") / 1000).toFixed(2),
          `${Math.min(...walls).toFixed(2)}–${Math.max(...walls).toFixed(2)}`,
          (middle(name, "clientMs") / 1000).toFixed(2),
          (middle(name, "serverMs") / 1000).toFixed(2),
          (middle(`oras ${what}`, "wallMs") / middle(name, "wallMs")).toFixed(2),
        ];
      }),
    ),
  );
}

await daemon.stop();
for (const server of servers) await server.stop();
await place.remove();
await rm(directory, { recursive: true, force: true });
