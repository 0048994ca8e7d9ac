// A tool server packed by us runs in a container of a real engine, behind the gateway, for a real MCP client.
import { execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import type { AuditRecord, WorkloadPrincipal } from "@pratique/contracts";
import { createGuard } from "@pratique/guard";
import { jsonLog, silentLog, systemClock, type Log } from "@pratique/core";
import { openContentStore, type ContentStore, type Descriptor, type LocalRepository } from "@pratique/oci";
import { packDirectory, readArtifact } from "@pratique/packaging";
import {
  AllowList,
  EgressGate,
  openContainerDriver,
  probeContainerEngine,
  publishPort,
  runCommand,
  type ContainerDriver,
  type EngineProbe,
  type Sandbox,
} from "@pratique/sandbox";
import type { CallToolResult } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { skipWithout, type Skippable } from "./peers/sid-tree.ts";
import { defaultPolicies, openGateway, owner } from "../../packages/gateway/src/gateway.fixture.ts";

const ROOT = join(import.meta.dirname, "../..");
const run = promisify(execFile);

let directory = "";
let probe: EngineProbe;
let driver: ContainerDriver;
let store: ContentStore;
let repository: LocalRepository;
let descriptor: Descriptor;
let image = "";

const home = (): string => join(directory, "home");

async function findEngine(log: Log = silentLog): Promise<EngineProbe> {
  return await probeContainerEngine({
    home: home(),
    runDirectory: directory,
    path: process.env["PATH"] ?? "",
    ...(process.env["XDG_RUNTIME_DIR"] === undefined ? {} : { runtimeDirectory: process.env["XDG_RUNTIME_DIR"] }),
    log,
  });
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-container-"));
  probe = await findEngine(jsonLog((line) => process.stderr.write(line), systemClock, "info"));
  if (!probe.ok) return;
  driver = openContainerDriver(probe, { home: home(), clock: systemClock, log: silentLog });
  store = await openContentStore(join(directory, "registry"), { clock: systemClock, log: silentLog });
  const packed = await packDirectory({
    directory: join(ROOT, "examples/voyage/harbour"),
    repository: (name) => store.repository(name),
    cacheDirectory: join(directory, "cache"),
    clock: systemClock,
    log: silentLog,
    node: process.execPath,
    runCommand,
  });
  repository = store.repository(packed.repository);
  descriptor = packed.descriptor;
  image = await driver.ensureImage(repository, descriptor);
});

afterAll(async () => {
  if (probe.ok) await driver.close();
  await store?.close();
  await rm(directory, { recursive: true, force: true });
});

/** Here an engine is a peer like any other: without one the test is skipped, or fails in CI. */
function needsEngine(context: Skippable): void {
  if (!probe.ok) skipWithout(context, "container engine", probe.description);
}

async function inside(command: readonly string[], more: { memoryBytes?: number } = {}): Promise<Sandbox> {
  return await driver.start({ name: "test", image, command, network: "none", ...more });
}

const node = (script: string, ...args: string[]): string[] => ["/usr/local/bin/node", "-e", script, ...args];

async function outputOf(script: string): Promise<string> {
  const sandbox = await inside(node(script));
  sandbox.stderr.resume();
  const [output] = await Promise.all([text(sandbox.stdout), sandbox.exited]);
  return output.trim();
}

describe("the harbour server in a container behind the gateway", () => {
  it.for(["legacy", "modern"] as const)("answers and is refused, for a %s client", async (era, context) => {
    needsEngine(context);
    const info = await readArtifact(repository, descriptor.digest);
    const verdicts = info.kind === "mcp-server" ? info.tools : {};
    const fixture = await openGateway();
    fixture.gateway.addServer({
      name: "harbour",
      digest: descriptor.digest,
      isolated: true,
      cleared: true,
      verdicts,
      transport: { type: "stdio", start: () => driver.start({ name: "harbour", image, network: "none" }) },
    });
    const client = await fixture.connect("agent", { era });
    const names = (await client.listTools()).tools.map(({ name }) => name);
    expect(names.toSorted()).toEqual(["get_weather", "list_harbours", "read_note", "write_note"]);
    const weather = await client.callTool({ name: "get_weather", arguments: { city: "Oslo" } });
    expect(textOf(weather)).toBe(`{"city":"Oslo","sky":"rain","temp_c":7}`);
    const denied = await client.callTool({ name: "write_note", arguments: { name: "x", text: "y" } });
    expect(denied.isError).toBe(true);
    expect(textOf(denied)).toBe("denied: policy no-writes forbids write_note");
    expect(await driver.list()).toHaveLength(1);
    await fixture.close();
    await expect.poll(() => driver.list(), { timeout: 15_000 }).toEqual([]);
  });
});

