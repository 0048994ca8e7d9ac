// `kill -9` at random points: nothing acknowledged is lost, and the log verifies each time.
import { fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { manualClock, silentLog } from "@pratique/core";
import { openDatabase } from "@pratique/store";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openAuditLog } from "./audit-log.ts";
import { openLogKey } from "./log-key.ts";
import { verifyLogDirectory } from "./verify.ts";

/** 50 and more by hand: `FAULT_KILLS=50`. */
const ROUNDS = Number(process.env["FAULT_KILLS"] ?? 15);

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pratique-crash-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

interface Acknowledged {
  readonly id: string;
  readonly sequence: number;
}

/** Starts the process, kills it at its `after`th message, and returns what it acknowledged. */
function killedRun(
  after: number,
): Promise<{ acknowledged: Acknowledged[]; vkey: string | undefined; size: number | undefined }> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL("crash.fixture.ts", import.meta.url)), {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      execArgv: [],
    });
    const acknowledged: Acknowledged[] = [];
    let vkey: string | undefined;
    let size: number | undefined;
    let messages = 0;
    child.on("message", (message: { type: string; vkey: string; size: number } & Acknowledged) => {
      if (message.type === "acknowledged") acknowledged.push({ id: message.id, sequence: message.sequence });
      if (message.type === "opened") ({ vkey, size } = message);
      if (messages === after) child.kill("SIGKILL");
      messages += 1;
    });
    child.on("error", reject);
    child.on("close", (code, signal) =>
      signal === "SIGKILL" ? resolve({ acknowledged, vkey, size }) : reject(new Error(`it ended by itself: ${code}`)),
    );
    child.send(root);
  });
}

it("keeps every acknowledged record through fifty kills", async () => {
  const all: Acknowledged[] = [];
  let vkey: string | undefined;
  for (let round = 0; round < ROUNDS; round += 1) {
    const run = await killedRun(round % 7 === 0 ? round % 2 : Math.floor(Math.random() * 120));
    expect(run.size ?? Number.POSITIVE_INFINITY).toBeGreaterThan(all.at(-1)?.sequence ?? -1);
    all.push(...run.acknowledged);
    vkey ??= run.vkey;
    if (vkey === undefined) continue;
    const report = await verifyLogDirectory({ directory: join(root, "log"), vkey });
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.records).toBeGreaterThan(all.at(-1)?.sequence ?? -1);
  }
  const database = await openDatabase({ file: join(root, "db.sqlite") });
  const key = await openLogKey(join(root, "log.pem"), "pratique.local/log");
  const log = await openAuditLog({ directory: join(root, "log"), key, database, clock: manualClock(), log: silentLog });
  for (const { id, sequence } of all) expect((await log.get(id))?.sequence).toBe(sequence);
  expect((await log.verify()).checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(new Set(all.map(({ sequence }) => sequence)).size).toBe(all.length);
  await log.close();
  await database.close();
}, 600_000);
