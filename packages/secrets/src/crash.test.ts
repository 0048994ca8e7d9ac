// `kill -9` at random points: what was acknowledged opens, and nothing is half there.
import { fork } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SecretsConfig } from "@pratique/contracts";
import { silentLog, systemClock } from "@pratique/core";
import { openDatabase } from "@pratique/store";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openSecrets } from "./open-secrets.ts";

/** More by hand: `PRATIQUE_KILLS=50`. */
const ROUNDS = Number(process.env["PRATIQUE_KILLS"] ?? 3);

let home = "";
beforeEach(async () => void (home = await mkdtemp(join(tmpdir(), "pratique-secrets-crash-"))));
afterEach(() => rm(home, { recursive: true, force: true }));

interface Told {
  readonly type: "opened" | "set" | "rotating" | "rotated";
  readonly name?: string;
  readonly version?: number;
  readonly value?: string;
}

/** Starts the process, kills it a moment after its `after`th message, and returns what it told. */
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
    child.send(home);
  });
}

it("keeps every secret that was acknowledged, and every key that one lies under", async () => {
  const known = new Map<string, { version: number; value: string }>();
  for (let round = 0; round < ROUNDS; round += 1) {
    // The first dies while the ring of keys is made.
    const told = await killedRun(round === 0 ? 0 : Math.floor(Math.random() * 20) + 1);
    for (const { type, name = "", version = 0, value = "" } of told)
      if (type === "set") known.set(name, { version, value });
    const database = await openDatabase({ file: join(home, "pratique.db") });
    const options = { home, table: database.secrets, clock: systemClock, log: silentLog };
    const secrets = await openSecrets({ ...options, config: SecretsConfig.parse({ keys: { type: "file" } }) });
    for (const [name, { version, value }] of known) {
      const opened = await secrets.open({ owner: "", name });
      // One that was set and not acknowledged may be there.
      expect(opened?.entry.version).toBeGreaterThanOrEqual(version);
      const same = opened?.entry.version === version ? opened.secret.reveal() : value;
      expect(same).toBe(value);
    }
    for (const { owner, name } of await secrets.list()) expect(await secrets.open({ owner, name })).toBeDefined();
    expect(await secrets.rotate()).toMatchObject({ left: 0 });
    expect((await readdir(join(home, "keys"))).filter((name) => name.endsWith(".partial"))).toEqual([]);
    await database.close();
  }
});
