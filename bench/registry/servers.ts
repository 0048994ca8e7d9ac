// The servers that are compared: ours as a user starts it, Debian's `docker-registry`, and a bare Node.
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ensureSidTree } from "../../test/interop/peers/sid-tree.ts";
import { startDaemon, temporaryHome } from "../../test/support/program.ts";

export interface Server {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  /** `Authorization` header line, or empty. */
  readonly authorization: string;
  stop(): Promise<void>;
}

/** CPU seconds, user and system, that a process has used; in steps of 10 ms. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Authentication by token, the default policies, and every record in the log. */
export async function startOurs(): Promise<Server> {
  const place = await temporaryHome();
  const daemon = await startDaemon(place.home);
  const stop = async (): Promise<void> => {
    await daemon.stop();
    await place.remove();
  };
  const basic = Buffer.from(`owner:${daemon.token}`).toString("base64");
  const port = Number(new URL(daemon.url).port);
  return { name: "Pratique", port, pid: daemon.process.pid!, authorization: `Authorization: Basic ${basic}\r\n`, stop };
}

/** Debian's own; undefined when it is not installed. */
export async function startDebianRegistry(): Promise<Server | undefined> {
  return startDistribution("docker-registry 2.8.2", ["docker-registry"]);
}

/** Sid's, unpacked beside the system's packages. */
export async function startSidRegistry(): Promise<Server | undefined> {
  const tree = await ensureSidTree("docker-registry");
  if (typeof tree === "string") return undefined;
  const program = [tree.loader, "--library-path", tree.libraryPath, join(tree.root, "usr/bin/docker-registry")];
  return startDistribution(`docker-registry ${tree.version.split(/[+-]/)[0] ?? ""}`, program);
}

/** Without authentication, policy and log of accesses: all that costs it something is left off. */
async function startDistribution(name: string, program: readonly string[]): Promise<Server | undefined> {
  const directory = await mkdtemp(join(tmpdir(), "prq-peer-"));
  const port = await freePort();
  const config = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(directory, "data") }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
  };
  await mkdir(join(directory, "data"));
  await writeFile(join(directory, "config.yml"), JSON.stringify(config));
  const [command = "", ...args] = program;
  const child = spawn(command, [...args, "serve", join(directory, "config.yml")], { stdio: "ignore" });
  const isThere = await isAnswering(child, port);
  const stop = async (): Promise<void> => {
    await ended(child);
    await rm(directory, { recursive: true, force: true });
  };
  if (isThere) return { name, port, pid: child.pid!, authorization: "", stop };
  await rm(directory, { recursive: true, force: true });
  return undefined;
}

export async function startBare(body: Uint8Array): Promise<Server> {
  const file = join(import.meta.dirname, "bare-server.ts");
  const child = spawn(process.execPath, [file], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(body);
  const port = await new Promise<number>((done) => child.stdout.once("data", (text) => done(Number(text))));
  return { name: "bare Node", port, pid: child.pid!, authorization: "", stop: () => ended(child) };
}

async function ended(child: ChildProcess): Promise<void> {
  const closed = new Promise<void>((done) => child.on("close", () => done()));
  child.kill("SIGTERM");
  await closed;
}

async function isAnswering(child: ChildProcess, port: number): Promise<boolean> {
  child.on("error", () => undefined);
  for (let tries = 0; tries < 100 && child.exitCode === null && child.pid !== undefined; tries += 1) {
    await delay(50);
    const answer = await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined);
    if (answer?.ok === true) return true;
  }
  return false;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
