// `kill -9` at random points: every entry that was acknowledged is in the log, and the trusted root stays what it was.
import { fork } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openCheckpoint, parseVkey } from "@pratique/audit";
import { silentLog, systemClock } from "@pratique/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { testGuard } from "./sigstore.fixture.ts";
import { Sigstore } from "./sigstore.ts";

const ROUNDS = Number(process.env["PRATIQUE_KILLS"] ?? 3);

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-sigstore-crash-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

interface Told {
  readonly type: "opening" | "opened" | "acknowledged";
  readonly root: string;
  readonly logIndex: string;
  readonly body: string;
  readonly serial: string;
}

/** Starts the process, kills it at its `after`th message, and returns what it told. */
function killedRun(after: number): Promise<Told[]> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL("crash.fixture.ts", import.meta.url)), {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      execArgv: [],
    });
    const told: Told[] = [];
    child.on("message", (message: Told) => {
      told.push(message);
      if (told.length > after) child.kill("SIGKILL");
    });
    child.on("error", reject);
    child.on("close", (code, signal) =>
      signal === "SIGKILL" ? resolve(told) : reject(new Error(`it ended by itself: ${code}`)),
    );
    child.send(directory);
  });
}

it("keeps every certificate and every entry that was acknowledged", async () => {
  const acknowledged: Told[] = [];
  const roots = new Set<string>();
  for (let round = 0; round < ROUNDS; round += 1) {
    // The first die while keys and certificates are made.
    const told = await killedRun(round < 2 ? round : Math.floor(Math.random() * 40) + 2);
    acknowledged.push(...told.filter(({ type }) => type === "acknowledged"));
    for (const { type, root } of told) if (type === "opened") roots.add(root);
  }
  const sigstore = await Sigstore.open({
    directory,
    name: "crash.test",
    issuers: [],
    url: "http://localhost",
    guard: await testGuard([]),
    clock: systemClock,
    log: silentLog,
  });
  expect([...roots]).toEqual([sigstore.trustedRoot.digest]);
  expect(acknowledged.length).toBeGreaterThan(0);
  const logged = await entriesOf(sigstore, "rekor");
  for (const { logIndex, body } of acknowledged) expect(logged[Number(logIndex)]?.toString("base64")).toBe(body);
  const certificates = Buffer.concat(await entriesOf(sigstore, "ct"));
  for (const { serial } of acknowledged) expect(certificates.includes(Buffer.from(serial, "hex"))).toBe(true);
  expect((await readdir(directory, { recursive: true })).filter((name) => name.endsWith(".partial"))).toEqual([]);
  await sigstore.close();
}, 600_000);

/** Every entry under the published checkpoint, as anybody would read them. */
async function entriesOf(sigstore: Sigstore, log: "rekor" | "ct"): Promise<Buffer[]> {
  const note = Buffer.from((await sigstore.tile(log, "checkpoint"))!).toString();
  const size = log === "rekor" ? openCheckpoint(note, parseVkey(sigstore.logs.vkey)).size : sigstore.logs.certificates;
  const entries: Buffer[] = [];
  for (let index = 0; entries.length < size; index += 1) {
    const width = Math.min(256, size - entries.length);
    const path = `tile/entries/${String(index).padStart(3, "0")}${width === 256 ? "" : `.p/${width}`}`;
    const bundle = Buffer.from((await sigstore.tile(log, path))!);
    for (let at = 0; at < bundle.length; at += 2 + bundle.readUInt16BE(at)) {
      entries.push(bundle.subarray(at + 2, at + 2 + bundle.readUInt16BE(at)));
    }
  }
  return entries;
}
