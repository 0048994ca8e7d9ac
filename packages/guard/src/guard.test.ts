// Guard with the default policies and a log in memory.
import { readdirSync, readFileSync } from "node:fs";
import { AuditRecord, type Principal, type RecordBody, type UserPrincipal } from "@pratique/contracts";
import { digestOf, isPratiqueError, manualClock, silentLog } from "@pratique/core";
import { loadPolicySet } from "@pratique/policy";
import { describe, expect, it } from "vitest";
import type { Act, GuardResource } from "./act.ts";
import type { ApprovalRequest, Approver } from "./approver.ts";
import { allowedOrThrow, denialText } from "./denial.ts";
import { createGuard, type Guard, type GuardOptions } from "./guard.ts";

const DIRECTORY = new URL("../../../policies/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, DIRECTORY), "utf8");
const cedarFiles = readdirSync(DIRECTORY).filter((name) => name.endsWith(".cedar"));
const policies = loadPolicySet({
  schema: read("pratique.cedarschema"),
  files: Object.fromEntries(cedarFiles.map((name) => [name, read(name)])),
});

const owner: UserPrincipal = { type: "User", id: "owner", name: "Owner", groups: ["owner"] };
const guest: UserPrincipal = { type: "User", id: "guest", name: "Guest", groups: ["staff"] };
const agent: Principal = {
  type: "Workload",
  id: "spiffe://pratique.local/run/1/agent/root",
  groups: [],
  actingFor: owner,
  run: "1",
  artifact: "sha256:aa",
};

const tool = (name: string, readOnly: boolean): GuardResource => ({
  type: "Tool",
  id: `harbour/${name}`,
  digest: "sha256:bb",
  attributes: {
    name,
    server: "harbour",
    claimsReadOnly: readOnly,
    claimsDestructive: false,
    claimsOpenWorld: false,
    readOnly,
    cleared: true,
  },
  parents: [{ type: "Server", id: "harbour", attributes: { name: "harbour", isolated: true, cleared: true } }],
});
const readNote: Act = { principal: agent, action: "tool:call", resource: tool("read_note", true), run: "1" };
const writeNote: Act = { principal: agent, action: "tool:call", resource: tool("write_note", false), run: "1" };

interface Bench {
  readonly guard: Guard;
  readonly records: AuditRecord[];
  readonly clock: ReturnType<typeof manualClock>;
  /** Makes every append reject. */
  broken: boolean;
}

function bench(options: Partial<GuardOptions> = {}): Bench {
  const clock = manualClock();
  const records: AuditRecord[] = [];
  const append = async (body: RecordBody): Promise<AuditRecord> => {
    if (state.broken) throw new Error("no space left on device");
    const sequence = records.length;
    const record = { ...body, version: 1 as const, id: `r${sequence}`, sequence, time: clock.now().toISOString() };
    records.push(AuditRecord.parse(record));
    return record;
  };
  const guard = createGuard({ policy: () => policies, audit: { append }, clock, log: silentLog, ...options });
  const state: Bench = { guard, records, clock, broken: false };
  return state;
}

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  return isPratiqueError(error) ? error.code : `not a PratiqueError: ${String(error)}`;
};

