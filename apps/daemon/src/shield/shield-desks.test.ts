// What people let through: kept over a restart, recorded first, and never by an agent.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DriftConfig, type AuditRecord, type UserPrincipal, type WorkloadPrincipal } from "@pratique/contracts";
import { manualClock, silentLog } from "@pratique/core";
import { createGuard } from "@pratique/guard";
import { loadPolicySet, type PolicySet } from "@pratique/policy";
import { openDatabase, type Database } from "@pratique/store";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { installationDirectory } from "../installation.ts";
import { AllowanceDesk } from "./allowance-desk.ts";
import { DriftDesk } from "./drift-desk.ts";

const owner: UserPrincipal = { type: "User", id: "owner", name: "Owner", groups: ["owner"] };
const agent: WorkloadPrincipal = {
  type: "Workload",
  id: "spiffe://pratique.local/run/r1/agent/root",
  groups: [],
  actingFor: owner,
  run: "r1",
};
const FINGERPRINT = "github-token:0123456789ab";

let policies: PolicySet;
beforeAll(async () => {
  const directory = join(installationDirectory(), "policies");
  const names = (await readdir(directory)).filter((name) => name.endsWith(".cedar"));
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
  const schema = await readFile(join(directory, "pratique.cedarschema"), "utf8");
  policies = loadPolicySet({ schema, files: Object.fromEntries(names.map((name, at) => [name, texts[at]!])) });
});

let directory: string;
let database: Database;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "shield-"));
  database = await openDatabase({ file: join(directory, "db") });
});
afterEach(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

async function bench(isFull: () => boolean = () => false) {
  const clock = manualClock();
  const records: AuditRecord[] = [];
  let changes = 0;
  const guard = createGuard({
    policy: () => policies,
    clock,
    log: silentLog,
    audit: {
      append: async (body) => {
        if (isFull()) throw new Error("the disk is full");
        const record = { ...body, version: 1 as const, id: `rec${records.length}`, sequence: records.length, time: "" };
        records.push(record);
        return record;
      },
    },
  });
  const onChange = (): void => void changes++;
  const allowances = await AllowanceDesk.open({ table: database.secretAllowances, guard, clock, onChange });
  const drift = await DriftDesk.open({
    config: DriftConfig.parse({}),
    table: database.serverPins,
    guard,
    owner,
    clock,
    log: silentLog,
    onChange,
  });
  const hear = (description: string): string[] => [
    ...drift.drift
      .held(
        { name: "said", isolated: true, cleared: true, verdicts: {}, transport: { type: "http", url: "http://x/" } },
        { era: "modern", protocolVersion: "", capabilities: {}, info: {} },
        [{ name: "say", description }],
      )
      .keys(),
  ];
  const digest = (): string => drift.drift.review("said").digest ?? "";
  return { allowances, drift, records, hear, digest, changes: () => changes };
}

it("lets a fingerprint through, after a restart too, until it is taken back", async () => {
  const first = await bench();
  await first.allowances.allow(owner, FINGERPRINT, "a sample");
  expect(first.allowances.has(FINGERPRINT)).toBe(true);
  expect(first.changes()).toBe(1);
  const second = await bench();
  expect(second.allowances.has(FINGERPRINT)).toBe(true);
  expect(await second.allowances.list(owner)).toMatchObject([{ fingerprint: FINGERPRINT, by: "Owner" }]);
  await second.allowances.forget(owner, FINGERPRINT);
  expect((await bench()).allowances.has(FINGERPRINT)).toBe(false);
  await expect(second.allowances.forget(owner, FINGERPRINT)).rejects.toMatchObject({
    code: "secret-guard.not-allowed",
  });
});

it("keeps how a server was first seen, and what was approved of it", async () => {
  const first = await bench();
  expect(first.hear("Says it.")).toEqual([]);
  await first.drift.close();
  const second = await bench();
  expect(second.hear("Says something else.")).toEqual(["say"]);
  await second.drift.approve(owner, "said", second.digest());
  expect(second.hear("Says something else.")).toEqual([]);
  await second.drift.close();
  const third = await bench();
  expect(third.hear("Says something else.")).toEqual([]);
  expect(third.hear("Says it.")).toEqual(["say"]);
  await third.drift.close();
  const events = [...first.records, ...second.records, ...third.records].map(({ details }) => details);
  expect(events.filter((details) => details?.["what"] === "drift").map((details) => details?.["event"])).toEqual([
    "pinned",
    "held",
    "held",
  ]);
});

it("lets no agent approve anything", async () => {
  const { allowances, drift, hear, digest } = await bench();
  hear("Says it.");
  await expect(allowances.allow(agent, FINGERPRINT, "")).rejects.toMatchObject({ code: "policy.denied" });
  await expect(drift.approve(agent, "said", digest())).rejects.toMatchObject({ code: "policy.denied" });
  await expect(drift.reviews(agent)).rejects.toMatchObject({ code: "policy.denied" });
});

it("counts nothing as approved that could not be recorded", async () => {
  let isFull = false;
  const { allowances, drift, hear, digest } = await bench(() => isFull);
  hear("Says it.");
  await drift.close();
  hear("Says something else.");
  await drift.close();
  isFull = true;
  await expect(drift.approve(owner, "said", digest())).rejects.toMatchObject({ code: "guard.record-failed" });
  await expect(allowances.allow(owner, FINGERPRINT, "")).rejects.toMatchObject({ code: "guard.record-failed" });
  expect(hear("Says something else.")).toEqual(["say"]);
  expect(allowances.has(FINGERPRINT)).toBe(false);
  expect((await bench()).allowances.has(FINGERPRINT)).toBe(false);
});

it("holds a server whose approval cannot be read any more", async () => {
  await database.serverPins.put({ key: "said", body: "{", pinnedAt: "" });
  const { hear } = await bench();
  expect(hear("Says it.")).toEqual(["say"]);
});
