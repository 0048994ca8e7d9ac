// What a probe says of engines that are not there, or are there and do not work.
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, systemClock } from "@pratique/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openContainerDriver } from "./container-driver.ts";
import { probeContainerEngine } from "./probe-engine.ts";

let directory = "";
const servers: Server[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-probe-"));
});
afterAll(async () => {
  for (const server of servers) server.close();
  await rm(directory, { recursive: true, force: true });
});

/** An engine's API that gives the same answers to everybody. */
async function fakeEngine(
  name: string,
  answers: Record<string, readonly [status: number, body: object]>,
): Promise<string> {
  const socket = join(directory, name);
  const server = createServer((req, res) => {
    req.resume();
    req.once("end", () => {
      const key = Object.keys(answers).find((path) => `${req.method} ${req.url}`.startsWith(path));
      const [status, body] = key === undefined ? [404, { message: "no such thing" }] : answers[key]!;
      res.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return socket;
}

const probe = (socket: string) =>
  probeContainerEngine({ home: directory, runDirectory: directory, path: "", socket, log: silentLog });
const VERSION = { Version: "99", Os: "linux", Arch: "amd64", Components: [{ Name: "Engine", Version: "99" }] };

describe("a probe", () => {
  it("misses an engine that is not there", async () => {
    const found = await probe(join(directory, "nothing.sock"));
    expect(found).toMatchObject({ ok: false, error: { code: "engine.missing" } });
    expect(() => openContainerDriver(found, { home: directory, clock: systemClock, log: silentLog })).toThrow(
      expect.objectContaining({ code: "engine.missing" }),
    );
  });

  it("does not take an engine's version for proof, and tells each refusal", async () => {
    const socket = await fakeEngine("refuses.sock", {
      "GET /version": [200, VERSION],
      "GET /images/": [200, { Id: "sha256:0" }],
      "POST /images/load": [500, { message: "no space left on device" }],
    });
    const found = await probe(socket);
    expect(found).toMatchObject({ ok: false, error: { code: "engine.unusable" } });
    expect(found.description).toContain("no space left on device");
    expect(found.description).toContain("with runc");
  });

  it("refuses an engine that holds another image than the one it was given", async () => {
    const other = `sha256:${"0".repeat(64)}`;
    const socket = await fakeEngine("alters.sock", {
      "GET /version": [200, VERSION],
      "POST /images/load": [200, { stream: "Loaded" }],
      "GET /images/": [200, { Id: other }],
    });
    const found = await probe(socket);
    expect(found.ok).toBe(false);
    expect(found.description).toContain(`the engine holds ${other}`);
  });

  it("refuses an engine of another system", async () => {
    const socket = await fakeEngine("windows.sock", { "GET /version": [200, { ...VERSION, Os: "windows" }] });
    expect((await probe(socket)).description).toContain("windows containers");
  });

  it("tells what a podman that cannot serve says", async () => {
    const path = await mkdtemp(join(directory, "bin-"));
    await writeFile(join(path, "podman"), "#!/bin/sh\necho 'cannot set up namespace' >&2\nexit 125\n");
    await chmod(join(path, "podman"), 0o755);
    // The sockets of this machine's own engines are tried as well, so the answer may be a usable one.
    const { description } = await probeContainerEngine({
      home: directory,
      runDirectory: directory,
      path,
      log: silentLog,
    });
    expect(description).toMatch(/cannot set up namespace|at \//);
  });
});