describe("a sandbox", () => {
  it("holds the image that the manifest names", async (context) => {
    needsEngine(context);
    const manifest = await repository.manifest(descriptor.digest);
    const { config } = JSON.parse(Buffer.from(manifest!.bytes).toString()) as { config: { digest: string } };
    expect([config.digest, descriptor.digest]).toContain(image);
    expect(await driver.ensureImage(repository, descriptor)).toBe(image);
  });

  it("has no rights, no network, no writable root, and is not root", async (context) => {
    needsEngine(context);
    const seen = JSON.parse(
      await outputOf(`
        const fs = require("node:fs"), os = require("node:os");
        const fails = (act) => { try { act(); return "done"; } catch (error) { return error.code; } };
        const status = fs.readFileSync("/proc/self/status", "utf8");
        const of = (name) => status.match(new RegExp("^" + name + ":\\\\s*(.*)$", "m"))[1];
        console.log(JSON.stringify({
          uid: process.getuid(), bounding: Number("0x" + of("CapBnd")), effective: Number("0x" + of("CapEff")),
          noNewPrivileges: of("NoNewPrivs"), seccomp: of("Seccomp"),
          root: fails(() => fs.writeFileSync("/x", "")), etc: fails(() => fs.writeFileSync("/etc/x", "")),
          tmp: fails(() => fs.writeFileSync("/tmp/x", "")), large: fails(() => fs.writeFileSync("/tmp/y", Buffer.alloc(32 << 20))),
          interfaces: Object.keys(os.networkInterfaces()).filter((name) => name !== "lo"),
          files: Number(fs.readFileSync("/proc/self/limits", "utf8").match(/^Max open files\\s+\\d+\\s+(\\d+)/m)[1]),
        }));`),
    ) as Record<string, unknown>;
    expect(seen).toMatchObject({ bounding: 0, effective: 0, noNewPrivileges: "1", seccomp: "2", interfaces: [] });
    expect(seen).toMatchObject({ root: "EROFS", etc: "EROFS", tmp: "done", large: "ENOSPC" });
    expect(seen["uid"]).not.toBe(0);
    expect(seen["files"]).toBeLessThanOrEqual(1024);
  });

  it("writes to memory where its image declares a volume, and to no disk of the host", async (context) => {
    needsEngine(context);
    if (!probe.ok) return;
    const { docker } = await probe.connection.api();
    const base = await docker.createContainer({ Image: image, HostConfig: { NetworkMode: "none" } });
    const { Id } = (await base.commit({ changes: "VOLUME /data" })) as { Id: string };
    await base.remove({ force: true });
    const script = `try { require("fs").writeFileSync("/data/x", Buffer.alloc(32 << 20)) } catch (error) { console.log(error.code) }
      process.stdin.resume().on("end", () => process.exit(0))`;
    const sandbox = await driver.start({ name: "volume", image: Id, command: node(script), network: "none" });
    try {
      expect(String((await once(sandbox.stdout, "data"))[0])).toBe("ENOSPC\n");
      const { Mounts } = await docker.getContainer(sandbox.id).inspect();
      expect(Mounts.filter(({ Type }) => Type === "volume")).toEqual([]);
    } finally {
      await sandbox.stop();
      await docker.getImage(Id).remove({ force: true });
    }
  });

  it("reads stdin to its end, and nothing that was not sent", async (context) => {
    needsEngine(context);
    const sandbox = await inside(node(`process.stdin.pipe(process.stdout)`));
    sandbox.stdin.write("one\n");
    sandbox.stdin.end("two\n");
    expect(await text(sandbox.stdout)).toBe("one\ntwo\n");
    expect(await sandbox.exited).toEqual({ code: 0, oomKilled: false });
  });

  it("keeps stderr apart, passes much data on, and tells the exit code", async (context) => {
    needsEngine(context);
    const sandbox = await inside(
      node(`console.error("err"); process.stdout.write("x".repeat(5e6), () => process.exit(7))`),
    );
    const [out, err, exit] = await Promise.all([text(sandbox.stdout), text(sandbox.stderr), sandbox.exited]);
    expect([out.length, err, exit.code]).toEqual([5_000_000, "err\n", 7]);
  });

  it("is killed when it takes more memory than it may", async (context) => {
    needsEngine(context);
    const sandbox = await inside(node(`const held = []; for (;;) held.push(Buffer.alloc(8 << 20, 1))`), {
      memoryBytes: 96 * 1024 * 1024,
    });
    sandbox.stdout.resume();
    expect(await sandbox.exited).toMatchObject({ code: 137, oomKilled: true });
  });

  it("ends when it ignores its closed input and SIGTERM", async (context) => {
    needsEngine(context);
    const deaf = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("ready")`;
    const sandbox = await inside(node(deaf));
    await once(sandbox.stdout, "data");
    await sandbox.stop({ graceMs: 100 });
    expect(await sandbox.exited).toEqual({ code: 137, oomKilled: false });
    await expect.poll(() => driver.list(), { timeout: 15_000 }).toEqual([]);
  });

  it("that cannot start leaves nothing, and says why", async (context) => {
    needsEngine(context);
    await expect(inside(["/no/such/program"])).rejects.toMatchObject({ code: "sandbox.start-failed" });
    await expect.poll(() => driver.list(), { timeout: 15_000 }).toEqual([]);
  });
});

/** Tries every way out that it was not given, and says what came of each. */
const PRISONER = `
const net = require("node:net"), dgram = require("node:dgram"), dns = require("node:dns"), fs = require("node:fs");
const [port] = process.argv.slice(1);
const tcp = (port, host) => new Promise((resolve, reject) =>
  net.connect(port, host).once("connect", () => resolve("connected")).once("error", reject));
const udp = (port, host) => new Promise((resolve, reject) =>
  dgram.createSocket(host.includes(":") ? "udp6" : "udp4").send("x", port, host, (error) => error ? reject(error) : resolve("sent")));
const proxied = (to, hello = "") => new Promise((resolve) => {
  const socket = net.connect(3128, "127.0.0.1", () => socket.write("CONNECT " + to + " HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n" + hello));
  socket.once("data", (data) => resolve(String(data).split("\\r\\n")[0])).once("error", (error) => resolve(error.code));
});
const ways = {
  public: () => tcp(443, "1.1.1.1"),
  public6: () => tcp(443, "2606:4700:4700::1111"),
  host: () => tcp(Number(port), "127.0.0.1"),
  metadata: () => tcp(80, "169.254.169.254"),
  udp: () => udp(53, "8.8.8.8"),
  udp6: () => udp(53, "2001:4860:4860::8888"),
  dns: () => dns.promises.resolve4("example.com"),
  lookup: () => dns.promises.lookup("example.com"),
  proxied: () => proxied("example.com:443"),
  proxiedHost: () => proxied("127.0.0.1:" + port),
  proxiedMetadata: () => proxied("169.254.169.254:80"),
  namedHost: async () => (await fetch("http://localhost:" + port + "/hello")).text(),
  secret: async () => process.env.API_KEY,
  secretFile: async () => fs.readFileSync("/run/secrets/key", "utf8"),
  initMemory: async () => fs.readFileSync("/proc/1/environ", "utf8").includes("API_KEY"),
  hostSocket: async () => fs.readdirSync("/.pratique").sort().join(),
  hostFile: async () => fs.writeFileSync("/.pratique/x", ""),
  root: async () => fs.writeFileSync("/x", ""),
  data: async () => (fs.writeFileSync("/data/x", "1"), "written"),
};
(async () => {
  const found = {};
  for (const [name, way] of Object.entries(ways)) {
    try { found[name] = await way(); } catch (error) { found[name] = error.code ?? error.message; }
  }
  require("node:http").createServer((request, response) => response.end("inside " + request.url)).listen(8080, "127.0.0.1", () =>
    console.log(JSON.stringify(found)));
})();
process.stdin.resume().on("end", () => process.exit(0));
`;

describe("a sandbox with a way out", () => {
  it("has that one and no other; its secrets stand nowhere but inside; its port is reached", async (context) => {
    needsEngine(context);
    const web = createServer((request, response) => response.end(`web ${request.url}`));
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    const { port } = web.address() as AddressInfo;
    const policies = await defaultPolicies();
    const records: AuditRecord[] = [];
    const append = async (body: Omit<AuditRecord, "version" | "id" | "sequence" | "time">): Promise<AuditRecord> => {
      const record = { ...body, version: 1 as const, id: "r", sequence: 0, time: "2026-01-01T00:00:00Z" };
      records.push(record);
      return record;
    };
    const guard = createGuard({ policy: () => policies, audit: { append }, clock: systemClock, log: silentLog });
    const principal: WorkloadPrincipal = { type: "Workload", id: "spiffe://x/server", groups: [], actingFor: owner };
    const allow = new AllowList([`localhost:${port}`]);
    const gate = new EgressGate({ guard, principal, allow, clock: systemClock, log: silentLog });
    const value = `value-${randomUUID()}`;
    const sandbox = await driver.start({
      name: "prisoner",
      image,
      command: node(PRISONER, String(port)),
      network: {
        hosts: allow.exact(),
        handle: (...connection) => gate.handle(...connection),
        close: () => gate.close(),
      },
      secrets: { env: { API_KEY: value }, files: { key: value } },
      writable: [{ path: "/data", sizeBytes: 65_536 }],
      port: 8080,
    });
    const found = JSON.parse(String((await once(sandbox.stdout, "data"))[0])) as Record<string, string>;
    const nowhere = expect.stringMatching(/^(ENETUNREACH|EADDRNOTAVAIL|EHOSTUNREACH|EACCES|EPERM)$/);
    expect(found).toEqual({
      public: nowhere,
      public6: nowhere,
      // Its own loopback, where the way to the host that it may reach begins.
      host: "connected",
      metadata: nowhere,
      udp: nowhere,
      udp6: nowhere,
      dns: "ECONNREFUSED",
      lookup: expect.stringMatching(/^(EAI_AGAIN|ENOTFOUND)$/),
      proxied: "HTTP/1.1 403 Refused",
      proxiedHost: "HTTP/1.1 403 Refused",
      proxiedMetadata: "HTTP/1.1 403 Refused",
      namedHost: "web /hello",
      secret: value,
      secretFile: value,
      initMemory: false,
      hostSocket: "host,init",
      hostFile: "EROFS",
      root: "EROFS",
      data: "written",
    });
    const socket = join(directory, "port.sock");
    const published = await publishPort(sandbox, socket, { timeoutMs: 10_000 });
    const answer = await new Promise<IncomingMessage>((resolve, reject) =>
      request({ socketPath: socket, path: "/there" }, resolve).once("error", reject).end(),
    );
    expect(await text(answer)).toBe("inside /there");
    await published.close();
    // Where an engine or the machine would show it.
    const places = [(await run("ps", ["-eo", "args"])).stdout];
    if (probe.ok) {
      const { docker } = await probe.connection.api();
      places.push(JSON.stringify(await docker.getContainer(sandbox.id).inspect()));
      places.push(JSON.stringify(await docker.getImage(image).history()));
    }
    for (const place of places) expect(place).not.toContain(value);
    expect(records.filter(({ outcome }) => outcome === "denied").map(({ resource }) => resource.id)).toEqual([
      "example.com:443",
      `127.0.0.1:${port}`,
      "169.254.169.254:80",
    ]);
    await sandbox.stop();
    web.close();
    expect((await readdir(directory)).filter((name) => name.startsWith("guest-"))).toEqual([]);
  });
});

describe("an earlier process of the same home", () => {
  it("leaves neither container nor service when it is killed with SIGKILL", async (context) => {
    needsEngine(context);
    const child = spawn(process.execPath, [join(ROOT, "test/fakes/sandbox-driver.ts"), home(), directory, image], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const container = String((await once(child.stdout, "data"))[0]).trim();
    expect(await driver.list()).toContain(container);
    child.kill("SIGKILL");
    await once(child, "exit");
    // What the dead process's own watcher has not removed yet (or could not, on an engine that is not its own) goes now.
    await driver.removeOrphans();
    expect(await driver.list()).toEqual([]);
    const service = async () =>
      (await run("ps", ["-eo", "args"])).stdout
        .split("\n")
        .filter((line) => line.includes(`--time=0 unix://${directory}`));
    const ours = probe.ok && probe.description.includes("/podman") ? 1 : 0;
    await expect.poll(async () => (await service()).length, { timeout: 15_000 }).toBeLessThanOrEqual(ours);
  });
});

function textOf(result: CallToolResult): string {
  return result.content.map((part) => (part.type === "text" ? part.text : part.type)).join();
}
