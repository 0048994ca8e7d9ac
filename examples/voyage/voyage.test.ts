// The voyage's inputs, packed for real; and the server's image, started in a container and spoken to by hand.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { silentLog, systemClock } from "@pratique/core";
import { openContentStore, type ContentStore } from "@pratique/oci";
import { debianBase, packDirectory, readArtifact, type Packed, type RunCommand } from "@pratique/packaging";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const runCommand: RunCommand = (command, args, { cwd, maxOutputBytes, timeoutMs }) =>
  new Promise((resolve, reject) => {
    execFile(
      command,
      [...args],
      { encoding: "buffer", maxBuffer: maxOutputBytes, timeout: timeoutMs, ...(cwd === undefined ? {} : { cwd }) },
      (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== "number") reject(error);
        else
          resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr: stderr.toString("utf8") });
      },
    );
  });

const run = promisify(execFile);
const works = (command: string): Promise<boolean> =>
  run(command, ["--version"]).then(
    () => true,
    () => false,
  );
const hasPodman = (await works("podman")) && (await works("skopeo")) && (await works("runc"));

let home = "";
let store: ContentStore;
const packed = new Map<string, Packed>();

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "pratique-voyage-"));
  store = await openContentStore(join(home, "registry"), { clock: systemClock, log: silentLog });
  const base = debianBase({ node: process.execPath, runCommand });
  for (const [folder, name] of [
    ["model", "voyage/harbour-model"],
    ["harbour", "voyage/harbour"],
    ["skill/harbour-notes", "voyage/harbour-notes"],
    ["agent", "voyage/agent"],
    ["rogue", "voyage/rogue"],
  ] as const) {
    const result = await packDirectory({
      directory: join(import.meta.dirname, folder),
      repository: store.repository(name),
      tag: "1.0.0",
      cacheDirectory: join(home, "cache"),
      clock: systemClock,
      log: silentLog,
      base,
    });
    packed.set(folder, result);
  }
});
afterAll(async () => {
  await store.close();
  await rm(home, { recursive: true, force: true });
});

describe("the voyage's inputs", () => {
  it("are one of each kind", () => {
    expect([...packed.values()].map(({ kind }) => kind)).toEqual(["model", "mcp-server", "skill", "agent", "skill"]);
  });

  it("name what the bundled server is made of", () => {
    const purls = packed.get("harbour")?.components.map(({ purl }) => purl);
    expect(purls).toContain("pkg:npm/%40modelcontextprotocol/server@2.4.0");
    expect(purls).toContain("pkg:npm/zod@4.6.7");
  });

  it("carry the catalog's verdicts", async () => {
    expect(await readArtifact(store.repository("voyage/harbour"), "1.0.0")).toMatchObject({
      kind: "mcp-server",
      tools: { get_weather: { readOnly: true }, write_note: { readOnly: false, destructive: false } },
    });
  });
});

describe.skipIf(!hasPodman)("the server's image in a container", () => {
  const image = "localhost/pratique-voyage-harbour:test";
  afterAll(async () => {
    await run("podman", ["rmi", "-f", image]).catch(() => undefined);
  });

  it("starts without network, rights or a writable disk, and answers", async () => {
    const archive = join(home, "harbour.tar");
    const layout = join(home, "registry", "voyage/harbour");
    await run("skopeo", ["copy", "-q", `oci:${layout}:1.0.0`, `docker-archive:${archive}:${image}`]);
    await run("podman", ["load", "-q", "-i", archive]);
    const flags = [
      "--rm",
      "-i",
      "--network",
      "none",
      "--read-only",
      "--cap-drop=ALL",
      "--security-opt",
      "no-new-privileges",
    ];
    const limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"];
    const server = spawn("podman", ["--runtime", "runc", "run", ...flags, ...limits, image]);
    const answers = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
    const ask = async (message: object): Promise<unknown> => {
      server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
      const { value } = await answers.next();
      return JSON.parse(String(value));
    };
    const clientInfo = { name: "test", version: "1" };
    const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
    expect(await ask({ id: 1, method: "initialize", params })).toMatchObject({
      result: { serverInfo: { name: "harbour" } },
    });
    server.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" })}\n`);
    const call = { name: "get_weather", arguments: { city: "Oslo" } };
    expect(await ask({ id: 2, method: "tools/call", params: call })).toMatchObject({
      result: { content: [{ type: "text", text: '{"city":"Oslo","sky":"rain","temp_c":7}' }] },
    });
    const ended = new Promise((resolve) => server.once("exit", resolve));
    server.stdin.end();
    expect(await ended).toBe(0);
  });
});
