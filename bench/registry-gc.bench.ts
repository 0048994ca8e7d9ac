// Pulls while the registry collects, beside pulls while it does nothing; and the daemon's memory under many large pulls.
// `PRATIQUE_BENCH_ONLY=latency` or `memory` takes one half.
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { openClient } from "@pratique/client";
import { startDaemon, temporaryHome } from "../test/support/program.ts";
import { median, printTable } from "./measure.ts";
import { BLOCK } from "./registry/block.ts";

const ROUNDS = 5;
const CONNECTIONS = 4;
const ORPHANS = 10_000;
const ORPHAN_BYTES = 16 * 1024;
const PULLS = 32;
const GIB = 1024 ** 3;
const NAME = "bench/collected";

const only = process.env["PRATIQUE_BENCH_ONLY"] ?? "";
const hexOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const place = await temporaryHome();
const registry = join(place.home, "registry");
const blobs = join(registry, NAME, "blobs", "sha256");
const pool = join(registry, ".pool", "sha256");
await mkdir(blobs, { recursive: true });
await mkdir(pool, { recursive: true });

/** Puts a blob where the daemon would have put it. */
async function putAway(bytes: Uint8Array): Promise<string> {
  const hex = hexOf(bytes);
  await writeFile(join(blobs, hex), bytes);
  await link(join(blobs, hex), join(pool, hex));
  return `/v2/${NAME}/blobs/sha256:${hex}`;
}

async function placeOrphans(): Promise<void> {
  for (let count = 0; count < ORPHANS; count += 1) await putAway(randomBytes(ORPHAN_BYTES));
}

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((one, other) => one - other)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;

/** Pulls as long as `during` takes; milliseconds by path. */
async function latencies(
  port: string,
  token: string,
  paths: readonly string[],
  during: () => Promise<unknown>,
): Promise<Record<string, number[]>> {
  const program = join(import.meta.dirname, "registry", "latency.ts");
  const child = spawn(process.execPath, [program, port, String(CONNECTIONS)], { stdio: ["pipe", "pipe", "inherit"] });
  const authorization = `Basic ${Buffer.from(`owner:${token}`).toString("base64")}`;
  child.stdin.write(`${JSON.stringify({ authorization, paths })}\n`);
  let said = "";
  child.stdout.on("data", (text: Buffer) => (said += text.toString()));
  // Until it pulls.
  await delay(700);
  await during();
  child.stdin.end();
  await new Promise((done) => child.on("close", done));
  return JSON.parse(said) as Record<string, number[]>;
}

async function measureLatency(): Promise<void> {
  const kept = [randomBytes(4096), randomBytes(1024 * 1024)];
  const paths = await Promise.all(kept.map(putAway));
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: { mediaType: "application/octet-stream", digest: `sha256:${hexOf(kept[0]!)}`, size: kept[0]!.length },
      layers: [{ mediaType: "application/octet-stream", digest: `sha256:${hexOf(kept[1]!)}`, size: kept[1]!.length }],
    }),
  );
  const daemon = await startDaemon(place.home);
  try {
    const { port } = new URL(daemon.url);
    const pushed = await fetch(`${daemon.url}/v2/${NAME}/manifests/1.0`, {
      method: "PUT",
      headers: {
        authorization: `Basic ${Buffer.from(`owner:${daemon.token}`).toString("base64")}`,
        "content-type": "application/vnd.oci.image.manifest.v1+json",
      },
      body: manifest,
    });
    if (!pushed.ok) throw new Error(`the manifest was answered ${pushed.status}`);
    const client = openClient({ url: daemon.url, token: daemon.token });
    const rows: (string | number)[][] = [];
    const idle: Record<string, number[]> = {};
    const busy: Record<string, number[]> = {};
    const tookMs: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      await placeOrphans();
      await delay(1100);
      let took = 0;
      const during = await latencies(port, daemon.token, paths, async () => {
        const begun = performance.now();
        const { removed } = await client.collect({ grace: "1s" });
        took = performance.now() - begun;
        if (removed.blobs !== ORPHANS) throw new Error(`collection removed ${removed.blobs} of ${ORPHANS}`);
      });
      const beside = await latencies(port, daemon.token, paths, () => delay(took));
      tookMs.push(took);
      for (const path of paths) {
        (busy[path] ??= []).push(percentile(during[path]!, 0.99));
        (idle[path] ??= []).push(percentile(beside[path]!, 0.99));
      }
    }
    for (const [at, name] of ["4 KiB", "1 MiB"].entries()) {
      const path = paths[at]!;
      const [quiet, during] = [median(idle[path]!), median(busy[path]!)];
      const ratio = median(busy[path]!.map((value, round) => value / idle[path]![round]!));
      rows.push([name, quiet.toFixed(2), during.toFixed(2), ratio.toFixed(2)]);
    }
    printTable(
      `Pull p99 in ms, ${CONNECTIONS} connections, while ${ORPHANS} blobs are collected (${(ORPHANS / median(tookMs)).toFixed(1)} blobs/ms), median of ${ROUNDS}`,
      ["blob", "idle", "collecting", "collecting ÷ idle"],
      rows,
    );
  } finally {
    await daemon.stop();
  }
}

/** A blob of 1 GiB, not all in memory. */
async function placeLarge(): Promise<string> {
  const hash = createHash("sha256");
  const path = join(blobs, "large");
  const file = await open(path, "w");
  for (let written = 0; written < GIB; written += BLOCK.length) {
    hash.update(BLOCK);
    await file.write(BLOCK);
  }
  await file.close();
  const hex = hash.digest("hex");
  await link(path, join(blobs, hex));
  return `/v2/${NAME}/blobs/sha256:${hex}`;
}

/** Most memory that a process ever had, MiB. */
function peakMiB(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1] ?? 0) / 1024;
}

async function measureMemory(): Promise<void> {
  const path = await placeLarge();
  const daemon = await startDaemon(place.home);
  try {
    const pid = daemon.process.pid!;
    const before = peakMiB(pid);
    const authorization = Buffer.from(`owner:${daemon.token}`).toString("base64");
    const head = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic ${authorization}\r\n\r\n`;
    const program = join(import.meta.dirname, "registry", "large.ts");
    const { port } = new URL(daemon.url);
    const begun = performance.now();
    await Promise.all(
      Array.from({ length: PULLS }, () => {
        const child = spawn(process.execPath, [program, "pull", port, String(GIB)], {
          stdio: ["pipe", "inherit", "inherit"],
        });
        child.stdin.end(head);
        return new Promise<void>((done, fail) => {
          child.on("close", (code) => (code === 0 ? done() : fail(new Error(`a pull ended with ${code}`))));
        });
      }),
    );
    const seconds = (performance.now() - begun) / 1000;
    printTable(
      `Memory of the daemon under ${PULLS} concurrent pulls of 1 GiB`,
      ["before MiB", "peak MiB", "limit MiB", "MiB/s together"],
      [[before, peakMiB(pid), 250, (PULLS * 1024) / seconds]],
    );
  } finally {
    await daemon.stop();
  }
}

try {
  if (only !== "memory") await measureLatency();
  if (only !== "latency") await measureMemory();
} finally {
  await place.remove();
}
