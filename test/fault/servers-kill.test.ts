// Clients, servers and the daemon are killed with SIGKILL while clients call: every call is answered in the end, and no
// container, process or socket is left.
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { silentLog, systemClock } from "@pratique/core";
import { openContainerDriver, probeContainerEngine, type ContainerDriver, type UsableEngine } from "@pratique/sandbox";
import { afterAll, beforeAll, expect, it } from "vitest";
import { skipWithout } from "../interop/peers/sid-tree.ts";
import { EXAMPLES, pratique, ROOT, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";

/** By hand: `FAULT_CLIENTS=10 FAULT_CALLS=1000 FAULT_KILLS=60`. */
const CLIENTS = Number(process.env["FAULT_CLIENTS"] ?? 2);
const CALLS = Number(process.env["FAULT_CALLS"] ?? 20);
const KILLS = Number(process.env["FAULT_KILLS"] ?? 3);
const PORT = 17_340 + (process.pid % 1000);
const run = promisify(execFile);

let place: Awaited<ReturnType<typeof temporaryHome>>;
let watching: Awaited<ReturnType<typeof temporaryHome>>;
let daemon: Daemon;
let driver: ContainerDriver | undefined;
let engine: UsableEngine | undefined;
let missing: string | undefined;

beforeAll(async () => {
  [place, watching] = [await temporaryHome(), await temporaryHome()];
  // Looks at the containers of the daemon's home, by an engine connection of its own.
  const options = { home: place.home, runDirectory: watching.home, path: process.env["PATH"] ?? "", log: silentLog };
  const probe = await probeContainerEngine(options);
  if (!probe.ok) {
    missing = probe.description;
    return;
  }
  engine = probe;
  driver = openContainerDriver(probe, { home: place.home, clock: systemClock, log: silentLog });
  daemon = await startDaemon(place.home, { listen: `127.0.0.1:${PORT}` });
  await daemon.client.pack({ directory: join(EXAMPLES, "harbour"), reference: "voyage/harbour:1" });
  await daemon.client.sign("voyage/harbour:1");
  await daemon.client.clear("voyage/harbour:1");
  // With network and a secret, so that sockets and files are there to be left.
  await daemon.client.setSecret({ name: "key", value: "some-value-of-a-key", scope: "shared" });
  const server = { reference: "voyage/harbour:1", network: ["api.example.com:443"], secrets: { API_KEY: "key" } };
  await daemon.client.addServer({ name: "harbour", server });
}, 120_000);

afterAll(async () => {
  await daemon?.stop();
  await driver?.close();
  await Promise.all([place, watching].map(({ remove }) => remove()));
});

it("leaves nothing, whoever is killed", { timeout: 600_000 }, async (context) => {
  if (missing !== undefined || engine === undefined || driver === undefined)
    return skipWithout(context, "container engine", missing ?? "");
  const counts = Array.from({ length: CLIENTS }, () => 0);
  const callers = new Map<number, ChildProcess>();
  const starting = (client: number): void => {
    const args = [
      `${daemon.url}/mcp/harbour`,
      daemon.token,
      "get_weather",
      '{"city":"Oslo"}',
      String(CALLS - counts[client]!),
    ];
    const child = spawn(process.execPath, [join(ROOT, "test/fakes/mcp-caller.ts"), ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      counts[client]! += text.split("\n").filter((line) => line.includes("Oslo")).length;
    });
    callers.set(client, child);
  };
  for (let client = 0; client < CLIENTS; client += 1) starting(client);
  for (let kill = 0; kill < KILLS; kill += 1) {
    await delay(150 + ((kill * 137) % 400));
    if (kill % 3 === 0) {
      const { docker } = await engine.connection.api();
      for (const id of await driver.list())
        await docker
          .getContainer(id)
          .kill({ signal: "SIGKILL" })
          .catch(() => undefined);
    } else if (kill % 3 === 1) {
      const client = kill % CLIENTS;
      const child = callers.get(client)!;
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "close");
      if (counts[client]! < CALLS) starting(client);
    } else {
      await daemon.kill();
      daemon = await startDaemon(place.home, { listen: `127.0.0.1:${PORT}` });
    }
  }
  await expect.poll(() => Math.min(...counts), { timeout: 300_000, interval: 200 }).toBeGreaterThanOrEqual(CALLS);
  for (const child of callers.values()) child.kill("SIGKILL");
  expect(await driver.list()).toHaveLength(1);
  expect((await guestFiles()).length).toBe(1);
  expect(await daemon.stop()).toBe(0);
  await expect.poll(() => driver!.list(), { timeout: 20_000 }).toEqual([]);
  expect(await guestFiles()).toEqual([]);
  const ours = async (): Promise<string[]> =>
    (await run("ps", ["-eo", "pid,args"])).stdout.split("\n").filter((line) => line.includes(place.home));
  await expect.poll(ours, { timeout: 20_000 }).toEqual([]);
  daemon = await startDaemon(place.home, { listen: `127.0.0.1:${PORT}` });
  expect((await daemon.client.verifyAudit()).checks.filter(({ ok }) => !ok)).toEqual([]);
});

it("can be looked at, watched, stopped and removed from the command line", { timeout: 120_000 }, async (context) => {
  if (missing !== undefined) return skipWithout(context, "container engine", missing);
  const tell = async (...args: string[]) => {
    const result = await pratique([...args, "--json"], place);
    expect([args.join(" "), result.stderr, result.code]).toEqual([args.join(" "), expect.anything(), 0]);
    return result.json();
  };
  expect(await tell("server", "ls")).toMatchObject({ servers: [{ name: "harbour", added: true, learning: "off" }] });
  expect(await tell("catalog", "learn", "harbour")).toMatchObject({
    mode: "deny",
    hosts: [],
    proposal: expect.stringContaining("api.example.com:443: named so far, not tried"),
  });
  expect(await tell("server", "stop", "harbour")).toMatchObject({ state: "stopped", processes: [] });
  expect(await tell("server", "start", "harbour")).toMatchObject({ state: expect.not.stringMatching("stopped") });
  expect(await tell("server", "logs", "harbour")).toMatchObject({ name: "harbour" });
  const again = await pratique(["server", "add", "harbour", "voyage/harbour:1"], place);
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("server.exists")]);
  expect(await tell("server", "rm", "harbour")).toEqual({ name: "harbour" });
  expect(await tell("server", "ls")).toEqual({ servers: [] });
  await expect.poll(() => driver!.list(), { timeout: 20_000 }).toEqual([]);
});

/** Directories and sockets that belong to servers. */
async function guestFiles(): Promise<string[]> {
  return (await readdir(join(place.home, "run"))).filter((name) => /^guest-|^server-/.test(name));
}
