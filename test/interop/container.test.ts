// A tool server packed by us runs in a container of a real engine, behind the gateway, for a real MCP client.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { jsonLog, silentLog, systemClock, type Log } from "@pratique/core";
import { openContentStore, type ContentStore, type Descriptor, type LocalRepository } from "@pratique/oci";
import { packDirectory, readArtifact } from "@pratique/packaging";
import {
  openContainerDriver,
  probeContainerEngine,
  runCommand,
  type ContainerDriver,
  type EngineProbe,
  type Sandbox,
} from "@pratique/sandbox";
import type { CallToolResult } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { skipWithout, type Skippable } from "./peers/sid-tree.ts";
import { openGateway } from "../../packages/gateway/src/gateway.fixture.ts";

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

const node = (script: string): string[] => ["/usr/local/bin/node", "-e", script];

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
    const sandbox = await inside(node(`process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)`));
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
