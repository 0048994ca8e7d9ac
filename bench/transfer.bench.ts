// A model directory of 2 GiB to and from Debian's `docker-registry`, beside oras: cold, and when nothing changed.
import { createCipheriv } from "node:crypto";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ensureSidTree } from "../test/interop/peers/sid-tree.ts";
import { ROOT, startDaemon, temporaryHome } from "../test/support/program.ts";
import { measureCommand, median, printTable } from "./measure.ts";
import { cpuSeconds, startDebianRegistry } from "./registry/servers.ts";

const FILES = 4;
const FILE_BYTES = 512 * 1024 * 1024;
const ROUNDS = 3;

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
const server = await startDebianRegistry();
if (typeof oras === "string" || server === undefined) throw new Error("oras and docker-registry are needed");
const place = await temporaryHome();
const daemon = await startDaemon(place.home);
const directory = await mkdtemp(join(tmpdir(), "prq-transfer-"));
const model = join(directory, "model");
await mkdir(model);
const names = Array.from({ length: FILES }, (_, index) => `part-${index}.gguf`);
for (const [index, name] of names.entries()) await writeModel(join(model, name), index + 1);
// Files younger than this are not believed to stay as they are.
await delay(3000);

const registry = `127.0.0.1:${server.port}`;
const samples = new Map<string, Sample[]>();

function take(name: string, command: readonly [string, ...string[]], daemonPid?: number): void {
  const before = { server: cpuSeconds(server!.pid), daemon: daemonPid === undefined ? 0 : cpuSeconds(daemonPid) };
  const [program, ...args] = command;
  const { cpuMs, wallMs } = measureCommand(program, args, {
    ...process.env,
    PRATIQUE_HOME: place.home,
    HOME: directory,
  });
  const daemonMs = daemonPid === undefined ? 0 : (cpuSeconds(daemonPid) - before.daemon) * 1000;
  const sample = { wallMs, clientMs: cpuMs + daemonMs, serverMs: (cpuSeconds(server!.pid) - before.server) * 1000 };
  samples.set(name, [...(samples.get(name) ?? []), sample]);
}

const orasProgram = [oras.loader, "--library-path", oras.libraryPath, join(oras.root, "usr/bin/oras")] as const;
const inModel = (...args: string[]): readonly [string, ...string[]] => [
  "sh",
  "-c",
  'cd "$1" && shift && exec "$@"',
  "sh",
  model,
  ...orasProgram,
  ...args,
];
const pratique = (...args: string[]): readonly [string, ...string[]] => [
  process.execPath,
  join(ROOT, "bin/pratique.mjs"),
  ...args,
];
const pid = daemon.process.pid!;

for (let round = 0; round < ROUNDS; round += 1) {
  const theirs = `${registry}/oras/model${round}:1`;
  const ours = `${registry}/ours/model${round}:1`;
  for (const state of ["cold", "unchanged"]) {
    take(`oras push, ${state}`, inModel("push", "--plain-http", theirs, ...names));
    take(`pratique push DIRECTORY, ${state}`, pratique("push", model, ours), pid);
  }
  await rm(join(directory, "pulled"), { recursive: true, force: true });
  take("oras pull", [...orasProgram, "pull", "--plain-http", "-o", join(directory, "pulled"), theirs]);
  take("pratique pull", pratique("pull", ours, `pulled/model${round}`), pid);
}

const middle = (name: string, value: keyof Sample): number =>
  median((samples.get(name) ?? []).map((one) => one[value]));
const pairs = [
  ["oras push, cold", "pratique push DIRECTORY, cold"],
  ["oras push, unchanged", "pratique push DIRECTORY, unchanged"],
  ["oras pull", "pratique pull"],
] as const;
printTable(
  "2 GiB model to and from docker-registry 2.8 (median of 3)",
  ["what", "wall s", "client CPU s", "registry CPU s", "times as fast as oras"],
  pairs.flatMap(([peer, own]) =>
    [peer, own].map((name) => [
      name,
      (middle(name, "wallMs") / 1000).toFixed(2),
      (middle(name, "clientMs") / 1000).toFixed(2),
      (middle(name, "serverMs") / 1000).toFixed(2),
      (middle(peer, "wallMs") / middle(name, "wallMs")).toFixed(2),
    ]),
  ),
);

await daemon.stop();
await server.stop();
await place.remove();
await rm(directory, { recursive: true, force: true });
