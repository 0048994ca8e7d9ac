// Imports in a thread, beside a database that is open for reading.
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { component, openWorkbench, record, type Workbench } from "../database/workbench.fixture.ts";
import { importInThread } from "./import-thread.ts";

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench.close());

const NEVER = new AbortController().signal;
const task = (path: string) => ({
  file: bench.database.file,
  now: bench.clock.now().toISOString(),
  what: { type: "path" as const, path, options: {} },
});

it("are seen by the reader once they are whole", async () => {
  await bench.file("dump/1.json", record("A-1", "npm", "a", "2.0.0"));
  expect(await importInThread(task(join(bench.directory, "dump")), NEVER)).toMatchObject({ read: 1, changed: 1 });
  bench.database.refresh();
  expect(bench.database.version).toMatch(/^1-/);
  expect(bench.database.match([component("npm", "a", "1.0.0")])).toHaveLength(1);
});

it("fail with the code and the hint that they would have here", async () => {
  const path = await bench.file("text", "hello");
  await expect(importInThread(task(path), NEVER)).rejects.toMatchObject({
    code: "vulnerabilities.unknown-format",
    status: 400,
    hint: expect.stringContaining("--format"),
  });
});

it("leave nothing when they are given up", async () => {
  const records = Array.from({ length: 300 }, (_, at) => record(`A-${at}`, "npm", `a-${at}`, "2.0.0"));
  for (const [at, one] of records.entries()) await bench.file(`dump/${at}.json`, one);
  const giveUp = new AbortController();
  const running = importInThread(task(join(bench.directory, "dump")), giveUp.signal);
  giveUp.abort(new Error("given up"));
  await expect(running).rejects.toThrow("given up");
  bench.database.refresh();
  expect(bench.database.version).toBe("none");
  await bench.records(records.slice(0, 3));
  expect(bench.database.match([component("npm", "a-1", "1.0.0")])).toHaveLength(1);
});
