// The gateways that are compared: ours as a user starts it, a proxy that only passes bytes on, mcp-proxy and mcp-hub from npm.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ROOT, startDaemon, temporaryHome } from "../../test/support/program.ts";

export interface Target {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  readonly authorization?: string;
  /** Speaks HTTP+SSE alone. */
  readonly isSse?: boolean;
  stop(): Promise<void>;
}

const MCP_PROXY = "mcp-proxy@6.7.19";
const MCP_HUB = "mcp-hub@4.2.1";
const HERE = import.meta.dirname;

/** A program of this folder that says its port. */
export async function startPart(
  file: string,
  args: readonly (string | number)[],
): Promise<{ port: number; child: ChildProcess }> {
  const child = spawn(process.execPath, [join(HERE, file), ...args.map(String)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const port = await new Promise<number>((done) => child.stdout.once("data", (text) => done(Number(text))));
  return { port, child };
}

export async function startDirect(tools = 10): Promise<Target> {
  const { port, child } = await startPart("mock-server.ts", ["http", tools]);
  return { name: "direct", url: `http://127.0.0.1:${port}/mcp`, pid: child.pid!, stop: () => ended(child) };
}

export async function startRawProxy(port: number): Promise<Target> {
  const { port: own, child } = await startPart("raw-proxy.ts", [port]);
  return { name: "raw Node proxy", url: `http://127.0.0.1:${own}/mcp`, pid: child.pid!, stop: () => ended(child) };
}

/** Token, default policies, every record in the log, the secret guard on: as `pratique up` has it. */
export async function startOurs(servers: Readonly<Record<string, string>>): Promise<Target> {
  const place = await temporaryHome();
  const config = {
    gateway: { servers: Object.fromEntries(Object.entries(servers).map(([name, url]) => [name, { url }])) },
  };
  await writeFile(join(place.home, "pratique.yaml"), JSON.stringify(config));
  const source = process.env["PRATIQUE_FROM_SOURCE"];
  const daemon = await startDaemon(place.home, source === undefined ? {} : { env: { PRATIQUE_FROM_SOURCE: source } });
  return {
    name: "Pratique",
    url: `${daemon.url}/mcp`,
    pid: daemon.process.pid!,
    authorization: `Bearer ${daemon.token}`,
    async stop() {
      await daemon.stop();
      await place.remove();
    },
  };
}

/** From npm; undefined when there is no network. It wraps a server on stdio only. */
export async function startMcpProxy(): Promise<Target | undefined> {
  const program = installed(MCP_PROXY, "mcp-proxy");
  if (program === undefined) return undefined;
  const port = await freePort();
  const args = [
    program,
    "--port",
    String(port),
    "--server",
    "stream",
    "--",
    process.execPath,
    join(HERE, "mock-server.ts"),
    "stdio",
  ];
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  await answering(child, port);
  return { name: MCP_PROXY, url: `http://127.0.0.1:${port}/mcp`, pid: child.pid!, stop: () => ended(child) };
}

/** From npm; undefined when there is no network. */
export async function startMcpHub(upstream: string): Promise<Target | undefined> {
  const program = installed(MCP_HUB, "mcp-hub");
  if (program === undefined) return undefined;
  const directory = await mkdtemp(join(tmpdir(), "prq-hub-"));
  const file = join(directory, "servers.json");
  await writeFile(file, JSON.stringify({ mcpServers: { mock: { url: upstream } } }));
  const port = await freePort();
  const env = { ...process.env, HOME: directory, XDG_STATE_HOME: directory, XDG_CONFIG_HOME: directory };
  const child = spawn(process.execPath, [program, "--port", String(port), "--config", file], { stdio: "ignore", env });
  await answering(child, port);
  return {
    name: MCP_HUB,
    url: `http://127.0.0.1:${port}/mcp`,
    pid: child.pid!,
    isSse: true,
    async stop() {
      await ended(child);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The program of a package, which is fetched once into node_modules/.cache. */
function installed(spec: string, name: string): string | undefined {
  const prefix = join(ROOT, "node_modules", ".cache", "bench", spec);
  const script = join(prefix, "node_modules", name, name === "mcp-hub" ? "dist/cli.js" : "dist/bin/mcp-proxy.mjs");
  if (!existsSync(script)) {
    const args = ["install", "--prefix", prefix, "--ignore-scripts", "--no-audit", "--no-fund", spec];
    if (spawnSync("npm", args, { stdio: ["ignore", "ignore", "inherit"] }).status !== 0) return undefined;
  }
  return existsSync(script) ? script : undefined;
}

async function answering(child: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 400 && child.exitCode === null; tries += 1) {
    await delay(50);
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
    if (answer !== undefined) return void (await answer.body?.cancel());
  }
  throw new Error("a peer did not start");
}

async function ended(child: ChildProcess): Promise<void> {
  const closed = new Promise<void>((done) => child.on("close", () => done()));
  child.kill("SIGTERM");
  await closed;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
