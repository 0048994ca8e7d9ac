// Acts that come again: one decision, and one record for those that come close together.
import { readdirSync, readFileSync } from "node:fs";
import type { AuditRecord, RecordBody } from "@pratique/contracts";
import { manualClock, silentLog } from "@pratique/core";
import { loadPolicySet, type PolicySet } from "@pratique/policy";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Act } from "./act.ts";
import { createGuard, type Guard } from "./guard.ts";
import { RepeatedAct } from "./repeated-act.ts";
import { RepeatWindows } from "./repeat-windows.ts";

const DIRECTORY = new URL("../../../policies/", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, DIRECTORY), "utf8");
const files = Object.fromEntries(
  readdirSync(DIRECTORY)
    .filter((name) => name.endsWith(".cedar"))
    .map((name) => [name, read(name)]),
);
const schema = read("pratique.cedarschema");
const policies = loadPolicySet({ schema, files });
const closed = loadPolicySet({
  schema,
  files: { ...files, "closed.cedar": '@id("closed") forbid (principal, action, resource);' },
});

const pull: Act = {
  principal: { type: "User", id: "owner", name: "Owner", groups: ["owner"] },
  action: "artifact:pull",
  resource: { type: "Repository", id: "localhost/a", attributes: { name: "a" } },
  details: { digest: "sha256:aa" },
};

let policy: PolicySet;
let records: AuditRecord[];
let broken: boolean;
let clock: ReturnType<typeof manualClock>;
beforeEach(() => {
  vi.useFakeTimers();
  [policy, records, broken, clock] = [policies, [], false, manualClock()];
});
afterEach(() => vi.useRealTimers());

function guardWith(windows?: RepeatWindows): Guard {
  const append = async (body: RecordBody): Promise<AuditRecord> => {
    if (broken) throw new Error("no space left on device");
    const sequence = records.length;
    const record = { ...body, version: 1 as const, id: `r${sequence}`, sequence, time: clock.now().toISOString() };
    records.push(record);
    return record;
  };
  const more = windows === undefined ? {} : { windows };
  return createGuard({ policy: () => policy, audit: { append }, clock, log: silentLog, ...more });
}

const done = async (): Promise<string> => "done";

it("leaves the record that the act itself would leave", async () => {
  const guard = guardWith();
  await guard.perform(pull, done);
  await guard.perform(new RepeatedAct(pull), done);
  const [plain, repeated] = records.map((record) => ({ ...record, id: "", sequence: 0 }));
  expect(repeated).toEqual(plain);
});

it("cannot be changed from outside", async () => {
  const details = { digest: "sha256:aa" };
  const act = new RepeatedAct({ ...pull, details });
  details.digest = "sha256:bb";
  expect(act.details).toEqual({ digest: "sha256:aa" });
  expect(() => Object.assign(act.resource, { id: "localhost/b" })).toThrow(TypeError);
});

it("is decided again when the policy changes", async () => {
  const guard = guardWith();
  const act = new RepeatedAct(pull);
  expect(guard.decide(act).allow).toBe(true);
  policy = closed;
  expect(guard.decide(act)).toMatchObject({ allow: false, policyDigest: closed.digest });
  policy = policies;
  expect(guard.decide(act).allow).toBe(true);
});

describe("acts that may join", () => {
  const act = (): RepeatedAct => new RepeatedAct(pull, { mayJoin: true });

  it("share the first one's record, and another says how many they were", async () => {
    const guard = guardWith(new RepeatWindows(1000));
    const one = act();
    for (let count = 0; count < 4; count += 1) await guard.perform(one, done);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ outcome: "done", details: { digest: "sha256:aa", coversMs: 1000 } });
    await vi.advanceTimersByTimeAsync(1000);
    expect(records).toHaveLength(2);
    expect(records[1]).toMatchObject({ outcome: "done", details: { digest: "sha256:aa", repeats: 3, of: "r0" } });
  });

  it("leave no second record when nobody joined", async () => {
    const guard = guardWith(new RepeatWindows(1000));
    await guard.perform(act(), done);
    await vi.advanceTimersByTimeAsync(5000);
    expect(records).toHaveLength(1);
  });

  it("have a record of their own after the window, by the clock", async () => {
    const guard = guardWith(new RepeatWindows(1000));
    const one = act();
    await guard.perform(one, done);
    clock.advance(1000);
    await guard.perform(one, done);
    expect(records).toHaveLength(2);
  });

  it("never join another act, a denial, a failure, or one to which something was noted", async () => {
    const guard = guardWith(new RepeatWindows(1000));
    const one = act();
    await guard.perform(one, done);
    await guard.perform(act(), done);
    await expect(guard.perform(one, () => Promise.reject(new Error("gone")))).rejects.toThrow("gone");
    await guard.perform(one, async (_decision, note) => note({ range: "0+1" }));
    policy = closed;
    await guard.perform(one, done);
    expect(records.map(({ outcome }) => outcome)).toEqual(["done", "done", "failed", "done", "denied"]);
  });

  it("do not join across a change of policy, not even when it changes back", async () => {
    const guard = guardWith(new RepeatWindows(1000));
    const one = act();
    await guard.perform(one, done);
    policy = closed;
    await guard.perform(one, done);
    policy = policies;
    await guard.perform(one, done);
    expect(records.map(({ outcome }) => outcome)).toEqual(["done", "denied", "done"]);
  });

  it("are counted when the windows are closed", async () => {
    const windows = new RepeatWindows(1000);
    const guard = guardWith(windows);
    const one = act();
    for (let count = 0; count < 3; count += 1) await guard.perform(one, done);
    await windows.close();
    expect(records.at(-1)).toMatchObject({ details: { repeats: 2, of: "r0" } });
  });

  it("owe the count when it cannot be written, and nothing happens before it is", async () => {
    const windows = new RepeatWindows(1000);
    const guard = guardWith(windows);
    const one = act();
    for (let count = 0; count < 3; count += 1) await guard.perform(one, done);
    broken = true;
    await windows.close();
    const run = vi.fn(done);
    await expect(guard.perform(one, run)).rejects.toMatchObject({ code: "guard.record-failed" });
    expect(run).not.toHaveBeenCalled();
    broken = false;
    await guard.perform(one, run);
    expect(records.map(({ details }) => details?.["repeats"])).toEqual([undefined, 2, undefined]);
  });
});

it("is decided over its arguments each time when a policy looks at them", async () => {
  const guard = guardWith();
  const tool = {
    type: "Tool" as const,
    id: "s/t",
    attributes: {
      name: "t",
      server: "s",
      claimsReadOnly: false,
      claimsDestructive: false,
      claimsOpenWorld: false,
      readOnly: true,
      cleared: true,
      isolated: true,
    },
  };
  const { details: _, ...owner } = pull;
  const call = new RepeatedAct({ ...owner, action: "tool:call", resource: tool });
  const waiting = (digest: string) => ({ signal: new AbortController().signal, argumentsDigest: () => digest });
  const ask = async (digest: string) => (await guard.perform(call, done, waiting(digest))).allowed;
  expect([await ask("sha256:aa"), await ask("sha256:bb")]).toEqual([true, true]);
  const text = `@id("not-these") forbid (principal, action == Pratique::Action::"tool:call", resource)
    when { context has argumentsDigest && context.argumentsDigest == "sha256:bb" };`;
  policy = loadPolicySet({ schema, files: { ...files, "arguments.cedar": text } });
  expect([await ask("sha256:aa"), await ask("sha256:bb")]).toEqual([true, false]);
});
