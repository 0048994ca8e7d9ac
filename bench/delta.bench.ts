// Bytes moved for a changed model: our delta beside content-defined chunking, ours and casync's, on synthetic weights.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeDelta, rebuildDelta } from "@pratique/delta";
import {
  Dice,
  fineTuned,
  loraMerged,
  safetensors,
  syntheticModel,
  type Tensor,
} from "../packages/delta/src/models.fixture.ts";
import { printTable } from "./measure.ts";

const directory = mkdtempSync(join(tmpdir(), "pratique-delta-bench-"));
const basePath = join(directory, "base.safetensors");
const targetPath = join(directory, "target.safetensors");
const deltaPath = join(directory, "delta");
const dice = new Dice(7);
const model = syntheticModel(dice, { layers: 6, hidden: 768, vocabulary: 16_000 });

/** One change at a time: each is as large as the model. */
const changes: Readonly<Record<string, () => Tensor[]>> = {
  "LoRA (rank 16) merged into q and v": () =>
    model.map((tensor) => (/[qv]_proj/.test(tensor.name) ? loraMerged(dice, tensor, 16, 0.00005) : tensor)),
  "last 2 of 6 layers trained": () =>
    model.map((tensor) => (/layers\.[45]\./.test(tensor.name) ? fineTuned(dice, tensor, 0.005) : tensor)),
  "full fine-tune, 0.05 %": () => model.map((tensor) => fineTuned(dice, tensor, 0.0005)),
  "full fine-tune, 0.2 %": () => model.map((tensor) => fineTuned(dice, tensor, 0.002)),
  "full fine-tune, 1 %": () => model.map((tensor) => fineTuned(dice, tensor, 0.01)),
};

async function encode(method: "tensors" | "chunks"): Promise<{ bytes: number; cpuSeconds: number }> {
  const before = process.cpuUsage();
  const parts: Buffer[] = [];
  for await (const part of encodeDelta({ base: basePath, target: targetPath, method })) parts.push(Buffer.from(part));
  const { user, system } = process.cpuUsage(before);
  const delta = Buffer.concat(parts);
  writeFileSync(deltaPath, delta);
  return { bytes: delta.length, cpuSeconds: (user + system) / 1e6 };
}

async function rebuild(targetBytes: number, digest: string): Promise<number> {
  const before = process.cpuUsage();
  const hash = createHash("sha256");
  for await (const part of rebuildDelta({ delta: deltaPath, base: basePath, targetBytes })) hash.update(part);
  const { user, system } = process.cpuUsage(before);
  if (hash.digest("hex") !== digest) throw new Error("the delta rebuilds something else");
  return (user + system) / 1e6;
}

const casync = findCasync();

/** Bytes that casync adds to a store that has the base. */
function casyncBytes(store: string): number | undefined {
  if (casync === undefined) return undefined;
  const before = bytesBelow(store);
  makeWithCasync(store, targetPath);
  return bytesBelow(store) - before;
}

function makeWithCasync(store: string, path: string): void {
  if (casync === undefined) return;
  const { command, env } = casync;
  const index = join(directory, "index.caibx");
  const args = ["make", `--store=${store}`, "--compression=zstd", index, path];
  const result = spawnSync(command, args, { encoding: "utf8", env });
  if (result.status !== 0) throw new Error(`casync: ${result.stderr}`);
}

function bytesBelow(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

/** On PATH, or unpacked from Debian's packages. */
function findCasync(): { command: string; env: NodeJS.ProcessEnv } | undefined {
  if (spawnSync("casync", ["--version"]).status === 0) return { command: "casync", env: process.env };
  const to = join(directory, "casync");
  mkdirSync(to);
  const unpack = 'apt-get download casync libfuse2 && for deb in *.deb; do dpkg-deb -x "$deb" .; done';
  spawnSync("sh", ["-c", unpack], { cwd: to });
  const libraries = readdirSync(to, { recursive: true, encoding: "utf8" }).find((name) =>
    name.endsWith("libfuse.so.2"),
  );
  const env = { ...process.env, LD_LIBRARY_PATH: join(to, libraries ?? "", "..") };
  const command = join(to, "usr/bin/casync");
  return spawnSync(command, ["--version"], { env }).status === 0 ? { command, env } : undefined;
}

try {
  writeFileSync(basePath, safetensors(model));
  const rows: (string | number)[][] = [];
  for (const [name, change] of Object.entries(changes)) {
    const target = safetensors(change());
    writeFileSync(targetPath, target);
    const store = join(directory, "store");
    rmSync(store, { recursive: true, force: true });
    mkdirSync(store);
    makeWithCasync(store, basePath);
    const theirs = casyncBytes(store);
    const chunks = await encode("chunks");
    const tensors = await encode("tensors");
    const rebuilding = await rebuild(
      target.length,
      createHash("sha256").update(readFileSync(targetPath)).digest("hex"),
    );
    const percent = (bytes: number) => `${((100 * bytes) / target.length).toFixed(2)} %`;
    const mib = target.length / 2 ** 20;
    rows.push([
      name,
      percent(tensors.bytes),
      percent(chunks.bytes),
      theirs === undefined ? "not here" : percent(theirs),
      (tensors.bytes / chunks.bytes).toFixed(2),
      theirs === undefined ? "" : (tensors.bytes / theirs).toFixed(2),
      Math.round(mib / tensors.cpuSeconds),
      Math.round(mib / rebuilding),
    ]);
  }
  printTable(
    `Bytes moved for a changed model (${Math.round(statSync(basePath).size / 2 ** 20)} MiB bf16 safetensors)`,
    [
      "change",
      "delta",
      "chunks + zstd",
      "casync + zstd",
      "÷ chunks",
      "÷ casync",
      "encode MiB/CPU-s",
      "rebuild MiB/CPU-s",
    ],
    rows,
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}
