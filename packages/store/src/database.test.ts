// The database against a real SQLite file.
import { mkdtemp, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Kysely, sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDatabase, type Database } from "./database.ts";
import { openSqlite } from "./sqlite.ts";
import type { RecordRow, RunRow } from "./tables.ts";

let directory = "";
let file = "";
let open: Database | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-store-"));
  file = join(directory, "home/pratique.sqlite");
});
afterEach(async () => {
  await open?.close();
  open = undefined;
  await rm(directory, { recursive: true, force: true });
});

async function opened(): Promise<Database> {
  await open?.close();
  open = await openDatabase({ file });
  return open;
}

function record(sequence: number, change: Partial<RecordRow> = {}): RecordRow {
  return {
    sequence,
    id: `id-${sequence}`,
    time: `2026-01-01T00:00:${String(sequence % 60).padStart(2, "0")}Z`,
    principal: sequence % 2 === 0 ? "user:owner" : "spiffe://pratique.local/run/1",
    actingFor: null,
    action: "tool:call",
    resourceType: "Tool",
    resourceId: `tool-${sequence % 3}`,
    digest: null,
    run: sequence % 2 === 0 ? null : "run-1",
    decision: sequence % 5 === 0 ? "deny" : "allow",
    outcome: "done",
    body: "{}",
    ...change,
  };
}

const RUN: RunRow = {
  id: "run-1",
  agent: "voyage/agent",
  agentDigest: null,
  model: null,
  principal: "user:owner",
  status: "running",
  startedAt: "2026-01-01T00:00:00Z",
  endedAt: null,
  body: "{}",
};

describe("openDatabase", () => {
  it("makes a private file and keeps what was written across opens", async () => {
    await (await opened()).servers.upsert({ name: "a", reference: null, digest: null, spec: "{}", addedAt: "t" });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(directory, "home"))).mode & 0o777).toBe(0o700);
    expect(await (await opened()).servers.list()).toHaveLength(1);
  });

  it("refuses a second opener while the first lives", async () => {
    await opened();
    const second = new DatabaseSync(file);
    expect(() => second.exec("SELECT * FROM runs")).toThrow(/locked/);
    second.close();
  });

  it("refuses a database from a newer version", async () => {
    await (await opened()).close();
    open = undefined;
    const raw = new DatabaseSync(file);
    raw.exec("INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-future', 't')");
    raw.close();
    await expect(openDatabase({ file })).rejects.toMatchObject({ code: "store.newer" });
  });

  it("refuses a file that is no database", async () => {
    file = join(directory, "x.sqlite");
    await writeFile(file, "this is not a database, but it is long enough to look at".repeat(100));
    await expect(openDatabase({ file })).rejects.toMatchObject({ code: "store.corrupt" });
  });

  it("refuses a database that was cut short", async () => {
    const database = await opened();
    await database.records.insertAll(Array.from({ length: 500 }, (_, at) => record(at)));
    await database.close();
    open = undefined;
    await truncate(file, 4096);
    await expect(openDatabase({ file })).rejects.toMatchObject({ code: "store.corrupt" });
  });

  it("refuses a place where no directory can be", async () => {
    await writeFile(join(directory, "home"), "a file");
    await expect(openDatabase({ file })).rejects.toMatchObject({ code: "store.not-writable" });
    await expect(openDatabase({ file: directory })).rejects.toMatchObject({ code: "store.not-writable" });
  });

  it("says that PostgreSQL is not there yet", async () => {
    await expect(openDatabase({ url: "postgres://x" })).rejects.toMatchObject({ code: "store.unsupported-url" });
  });

  it("says that the disk is full, undoes what was begun, and goes on", async () => {
    const { dialect, close } = openSqlite(join(directory, "small.sqlite"));
    const db = new Kysely<{ t: { x: string } }>({ dialect });
    await sql`CREATE TABLE t (x TEXT)`.execute(db);
    await sql`PRAGMA max_page_count = 4`.execute(db);
    const fill = db.transaction().execute(async (transaction) => {
      for (;;)
        await transaction
          .insertInto("t")
          .values({ x: "x".repeat(2000) })
          .execute();
    });
    await expect(fill).rejects.toMatchObject({ code: "store.full", status: 507 });
    await db.insertInto("t").values({ x: "small" }).execute();
    expect(await db.selectFrom("t").selectAll().execute()).toEqual([{ x: "small" }]);
    close();
  });
});