describe("perform", () => {
  it("acts when policy allows, and records before it resolves", async () => {
    const { guard, records, clock } = bench();
    const outcome = await guard.perform({ ...readNote, details: { sizeBytes: 3 } }, async (decision, note) => {
      expect(decision.allow).toBe(true);
      expect(records).toHaveLength(0);
      clock.advance(12);
      note({ resultDigest: "sha256:cc" });
      return 42;
    });
    expect(outcome).toMatchObject({ allowed: true, value: 42 });
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({
      principal: { type: "Workload", id: agent.id, actingFor: "owner", artifact: "sha256:aa" },
      action: "tool:call",
      resource: { type: "Tool", id: "harbour/read_note", digest: "sha256:bb" },
      run: "1",
      decision: "allow",
      policies: [{ id: "agents-use-tools", effect: "permit" }],
      policyDigest: policies.digest,
      outcome: "done",
      durationMs: 12,
      details: { sizeBytes: 3, resultDigest: "sha256:cc" },
    });
  });

  it("does not act when policy forbids: a denial is a value with its record", async () => {
    const { guard, records } = bench();
    let acted = false;
    const outcome = await guard.perform(writeNote, async () => (acted = true));
    expect(acted).toBe(false);
    expect(outcome.allowed).toBe(false);
    expect(outcome.decision.reason).toBe("policy no-writes forbids write_note");
    expect(records).toMatchObject([
      { decision: "deny", outcome: "denied", policies: [{ id: "no-writes", effect: "forbid" }] },
    ]);
  });

  it("denies whoever is not signed in, and records them as anonymous", async () => {
    const { guard, records } = bench();
    let acted = false;
    const outcome = await guard.perform({ ...readNote, principal: undefined }, async () => (acted = true));
    expect([outcome.allowed, acted]).toEqual([false, false]);
    expect(records).toMatchObject([
      { principal: { type: "Anonymous", id: "anonymous" }, outcome: "denied", policyDigest: policies.digest },
    ]);
  });

  it("records a failure and throws the very error on", async () => {
    const { guard, records } = bench();
    const failure = new Error("the server hung up on Bearer abcdefghijklmnopqrstuvwxyz");
    await expect(guard.perform(readNote, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(records).toMatchObject([{ decision: "allow", outcome: "failed", error: { code: "internal" } }]);
    expect(records[0]?.error?.message).toMatch(/^the server hung up on Bearer «bearer-token/);
  });

  it("denies when the policy cannot be asked", async () => {
    const { guard, records } = bench({
      policy: () => {
        throw new Error("broken");
      },
    });
    let acted = false;
    const outcome = await guard.perform(readNote, async () => (acted = true));
    expect([outcome.allowed, acted]).toEqual([false, false]);
    expect(records).toMatchObject([{ decision: "deny", policies: [], policyDigest: "none" }]);
  });

  it("denies when a policy set throws", async () => {
    const { guard } = bench({
      policy: () => ({
        ...policies,
        digest: policies.digest,
        decide: () => {
          throw new Error("broken");
        },
      }),
    });
    expect((await guard.perform(readNote, async () => 1)).allowed).toBe(false);
  });

  it("denies a resource without its evidence", async () => {
    const { guard } = bench();
    const resource: GuardResource = { type: "Artifact", id: "localhost/x:1", attributes: { repository: "x" } };
    const outcome = await guard.perform({ principal: owner, action: "artifact:run", resource }, async () => 1);
    expect(outcome.allowed).toBe(false);
    expect(outcome.decision.reason).toContain("policy cannot decide on this request");
  });

  it("does not take the caller's word for an approval", async () => {
    const { guard } = bench();
    const outcome = await guard.perform({ ...writeNote, context: { approved: true } }, async () => 1);
    expect(outcome.allowed).toBe(false);
  });
});

describe("what is recorded", () => {
  it("has no secret in it, and says what was taken out", async () => {
    const { guard, records } = bench();
    const token = `ghp_${"a1".repeat(18)}`;
    await guard.perform(
      { ...readNote, context: { client: `cli ${token}` }, details: { password: "hunter2", note: [`see ${token}`] } },
      async (_, note) => note({ url: "https://me:sesame@example.org/" }),
    );
    const text = JSON.stringify(records);
    for (const secret of [token, "hunter2", "sesame"]) expect(text).not.toContain(secret);
    expect(records[0]?.redactions?.map(({ kind }) => kind).toSorted()).toEqual([
      "github-token",
      "keyed",
      "url-password",
    ]);
  });

  it("holds large details by digest only", async () => {
    const { guard, records } = bench();
    await guard.perform({ ...readNote, details: { body: "x".repeat(100_000) } }, async () => 1);
    expect(records[0]?.details).toMatchObject({ tooLarge: { sizeBytes: 100_011 } });
  });

  it("is bounded, whatever the names are", async () => {
    const { guard, records } = bench();
    const long = "𝄞".repeat(50_000);
    const resource = { ...tool("read_note", true), id: long, digest: long };
    await guard.perform({ ...readNote, resource, run: long }, async () => 1);
    await guard.perform(readNote, () => Promise.reject(new Error(long))).catch(() => undefined);
    expect(Buffer.byteLength(JSON.stringify(records))).toBeLessThan(32_000);
    expect(JSON.stringify(records).isWellFormed()).toBe(true);
  });

  it("is written even when a note is not JSON", async () => {
    const { guard, records } = bench();
    await guard.perform(readNote, async (_, note) => note({ at: 1n as never }));
    expect(records).toMatchObject([{ outcome: "done", details: { unrecordable: expect.any(String) } }]);
  });
});

describe("when the record cannot be written", () => {
  it("withholds the result of the act", async () => {
    const state = bench();
    state.broken = true;
    expect(await codeOf(state.guard.perform(readNote, async () => "secret"))).toBe("guard.record-failed");
  });

  it("fails for a denial and for a failed act, too", async () => {
    const state = bench();
    state.broken = true;
    expect(await codeOf(state.guard.perform(writeNote, async () => 1))).toBe("guard.record-failed");
    expect(await codeOf(state.guard.perform(readNote, () => Promise.reject(new Error("x"))))).toBe(
      "guard.record-failed",
    );
    expect(await codeOf(state.guard.filter(list(agent), [1], () => tool("read_note", true)))).toBe(
      "guard.record-failed",
    );
  });

  it("lets nothing more happen until what is owed is written", async () => {
    const state = bench();
    state.broken = true;
    await codeOf(state.guard.perform(readNote, async () => 1));
    let acted = 0;
    expect(await codeOf(state.guard.perform(readNote, async () => (acted += 1)))).toBe("guard.record-failed");
    expect(acted).toBe(0);
    state.broken = false;
    await state.guard.perform(readNote, async () => (acted += 1));
    expect(acted).toBe(1);
    expect(state.records).toMatchObject([{ outcome: "done", details: { recordedLate: true } }, { outcome: "done" }]);
  });

  it("does not keep denials, which anybody could pile up", async () => {
    const state = bench();
    state.broken = true;
    for (let i = 0; i < 5; i += 1) await codeOf(state.guard.perform(writeNote, async () => 1));
    state.broken = false;
    await state.guard.perform(readNote, async () => 1);
    expect(state.records).toHaveLength(1);
  });
});

describe("approval", () => {
  const approver = (answer: Awaited<ReturnType<Approver["ask"]>>): Approver & { asked: ApprovalRequest[] } => {
    const asked: ApprovalRequest[] = [];
    return {
      asked,
      ask: async (request) => {
        asked.push(request);
        return answer;
      },
    };
  };

  it("asks a human when only that is missing, acts, and records who approved what", async () => {
    const human = approver({ approved: true, by: "owner" });
    const { guard, records } = bench({ approver: human });
    const argumentsDigest = digestOf("arguments");
    const outcome = await guard.perform({ ...writeNote, context: { argumentsDigest } }, async () => "written");
    expect(outcome).toMatchObject({ allowed: true, value: "written" });
    expect(human.asked).toMatchObject([{ argumentsDigest, decision: { needsApproval: true } }]);
    expect(records).toMatchObject([{ details: { approval: { approved: true, by: "owner", argumentsDigest } } }]);
  });

  it("stays a denial when the human says no, and records that", async () => {
    const { guard, records } = bench({ approver: approver({ approved: false, by: "owner" }) });
    expect((await guard.perform(writeNote, async () => 1)).allowed).toBe(false);
    expect(records).toMatchObject([{ outcome: "denied", details: { approval: { approved: false, by: "owner" } } }]);
  });

  it("stays a denial when nobody answers or asking fails", async () => {
    const silent = bench({ approver: approver(undefined) });
    expect((await silent.guard.perform(writeNote, async () => 1)).allowed).toBe(false);
    const failing = bench({ approver: { ask: () => Promise.reject(new Error("no terminal")) } });
    expect((await failing.guard.perform(writeNote, async () => 1)).allowed).toBe(false);
    expect(failing.records).toHaveLength(1);
  });

  it("says what helps when nobody answered in time, and records where it waits", async () => {
    const { guard, records } = bench({ approver: approver({ id: "a1", remedy: "pratique approvals approve a1" }) });
    const outcome = await guard.perform(writeNote, async () => 1);
    expect(outcome).toMatchObject({ allowed: false, decision: { remedy: "pratique approvals approve a1" } });
    expect(records).toMatchObject([{ outcome: "denied", details: { approval: { id: "a1", unanswered: true } } }]);
  });

  it("hands the human who waits, and takes the digest from him where the act has none", async () => {
    const human = approver({ approved: true, by: "owner" });
    const { guard } = bench({ approver: human });
    const waiting = { signal: new AbortController().signal, argumentsDigest: () => digestOf("those") };
    await guard.perform(writeNote, async () => 1, waiting);
    expect(human.asked).toMatchObject([{ waiting, argumentsDigest: digestOf("those") }]);
  });

  it("records with a denial what its caller knows of it", async () => {
    const { guard, records } = bench({});
    const waiting = { signal: new AbortController().signal, facts: () => ({ within: "c1" }) };
    await guard.perform(writeNote, async () => 1, waiting);
    expect(records).toMatchObject([{ outcome: "denied", details: { within: "c1" } }]);
  });

  it("asks nobody when an approval would not help", async () => {
    const human = approver({ approved: true, by: "owner" });
    const { guard } = bench({ approver: human });
    await guard.perform({ ...writeNote, principal: guest }, async () => 1);
    expect(human.asked).toEqual([]);
  });

  it("is for these arguments: another digest for other arguments", async () => {
    const human = approver({ approved: false, by: "owner" });
    const { guard } = bench({ approver: human });
    for (const client of ["a", "b"]) await guard.perform({ ...writeNote, context: { client } }, async () => 1);
    const digests = human.asked.map(({ argumentsDigest }) => argumentsDigest);
    expect(new Set(digests).size).toBe(2);
  });
});

const list = (principal: Principal | undefined): Omit<Act, "resource"> & { scope: GuardResource } => ({
  principal,
  action: "tool:call",
  scope: { type: "Server", id: "harbour", attributes: { name: "harbour", isolated: true, cleared: true } },
});

describe("filter", () => {
  const items = ["read_note", "write_note", "get_weather", "drop_all"];
  const resourceOf = (name: string): GuardResource => tool(name, name === "read_note" || name === "get_weather");

  it("keeps what is allowed, in order, with one record of counts", async () => {
    const { guard, records } = bench();
    expect(await guard.filter(list(agent), items, resourceOf)).toEqual(["read_note", "get_weather"]);
    expect(records).toHaveLength(1);
    const hiddenDigest = digestOf('["Tool harbour/drop_all","Tool harbour/write_note"]');
    expect(records[0]).toMatchObject({
      resource: { type: "Server", id: "harbour" },
      decision: "allow",
      outcome: "done",
      details: { offered: 4, shown: 2, hidden: 2, hiddenDigest },
    });
  });

  it("shows nothing to whoever is not signed in", async () => {
    const { guard, records } = bench();
    expect(await guard.filter(list(undefined), items, resourceOf)).toEqual([]);
    expect(records).toMatchObject([{ principal: { type: "Anonymous" }, outcome: "denied", details: { hidden: 4 } }]);
  });

  it("shows nothing to whom nothing is allowed, and says so", async () => {
    const { guard, records } = bench();
    expect(await guard.filter(list(guest), items, resourceOf)).toEqual([]);
    expect(records).toMatchObject([{ decision: "deny", outcome: "denied" }]);
  });

  it("decides an empty list by its scope", async () => {
    const { guard, records } = bench();
    await guard.filter({ ...list(owner), action: "tool:list" }, [], resourceOf);
    await guard.filter({ ...list(guest), action: "tool:list" }, [], resourceOf);
    expect(records.map(({ decision }) => decision)).toEqual(["allow", "deny"]);
  });
});

describe("decide", () => {
  it("records nothing", () => {
    const { guard, records } = bench();
    expect(guard.decide(readNote).allow).toBe(true);
    expect(guard.decide({ ...readNote, principal: undefined }).allow).toBe(false);
    expect(records).toEqual([]);
  });
});

describe("a denial at the edge", () => {
  it("reads exactly as small models learned it", () => {
    const { guard } = bench();
    expect(denialText(guard.decide(writeNote), "write_note")).toBe("denied: policy no-writes forbids write_note");
    const nobody = guard.decide({ ...readNote, principal: guest });
    expect(denialText(nobody, "read_note")).toBe("denied: no policy allows read_note");
  });

  it("becomes policy.denied with the reason, what helps, and the record", async () => {
    const { guard } = bench();
    const outcome = await guard.perform(writeNote, async () => 1);
    expect(() => allowedOrThrow(outcome)).toThrow(
      expect.objectContaining({
        code: "policy.denied",
        status: 403,
        message: "policy no-writes forbids write_note",
        hint: outcome.decision.remedy,
        details: { record: "r0", policies: ["no-writes"], policyDigest: policies.digest },
      }),
    );
    expect(allowedOrThrow(await guard.perform(readNote, async () => 7))).toBe(7);
  });
});
