// The inventory through kill -9: what was acknowledged is there, what was not is there whole or not at all.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { systemClock, uuidv7 } from "@pratique/core";
import { openDatabase } from "@pratique/store";
import { Inventory, openAdvisoryDatabase, storedFindingOf } from "@pratique/vulnerabilities";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ROOT } from "../support/program.ts";

const KILLS = Number(process.env["FAULT_KILLS"] ?? 3);
let directory: string;
const kept = new Set<string>();
const told = new Set<string>();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-inventory-kill-"));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** Lets it work, and kills it after so many lines, in the middle of what comes then. */
async function workUntilKilled(round: number, lines: number): Promise<void> {
  const child = spawn(process.execPath, [join(ROOT, "test/fakes/inventory-writer.ts"), directory, String(round)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((done) => child.on("close", done));
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, name = ""] = line.split(" ");
    if (word === "kept") kept.add(name);
    if (word === "gone") kept.delete(name);
    if (word === "told") told.add(name);
    if ((seen += 1) === lines) setTimeout(() => child.kill("SIGKILL"), Math.random() * 20);
  }
  await ended;
}

it(`keeps what it acknowledged through ${KILLS} kills, and leaves nothing half there`, async () => {
  for (let round = 0; round < KILLS; round += 1) {
    await workUntilKilled(round, 8 + Math.floor(Math.random() * 20));
    const store = await openDatabase({ file: join(directory, "p.db") });
    const advisories = await openAdvisoryDatabase(join(directory, "a.db"), { clock: systemClock });
    const ids = (): string => uuidv7(systemClock);
    const inventory = new Inventory({ table: store.inventory, advisories: () => advisories, clock: systemClock, ids });
    const { table } = inventory;
    const rows = await table.artifactsIn("team/app");
    const there = new Set(rows.map(({ digest }) => digest));
    const missing = [...kept].filter((digest) => !there.has(digest));
    // The last removal may have happened and not been told of.
    expect(missing.length).toBeLessThanOrEqual(1);
    for (const digest of missing) kept.delete(digest);
    // So may the last one that came.
    expect([...there].filter((digest) => !kept.has(digest)).length).toBeLessThanOrEqual(1);
    for (const digest of there) kept.add(digest);
    const untold = new Set((await inventory.untold()).map(({ id }) => id));
    expect([...told].filter((id) => !untold.has(id))).toEqual([]);

    await inventory.reevaluate();
    const names = new Set<string>();
    for (const { digest } of rows) {
      const [list] = await inventory.listings("team/app", digest);
      expect(list?.listing.components).toHaveLength(30);
      for (const { name } of list?.listing.components ?? []) names.add(name);
    }
    const packages = await table.packages(0, 1000);
    expect(packages.map(({ name }) => name).toSorted()).toEqual([...names].toSorted());
    for (const { id, name } of packages) {
      const known = (await table.findingsOf([id])).map((row) => storedFindingOf(row).id).toSorted();
      const component = {
        type: "npm",
        name,
        version: "1.0.0",
        purl: `pkg:npm/${name}@1.0.0`,
        licences: [],
        locations: [],
      };
      expect(known).toEqual(
        advisories
          .match([component])
          .map((finding) => finding.id)
          .toSorted(),
      );
      expect((await table.usesOf([id])).length).toBeGreaterThan(0);
    }
    await store.close();
    await advisories.close();
  }
  expect(kept.size).toBeGreaterThan(0);
});