describe("records", () => {
  it("inserts idempotently by sequence, in any number", async () => {
    const { records } = await opened();
    expect(await records.highest()).toBe(-1);
    const rows = Array.from({ length: 300 }, (_, at) => record(at));
    await records.insertAll(rows);
    await records.insertAll(rows.slice(100));
    await records.insertAll([]);
    expect(await records.highest()).toBe(299);
    expect(await records.find({ limit: 1000 })).toHaveLength(300);
  });

  it("inserts all rows or none", async () => {
    const { records } = await opened();
    const rows = [record(0), record(1, { id: "id-0" })];
    await expect(records.insertAll(rows)).rejects.toMatchObject({ code: "store.conflict" });
    expect(await records.highest()).toBe(-1);
  });

  it("finds by every condition, newest first, in pages", async () => {
    const { records } = await opened();
    await records.insertAll(
      Array.from({ length: 60 }, (_, at) => record(at, { digest: at === 7 ? "sha256:7" : null })),
    );
    const sequences = async (query: Parameters<typeof records.find>[0]) =>
      (await records.find(query)).map(({ sequence }) => sequence);
    expect(await sequences({ limit: 3 })).toEqual([59, 58, 57]);
    expect(await sequences({ limit: 3, before: 57 })).toEqual([56, 55, 54]);
    expect(await sequences({ limit: 2, order: "oldest" })).toEqual([0, 1]);
    expect(await sequences({ limit: 2, order: "oldest", after: 9 })).toEqual([10, 11]);
    expect(await sequences({ run: "run-1", decision: "deny", limit: 2 })).toEqual([55, 45]);
    expect(await sequences({ digest: "sha256:7" })).toEqual([7]);
    expect(await sequences({ resourceId: "tool-1", since: "2026-01-01T00:00:55Z" })).toEqual([58, 55]);
    expect(await sequences({ principal: "nobody" })).toEqual([]);
    expect((await records.get("id-7"))?.sequence).toBe(7);
    expect(await records.get("x' OR 1=1 --")).toBeUndefined();
  });

  it("removes from a sequence on", async () => {
    const { records } = await opened();
    await records.insertAll([record(0), record(1), record(2)]);
    await records.removeFrom(1);
    expect(await records.highest()).toBe(0);
  });
});

describe("runs", () => {
  it("marks as interrupted only what still runs", async () => {
    const { runs } = await opened();
    await runs.insert(RUN);
    await runs.insert({ ...RUN, id: "run-2", startedAt: "2026-01-02T00:00:00Z" });
    await runs.update("run-2", { status: "completed", endedAt: "t", model: "m" });
    expect(await runs.markInterrupted("now")).toBe(1);
    expect((await runs.list()).map(({ id, status }) => [id, status])).toEqual([
      ["run-2", "completed"],
      ["run-1", "interrupted"],
    ]);
    expect(await runs.list(1)).toHaveLength(1);
  });

  it("refuses a second run of the same id, and a change to none", async () => {
    const { runs } = await opened();
    await runs.insert(RUN);
    await expect(runs.insert(RUN)).rejects.toMatchObject({ code: "store.conflict" });
    await expect(runs.update("none", { status: "failed" })).rejects.toMatchObject({ code: "store.missing" });
    expect(await runs.get("none")).toBeUndefined();
  });
});

it("replaces and removes servers", async () => {
  const { servers } = await opened();
  const row = { name: "b", reference: null, digest: null, spec: "{}", addedAt: "t" };
  await servers.upsert(row);
  await servers.upsert({ ...row, name: "a" });
  await servers.upsert({ ...row, spec: '{"url":"x"}' });
  expect((await servers.list()).map(({ name }) => name)).toEqual(["a", "b"]);
  expect((await servers.get("b"))?.spec).toBe('{"url":"x"}');
  expect([await servers.remove("b"), await servers.remove("b")]).toEqual([true, false]);
});
