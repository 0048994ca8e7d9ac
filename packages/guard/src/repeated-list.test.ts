// Lists that are asked for again: decided once under one policy set, and recorded each time.
import { systemClock, silentLog, uuidv7 } from "@pratique/core";
import type { AuditRecord, UserPrincipal } from "@pratique/contracts";
import { loadPolicySet, type PolicySet } from "@pratique/policy";
import { expect, it } from "vitest";
import type { GuardResource } from "./act.ts";
import { createGuard } from "./guard.ts";
import { RepeatedList } from "./repeated-list.ts";

const SCHEMA = `namespace Pratique {
  entity Group;
  entity User in [Group] = { name: String, owner: Bool };
  entity Server = { name: String, isolated: Bool, cleared: Bool };
  entity System;
  action "tool:list" appliesTo { principal: [User], resource: [Server, System], context: {} };
}`;
const owner: UserPrincipal = { type: "User", id: "o", name: "O", groups: ["owner"] };
const policySet = (allowed: string): PolicySet =>
  loadPolicySet({
    schema: SCHEMA,
    files: {
      "a.cedar": `@id("some") permit (principal, action, resource is Pratique::Server) when { resource.name == "${allowed}" };`,
    },
  });
const server = (name: string, more: Partial<GuardResource> = {}): GuardResource => ({
  type: "Server",
  id: name,
  attributes: { name, isolated: true, cleared: true },
  ...more,
});

function open() {
  const records: AuditRecord[] = [];
  let set = policySet("a");
  const guard = createGuard({
    policy: () => set,
    clock: systemClock,
    log: silentLog,
    audit: {
      append: async (body) => {
        const record = { ...body, version: 1 as const, id: uuidv7(systemClock), sequence: records.length, time: "" };
        records.push(record);
        return record;
      },
    },
  });
  const use = (other: PolicySet): void => void (set = other);
  return { guard, records, use };
}

const act = { principal: owner, action: "tool:list" as const, scope: { type: "System" as const, id: "gateway" } };

it("shows the same array while nothing has changed, and records each time that it was shown", async () => {
  const { guard, records } = open();
  const list = new RepeatedList(act, ["a", "b"], (name) => server(name));
  const first = await guard.filterAgain(list);
  expect(first).toEqual(["a"]);
  expect(await guard.filterAgain(list)).toBe(first);
  expect(records).toHaveLength(2);
  expect(records[1]).toMatchObject({ outcome: "done", details: { offered: 2, shown: 1, hidden: 1 } });
});

it("decides anew under another policy set", async () => {
  const { guard, use, records } = open();
  const list = new RepeatedList(act, ["a", "b"], (name) => server(name));
  expect(await guard.filterAgain(list)).toEqual(["a"]);
  use(policySet("b"));
  expect(await guard.filterAgain(list)).toEqual(["b"]);
  use(policySet("nobody"));
  expect(await guard.filterAgain(list)).toEqual([]);
  expect(await guard.filterAgain(list)).toEqual([]);
  expect(records.map(({ outcome }) => outcome)).toEqual(["done", "done", "denied", "denied"]);
});

it("shows nothing over facts that have changed since", async () => {
  const { guard } = open();
  let isCurrent = true;
  const list = new RepeatedList(act, ["a"], (name) => server(name, { isCurrent: () => isCurrent }));
  expect(await guard.filterAgain(list)).toEqual(["a"]);
  isCurrent = false;
  expect(await guard.filterAgain(list)).toEqual([]);
});

it("shows what filter shows", async () => {
  const { guard, records } = open();
  const names = ["b", "a", "c"];
  expect(await guard.filter(act, names, (name) => server(name))).toEqual(["a"]);
  expect(await guard.filterAgain(new RepeatedList(act, names, (name) => server(name)))).toEqual(["a"]);
  const [one, other] = records.map(({ details, policies, reason }) => ({ details, policies, reason }));
  expect(one).toEqual(other);
});
