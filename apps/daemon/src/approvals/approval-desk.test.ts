// Approvals over a real database, a real guard and the default policies; time and timers belong to the test.
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApprovalsConfig, type AuditRecord, type UserPrincipal, type WorkloadPrincipal } from "@pratique/contracts";
import { digestOf, manualClock, silentLog, uuidv7, type ManualClock } from "@pratique/core";
import { createGuard, type Act, type Guard, type Waiting } from "@pratique/guard";
import { loadPolicySet, type PolicySet } from "@pratique/policy";
import { openDatabase, type Database } from "@pratique/store";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { installationDirectory } from "../installation.ts";
import { ApprovalDesk } from "./approval-desk.ts";

const owner: UserPrincipal = { type: "User", id: "owner", name: "Owner", groups: ["owner"] };
const stranger: UserPrincipal = { type: "User", id: "stranger", name: "Stranger", groups: [] };
const agent: WorkloadPrincipal = {
  type: "Workload",
  id: "spiffe://pratique.local/run/r1/agent/root",
  groups: [],
  actingFor: owner,
  run: "r1",
};

let policies: PolicySet;
let ownPolicies: PolicySet;
beforeAll(async () => {
  const directory = join(installationDirectory(), "policies");
  const names = (await readdir(directory)).filter((name) => name.endsWith(".cedar"));
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
  const files = Object.fromEntries(names.map((name, index) => [name, texts[index]!]));
  const schema = await readFile(join(directory, "pratique.cedarschema"), "utf8");
  policies = loadPolicySet({ schema, files });
  // People need approval as well, so that their own clients can be asked.
  const careful = `@id("careful") @reason("Careful.") @remedy("ask")
    forbid (principal is Pratique::User, action == Pratique::Action::"tool:call", resource)
    unless { context has approved && context.approved };`;
  ownPolicies = loadPolicySet({ schema, files: { ...files, "careful.cedar": careful } });
});

interface Bench {
  readonly desk: ApprovalDesk;
  readonly guard: Guard;
  readonly clock: ManualClock;
  readonly records: AuditRecord[];
  readonly timers: { task: () => void; afterMs: number }[];
}

let directory: string;
let database: Database;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "approvals-"));
  database = await openDatabase({ file: join(directory, "db") });
});
afterEach(async () => {
  await database.close();
  await rm(directory, { recursive: true, force: true });
});

