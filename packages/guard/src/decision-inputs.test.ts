// What policy was asked, kept in a real database.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf, manualClock, silentLog } from "@pratique/core";
import type { PolicyRequest } from "@pratique/policy";
import { openDatabase, type Database } from "@pratique/store";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DecisionInputs } from "./decision-inputs.ts";

let directory: string;
let database: Database;
const clock = manualClock("2026-11-01T00:00:00Z");
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-inputs-"));
  database = await openDatabase({ file: join(directory, "db") });
});
afterEach(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

const open = (limit?: number): DecisionInputs =>
  new DecisionInputs({
    table: database.decisionInputs,
    clock,
    log: silentLog,
    ...(limit === undefined ? {} : { limit }),
  });
const request = (tool: string, context: PolicyRequest["context"] = {}): PolicyRequest => ({
  principal: { type: "User", id: "u", attributes: { name: "Ada", owner: true } },
  action: "tool:call",
  resource: { type: "Tool", id: tool, attributes: { name: tool } },
  context,
});
const kept = async (digest: string | undefined) => (await database.decisionInputs.find([digest ?? ""]))[0];

it("names equal questions alike, whatever the arguments, and keeps each once", async () => {
  const inputs = open();
  const first = inputs.keep(request("a", { argumentsDigest: "sha256:1", client: "x" }));
  expect(inputs.keep(request("a", { argumentsDigest: "sha256:2", client: "x" }))).toBe(first);
  expect(inputs.keep(request("b"))).not.toBe(first);
  await inputs.flush();
  const row = await kept(first);
  expect(digestOf(row?.body ?? "")).toBe(first);
  expect(JSON.parse(row?.body ?? "")).toEqual(request("a", { client: "x" }));
});

it("keeps no secret", async () => {
  const inputs = open();
  const token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
  const digest = inputs.keep(request(`call ${token}`));
  await inputs.flush();
  expect((await kept(digest))?.body).not.toContain(token);
});

it("keeps nothing that is too large, and says so", () => {
  expect(open().keep(request("x".repeat(40_000)))).toBeUndefined();
});

it("keeps no more than it may, the newest", async () => {
  const inputs = open(100);
  const digests: (string | undefined)[] = [];
  for (let n = 0; n < 1200; n += 1) {
    clock.advance(1);
    digests.push(inputs.keep(request(`tool ${n}`)));
    if (n % 100 === 99) await inputs.flush();
  }
  await inputs.close();
  const rows = await database.decisionInputs.find(digests.flatMap((digest) => digest ?? []));
  expect(rows.length).toBeLessThanOrEqual(300);
  expect(await kept(digests.at(-1))).toBeDefined();
  expect(await kept(digests[0])).toBeUndefined();
});

it("lets nothing fail when it cannot be written", async () => {
  const inputs = open();
  await database.close();
  expect(inputs.keep(request("a"))).toMatch(/^sha256:/);
  await inputs.close();
  database = await openDatabase({ file: join(directory, "db") });
});
