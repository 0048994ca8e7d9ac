// Counts of a day, and profiles.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openDatabase, type Database } from "./database.ts";

let directory: string;
let database: Database;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gateway-table-"));
  database = await openDatabase({ file: join(directory, "x.db") });
});
afterEach(async () => {
  await database.close();
  await rm(directory, { recursive: true });
});

it("gives no more of a quota than there is in a day, whoever asks at once, and remembers it", async () => {
  const take = () => database.quotas.take("q", "2026-01-01", 4, 10);
  const taken = await Promise.all([take(), take(), take(), take()]);
  expect(taken.reduce((sum, one) => sum + one)).toBe(10);
  await database.close();
  database = await openDatabase({ file: join(directory, "x.db") });
  expect(await take()).toBe(0);
  expect(await database.quotas.take("q", "2026-01-02", 4, 10)).toBe(4);
  await database.quotas.forgetBefore("2026-01-02");
  expect(await take()).toBe(4);
});

it("keeps the latest of each profile", async () => {
  const row = { name: "p", body: "{}", changedBy: "o", changedAt: "t" };
  await database.profiles.put(row);
  await database.profiles.put({ ...row, body: null });
  expect(await database.profiles.list()).toEqual([{ ...row, body: null }]);
  expect(await database.profiles.remove("p")).toBe(true);
  expect(await database.profiles.remove("p")).toBe(false);
});