async function bench(config: Partial<ApprovalsConfig> = {}, set = policies): Promise<Bench> {
  const clock = manualClock();
  const records: AuditRecord[] = [];
  const timers: Bench["timers"] = [];
  const desk = await ApprovalDesk.open({
    table: database.approvals,
    config: ApprovalsConfig.parse(config),
    clock,
    log: silentLog,
    ids: () => uuidv7(clock),
    later: (task, afterMs) => {
      const timer = { task, afterMs };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  });
  const guard = createGuard({
    policy: () => set,
    clock,
    log: silentLog,
    approver: desk,
    audit: {
      append: async (body) => {
        const record = { ...body, version: 1 as const, id: `rec${records.length}`, sequence: records.length, time: "" };
        records.push(record);
        return record;
      },
    },
  });
  desk.begin(guard);
  return { desk, guard, clock, records, timers };
}

const writeNote = (text: string, principal: Act["principal"] = agent): Act => ({
  principal,
  action: "tool:call",
  resource: {
    type: "Tool",
    id: "notes/write_note",
    attributes: {
      name: "write_note",
      server: "notes",
      claimsReadOnly: false,
      claimsDestructive: true,
      claimsOpenWorld: true,
      readOnly: false,
      cleared: true,
      isolated: true,
    },
  },
  context: { argumentsDigest: digestOf(text) },
});

const waiter = (more: Partial<Waiting> = {}): Waiting & { leave(): void } => {
  const gone = new AbortController();
  return { signal: gone.signal, leave: () => gone.abort(), ...more };
};

/** Reads what the desk tells until it is so. */
async function until(
  stream: AsyncIterable<readonly { id: string; isWaiting: boolean }[]>,
  isSo: (list: readonly { id: string; isWaiting: boolean }[]) => boolean,
): Promise<readonly { id: string; isWaiting: boolean }[]> {
  for await (const list of stream) if (isSo(list)) return list;
  throw new Error("the desk tells no more");
}

const yes = { answer: "approve", rememberSeconds: 0 } as const;

describe("a call that nobody waits with", () => {
  it("is denied at once, and an approval lets exactly that call through once", async () => {
    const { desk, guard, records } = await bench();
    let runs = 0;
    const call = (text: string) => guard.perform(writeNote(text), async () => (runs += 1), waiter());
    const denied = await call("a");
    expect(denied).toMatchObject({ allowed: false });
    const [pending] = await desk.list(owner);
    expect(pending).toMatchObject({ policies: ["no-writes"], isWaiting: false, argumentsDigest: digestOf("a") });
    expect(denied.decision.remedy).toContain(`pratique approvals approve ${pending!.id}`);
    const answer = await desk.answer(owner, pending!.id, yes);
    expect(answer).toMatchObject({ by: "owner", isWaiting: false });
    // Other arguments are another act.
    expect((await call("b")).allowed).toBe(false);
    expect((await call("a")).allowed).toBe(true);
    expect((await call("a")).allowed).toBe(false);
    expect(runs).toBe(1);
    const done = records.find(({ outcome, action }) => outcome === "done" && action === "tool:call");
    expect(done?.details).toMatchObject({ approval: { approved: true, by: "owner", id: pending!.id } });
    expect(records.find(({ id }) => id === answer.record)).toMatchObject({
      action: "admin:approve",
      resource: { id: "notes/write_note" },
      details: { approval: pending!.id, answer: "approve", context: { own: true, via: "control" } },
    });
  });

  it("stands in the list once, however often it comes", async () => {
    const { desk, guard } = await bench();
    for (let time = 0; time < 3; time += 1) await guard.perform(writeNote("a"), async () => 1, waiter());
    expect(await desk.list(owner)).toHaveLength(1);
  });

  it("is another act for another principal", async () => {
    const { desk, guard } = await bench();
    await guard.perform(writeNote("a"), async () => 1, waiter());
    await desk.answer(owner, (await desk.list(owner))[0]!.id, yes);
    const other = { ...agent, id: "spiffe://pratique.local/run/r2/agent/root", run: "r2" } as const;
    expect((await guard.perform(writeNote("a", other), async () => 1, waiter())).allowed).toBe(false);
    expect((await guard.perform(writeNote("a"), async () => 1, waiter())).allowed).toBe(true);
  });

  it("gives of two calls at the same moment one its way", async () => {
    const { desk, guard } = await bench();
    await guard.perform(writeNote("a"), async () => 1, waiter());
    await desk.answer(owner, (await desk.list(owner))[0]!.id, yes);
    const calls = await Promise.all([1, 2, 3].map(() => guard.perform(writeNote("a"), async () => 1, waiter())));
    expect(calls.filter(({ allowed }) => allowed)).toHaveLength(1);
  });
});

describe("an answer", () => {
  it("is given once", async () => {
    const { desk, guard } = await bench();
    await guard.perform(writeNote("a"), async () => 1, waiter());
    const { id } = (await desk.list(owner))[0]!;
    const both = await Promise.allSettled([
      desk.answer(owner, id, yes),
      desk.answer(owner, id, { answer: "deny", rememberSeconds: 0 }),
    ]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    await expect(desk.answer(owner, id, yes)).rejects.toMatchObject({ code: "approval.answered" });
    await expect(desk.answer(owner, "other", yes)).rejects.toMatchObject({ code: "approval.not-found" });
  });

  it("comes too late when it has expired, and counts no longer than that", async () => {
    const { desk, guard, clock } = await bench({ expireSeconds: 60 });
    await guard.perform(writeNote("a"), async () => 1, waiter());
    await guard.perform(writeNote("b"), async () => 1, waiter());
    const [a, b] = await desk.list(owner);
    await desk.answer(owner, b!.id, yes);
    clock.advance(60_001);
    await expect(desk.answer(owner, a!.id, yes)).rejects.toMatchObject({ code: "approval.not-found" });
    expect(await desk.list(owner)).toEqual([]);
    expect((await guard.perform(writeNote("b"), async () => 1, waiter())).allowed).toBe(false);
  });

  it("is a person's who may: no agent's, no stranger's, and such a try takes nothing away", async () => {
    const { desk, guard } = await bench();
    await guard.perform(writeNote("a"), async () => 1, waiter());
    const { id } = (await desk.list(owner))[0]!;
    for (const who of [agent, stranger])
      await expect(desk.answer(who, id, yes)).rejects.toMatchObject({ code: "policy.denied" });
    await expect(desk.list(stranger)).rejects.toMatchObject({ code: "policy.denied" });
    expect((await desk.answer(owner, id, yes)).answer).toBe("approve");
  });

  it("is remembered as long as policy allows, for equal calls", async () => {
    const { desk, guard, clock } = await bench();
    await guard.perform(writeNote("a"), async () => 1, waiter());
    const { id } = (await desk.list(owner))[0]!;
    const forADay = { answer: "approve", rememberSeconds: 86_400 } as const;
    await expect(desk.answer(owner, id, forADay)).rejects.toMatchObject({
      code: "policy.denied",
      details: { policies: ["approvals.remembered-briefly"] },
    });
    await desk.answer(owner, id, { answer: "approve", rememberSeconds: 600 });
    for (let time = 0; time < 2; time += 1)
      expect((await guard.perform(writeNote("a"), async () => 1, waiter())).allowed).toBe(true);
    expect((await guard.perform(writeNote("b"), async () => 1, waiter())).allowed).toBe(false);
    clock.advance(600_001);
    expect((await guard.perform(writeNote("a"), async () => 1, waiter())).allowed).toBe(false);
  });

  it("outlives the daemon when it was acknowledged, and what only waited does not", async () => {
    const first = await bench();
    for (const text of ["a", "b"]) await first.guard.perform(writeNote(text), async () => 1, waiter());
    const [a, b] = await first.desk.list(owner);
    await first.desk.answer(owner, a!.id, yes);
    await database.close();
    database = await openDatabase({ file: join(directory, "db") });
    const second = await bench();
    expect(await second.desk.list(owner)).toEqual([]);
    await expect(second.desk.answer(owner, a!.id, yes)).rejects.toMatchObject({ code: "approval.answered" });
    await expect(second.desk.answer(owner, b!.id, yes)).rejects.toMatchObject({ code: "approval.not-found" });
    expect((await second.guard.perform(writeNote("a"), async () => 1, waiter())).allowed).toBe(true);
    const third = await bench();
    expect((await third.guard.perform(writeNote("a"), async () => 1, waiter())).allowed).toBe(false);
  });

  it("counts for nothing when its record could not be written", async () => {
    const { desk, guard } = await bench();
    await guard.perform(writeNote("a"), async () => 1, waiter());
    const { id } = (await desk.list(owner))[0]!;
    const broken = createGuard({
      policy: () => policies,
      clock: manualClock(),
      log: silentLog,
      audit: { append: () => Promise.reject(new Error("disk full")) },
    });
    desk.begin(broken);
    await expect(desk.answer(owner, id, yes)).rejects.toMatchObject({ code: "guard.record-failed" });
    desk.begin(guard);
    expect((await guard.perform(writeNote("a"), async () => 1, waiter())).allowed).toBe(false);
    expect(await database.approvals.standing("2000-01-01T00:00:00Z")).toEqual([]);
  });
});

describe("a call that waits", () => {
  it("goes on when somebody who watches says yes", async () => {
    const { desk, guard } = await bench();
    const reader = new AbortController();
    const watching = await desk.follow(owner, reader.signal);
    const seen = until(watching, (list) => list.some(({ isWaiting }) => isWaiting));
    await Promise.resolve();
    const told: string[] = [];
    const call = guard.perform(writeNote("a"), async () => "written", waiter({ tell: (text) => told.push(text) }));
    const [pending] = await seen;
    expect(told).toEqual([expect.stringContaining(pending!.id)]);
    expect(await desk.answer(owner, pending!.id, yes)).toMatchObject({ isWaiting: true });
    expect(await call).toMatchObject({ allowed: true, value: "written" });
    // It was for that call alone.
    reader.abort();
    expect((await guard.perform(writeNote("a"), async () => 1, waiter())).allowed).toBe(false);
  });

  it("is denied when he says no", async () => {
    const { desk, guard } = await bench({ wait: "always" });
    const call = guard.perform(writeNote("a"), async () => 1, waiter());
    const watching = await desk.follow(owner, new AbortController().signal);
    const [pending] = await until(watching, (list) => list.length > 0);
    await desk.answer(owner, pending!.id, { answer: "deny", rememberSeconds: 0 });
    expect(await call).toMatchObject({ allowed: false, record: { details: { approval: { approved: false } } } });
  });

  it("is gone when its caller leaves", async () => {
    const { desk, guard } = await bench({ wait: "always" });
    const caller = waiter();
    const call = guard.perform(writeNote("a"), async () => 1, caller);
    const watching = await desk.follow(owner, new AbortController().signal);
    const [pending] = await until(watching, (list) => list.length > 0);
    caller.leave();
    expect((await call).allowed).toBe(false);
    await expect(desk.answer(owner, pending!.id, yes)).rejects.toMatchObject({ code: "approval.not-found" });
  });

  it("ends as a denial that can still be turned, when it waited long enough", async () => {
    const { desk, guard, timers } = await bench({ wait: "always", waitSeconds: 7 });
    const call = guard.perform(writeNote("a"), async () => 1, waiter());
    const watching = await desk.follow(owner, new AbortController().signal);
    const [pending] = await until(watching, (list) => list.length > 0);
    timers.find(({ afterMs }) => afterMs === 7000)!.task();
    expect((await call).decision.remedy).toContain(pending!.id);
    await desk.answer(owner, pending!.id, yes);
    expect((await guard.perform(writeNote("a"), async () => 1, waiter())).allowed).toBe(true);
  });

  it("does not wait when the configuration says so, whoever watches", async () => {
    const { desk, guard } = await bench({ wait: "never" });
    const watching = await desk.follow(owner, new AbortController().signal);
    await until(watching, () => true);
    expect((await guard.perform(writeNote("a"), async () => 1, waiter())).allowed).toBe(false);
  });
});

describe("the caller's own client", () => {
  it("is asked when a person uses it, and his yes is recorded as his", async () => {
    const { guard, records } = await bench({}, ownPolicies);
    const asked: string[] = [];
    const shown = () => ({ text: "hello", password: "hunter2hunter2" });
    const ask = async (question: string): Promise<boolean> => asked.push(question) > 0;
    const outcome = await guard.perform(writeNote("a", owner), async () => 1, waiter({ ask, shown }));
    expect(outcome.allowed).toBe(true);
    expect(asked).toEqual([expect.stringMatching(/Owner wants to do tool:call on notes\/write_note.*hello/s)]);
    expect(asked[0]).not.toContain("hunter2");
    expect(records[0]).toMatchObject({
      action: "admin:approve",
      details: { context: { via: "elicitation", own: true } },
    });
  });

  it("is never asked when an agent uses it", async () => {
    const { desk, guard } = await bench();
    const ask = () => Promise.reject(new Error("asked"));
    let asked = 0;
    const counting = waiter({ ask: () => ((asked += 1), ask()) });
    expect((await guard.perform(writeNote("a"), async () => 1, counting)).allowed).toBe(false);
    expect(asked).toBe(0);
    expect(await desk.list(owner)).toHaveLength(1);
  });

  it("is not asked when policy does not let him approve his own acts", async () => {
    const fourEyes = `@id("four-eyes") @reason("Two people.") @remedy("ask a colleague")
      forbid (principal, action == Pratique::Action::"admin:approve", resource) when { context.own };`;
    const directory_ = join(installationDirectory(), "policies");
    const schema = await readFile(join(directory_, "pratique.cedarschema"), "utf8");
    const text = await readFile(join(directory_, "owner.cedar"), "utf8");
    const careful = `@id("careful") @reason("Careful.") @remedy("ask")
      forbid (principal, action == Pratique::Action::"tool:call", resource)
      unless { context has approved && context.approved };`;
    const set = loadPolicySet({ schema, files: { "a.cedar": text, "b.cedar": careful, "c.cedar": fourEyes } });
    const { desk, guard } = await bench({}, set);
    let asked = 0;
    const ask = async (): Promise<boolean> => (asked += 1) > 0;
    expect((await guard.perform(writeNote("a", owner), async () => 1, waiter({ ask }))).allowed).toBe(false);
    expect(asked).toBe(0);
    expect(await desk.list(owner)).toEqual([]);
  });

  it("may say no, say nothing, or fail: only a yes is one", async () => {
    const { guard } = await bench({}, ownPolicies);
    for (const ask of [async () => false, async () => undefined, () => Promise.reject(new Error("gone"))])
      expect((await guard.perform(writeNote("a", owner), async () => 1, waiter({ ask }))).allowed).toBe(false);
  });
});

it("is bounded for each person: the oldest that nobody waits for goes first", async () => {
  const { desk, guard } = await bench();
  for (let call = 0; call < 60; call += 1) await guard.perform(writeNote(`${call}`), async () => 1, waiter());
  const list = await desk.list(owner);
  expect(list).toHaveLength(50);
  expect(list[0]!.argumentsDigest).toBe(digestOf("10"));
});
