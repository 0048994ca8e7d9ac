// `kill -9` in the middle of imports: the database is as it was before, or as it is after, and nothing between.
import { fork } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "@pratique/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openAdvisoryDatabase } from "./advisory-database.ts";
import { component, record } from "./workbench.fixture.ts";

const ROUNDS = 3;
const RECORDS = 150;

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pratique-crash-"));
  // Each dump has packages of its own: half an import would show both, or too few.
  for (const name of ["even", "odd"]) {
    await mkdir(join(root, name));
    for (let at = 0; at < RECORDS; at += 1) {
      const text = JSON.stringify(record(`${name.toUpperCase()}-${at}`, "npm", `${name}-${at}`, "2.0.0"));
      await writeFile(join(root, name, `${at}.json`), text);
    }
  }
});
afterEach(() => rm(root, { recursive: true, force: true }));

interface Told {
  readonly type: "importing" | "imported";
  readonly version: string;
}

/** Kills the process some time after its `after`th message; returns the last version that it called done. */
function killedRun(after: number, delayMs: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(new URL("crash.fixture.ts", import.meta.url)), {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      execArgv: [],
    });
    let done: string | undefined;
    let messages = 0;
    child.on("message", (message: Told) => {
      if (message.type === "imported") done = message.version;
      if (messages === after) setTimeout(() => child.kill("SIGKILL"), delayMs);
      messages += 1;
    });
    child.on("error", reject);
    child.on("close", (code, signal) =>
      signal === "SIGKILL" ? resolve(done) : reject(new Error(`it ended by itself: ${code}`)),
    );
    child.send(root);
  });
}

it("keeps imports whole through kills", async () => {
  let least = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const done = await killedRun(round * 2, round * 9);
    const database = await openAdvisoryDatabase(join(root, "advisories.db"), { clock: systemClock });
    try {
      const found = (name: string) =>
        database.match(Array.from({ length: RECORDS }, (_, at) => component("npm", `${name}-${at}`, "1.0.0"))).length;
      expect([
        [0, 0],
        [RECORDS, 0],
        [0, RECORDS],
      ]).toContainEqual([found("even"), found("odd")]);
      const sequence = database.version === "none" ? 0 : Number(database.version.split("-")[0]);
      least = Math.max(least, Number(done?.split("-")[0] ?? 0));
      expect(sequence).toBeGreaterThanOrEqual(least);
      least = sequence;
    } finally {
      await database.close();
    }
  }
});
