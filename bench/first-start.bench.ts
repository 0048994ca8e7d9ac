// `npm start` on a fresh clone and again: from the command to "Stop with Ctrl-C", the voyage included.
import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { cleanEnvironment, ROOT } from "../test/support/program.ts";
import { printTable } from "./measure.ts";

const directory = await mkdtemp(join(tmpdir(), "prq-first-"));
const clone = join(directory, "pratique");
execFileSync("git", ["clone", "--quiet", ROOT, clone]);
const env = cleanEnvironment({ PRATIQUE_HOME: join(directory, "home") });

interface Start {
  readonly ms: number;
  readonly restMiB: number;
}

async function start(): Promise<Start> {
  const begun = performance.now();
  const child = spawn("npm", ["start", "--", "--listen", "127.0.0.1:0"], {
    cwd: clone,
    env,
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  const closed = new Promise((done) => child.on("close", done));
  while (!text.includes("Stop with Ctrl-C")) {
    if (child.exitCode !== null) throw new Error(`npm start ended:\n${text}`);
    await delay(50);
  }
  const ms = performance.now() - begun;
  await delay(5000);
  const { pid } = JSON.parse(readFileSync(join(directory, "home", "daemon.json"), "utf8")) as { pid: number };
  const restMiB = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
  process.kill(-child.pid!, "SIGINT");
  await closed;
  return { ms, restMiB };
}

const first = await start();
const second = await start();
printTable(
  "`npm start`, the voyage included",
  ["what", "seconds", "daemon's resident memory 5 s later, MiB"],
  [
    ["first, on a fresh clone (npm's cache and system packages as they are)", first.ms / 1000, first.restMiB],
    ["second", second.ms / 1000, second.restMiB],
  ],
);
await rm(directory, { recursive: true, force: true });
