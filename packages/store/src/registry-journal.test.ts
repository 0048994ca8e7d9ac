import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openDatabase, type Database } from "./database.ts";
import type { NewRegistryEvent, NewTagMove } from "./registry-journal.ts";

let directory: string;
let database: Database;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-journal-"));
  database = await openDatabase({ file: join(directory, "db.sqlite") });
});
afterEach(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

const move = (change: string, tag: string, from: string | null, to: string | null): NewTagMove => ({
  change,
  repository: "a",
  tag,
  fromDigest: from,
  toDigest: to,
  time: "2026-01-01T00:00:00Z",
  principal: null,
  action: "artifact:push",
  act: `act-${change}`,
  record: null,
  isDone: 0,
});
const event = (id: string, change: string | null): NewRegistryEvent => ({
  id,
  change,
  type: "t",
  repository: "a",
  time: "2026-01-01T00:00:00Z",
  body: `{"id":"${id}"}`,
  isDone: change === null ? 1 : 0,
});

it("shows a move only once its change is done, and forgets one that was dropped", async () => {
  const { registry } = database;
  await registry.write({ moves: [move("1", "t", null, "x"), move("2", "t", "x", "y")] });
  expect(await registry.moves({ repository: "a" })).toEqual([]);
  await registry.write({ done: ["1"], dropped: ["2"], records: [{ act: "act-1", record: "r1" }] });
  expect(await registry.moves({ repository: "a", tag: "t" })).toMatchObject([{ toDigest: "x", record: "r1" }]);
  expect(await registry.undecidedMoves()).toEqual([]);
  expect(await registry.newestMoves("a")).toMatchObject([{ tag: "t", toDigest: "x" }]);
  expect(await registry.repositories()).toEqual(["a"]);
});

it("lets nobody who follows events pass one that is not decided", async () => {
  const { registry } = database;
  await registry.write({ events: [event("1", null), event("2", "c"), event("3", null)] });
  expect((await registry.events({ after: 0 })).map(({ id }) => id)).toEqual(["1"]);
  await registry.write({ done: ["c"] });
  expect((await registry.events({ after: 1 })).map(({ id }) => id)).toEqual(["2", "3"]);
  await registry.write({ events: [event("3", null)] });
  expect(await registry.highestEvent()).toBe(3);
});

it("keeps what a webhook is still to be told of, and trims the rest", async () => {
  const { registry } = database;
  const ids = ["1", "2", "3", "4", "5"];
  await registry.write({
    events: ids.map((id) => event(id, null)),
    deliveries: [{ webhook: "w", event: "1", dueAt: 10 }],
    moves: ids.map((id) => ({ ...move(id, "t", null, id), isDone: 1 as const })),
  });
  await registry.trim({ keepEvents: 2, keepMoves: 3, keepDeliveries: 10 });
  expect((await registry.events({})).map(({ id }) => id)).toEqual(["1", "4", "5"]);
  expect((await registry.moves({ repository: "a" })).map(({ toDigest }) => toDigest)).toEqual(["5", "4", "3"]);
  expect(await registry.due("w", { now: 9, limit: 10, notAfter: 1000 })).toEqual([]);
  const [row] = await registry.due("w", { now: 10, limit: 10, notAfter: 1000 });
  expect(row).toMatchObject({ event: "1", body: '{"id":"1"}', attempts: 0 });
  const { body: _, ...delivery } = row!;
  await registry.postpone({ ...delivery, attempts: 3, state: "dead", error: "no" });
  expect(await registry.deliveryCounts()).toEqual([{ webhook: "w", state: "dead", count: 1 }]);
  expect(await registry.revive(5)).toBe(1);
  expect(await registry.nextDue("w")).toBe(5);
  await registry.delivered("w", "1");
  expect(await registry.nextDue("w")).toBeUndefined();
  const deliveries = ["1", "4", "5"].flatMap((id) => [
    { webhook: "w", event: id, dueAt: 1 },
    { webhook: "gone", event: id, dueAt: 1 },
  ]);
  await registry.write({ deliveries });
  expect(await registry.forgetOthers(["w"])).toBe(3);
  expect(await registry.trim({ keepEvents: 10, keepMoves: 3, keepDeliveries: 2 })).toBe(1);
  expect((await registry.due("w", { now: 1, limit: 10, notAfter: 1000 })).map((one) => one.event)).toEqual(["4", "5"]);
});

it("remembers when a manifest was pushed and pulled", async () => {
  const { registry } = database;
  await registry.write({ pushed: [{ repository: "a", digest: "x", pushedAt: "1" }] });
  await registry.write({ pulled: [{ repository: "a", digest: "x", time: "2" }], state: { cursor: "7" } });
  await registry.write({ pushed: [{ repository: "a", digest: "x", pushedAt: "3" }] });
  expect(await registry.times("a")).toEqual([{ repository: "a", digest: "x", pushedAt: "1", pulledAt: "2" }]);
  expect(await registry.state("cursor")).toBe("7");
  await registry.write({ gone: [{ repository: "a", digest: "x" }] });
  expect(await registry.times("a")).toEqual([]);
});
