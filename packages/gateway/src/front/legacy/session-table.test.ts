// Places for sessions, and who loses his.
import { manualClock } from "@pratique/core";
import { beforeEach, expect, it } from "vitest";
import type { Caller } from "../caller.ts";
import { SESSION_IDLE_MS } from "../front-limits.ts";
import { SessionTable, type Seat } from "./session-table.ts";

const LIMIT = 20;
const EACH = 8;

class TestSeat implements Seat {
  readonly id: string;
  caller: Caller;
  lastUsed: number;
  isBusy = false;
  isClosed = false;

  constructor(id: string, caller: Caller, lastUsed: number) {
    this.id = id;
    this.caller = caller;
    this.lastUsed = lastUsed;
  }

  beat(): void {}

  close(): void {
    this.isClosed = true;
  }
}

const clock = manualClock("2026-01-01T00:00:00Z");
let table: SessionTable<TestSeat>;
let made = 0;
const caller = (id: string): Caller => ({ principal: { type: "User", id, name: id, groups: [] }, profile: undefined });

function open(id: string): TestSeat {
  clock.advance(1);
  const seat = new TestSeat(String((made += 1)), caller(id), table.now());
  table.add(seat);
  return seat;
}

beforeEach(() => {
  table = new SessionTable({ clock, limit: LIMIT, perPrincipal: EACH });
});

it("ends a principal's own idlest session when he opens too many, and nobody else's", () => {
  const [other, first, second] = [open("other"), open("one"), open("one")];
  clock.advance(1);
  table.get(first.id, caller("one"));
  for (let count = 0; count < EACH - 1; count++) open("one");
  expect([other.isClosed, first.isClosed, second.isClosed]).toEqual([false, false, true]);
  expect(table.count).toBe(EACH + 1);
});

it("refuses another session to whoever has too many that are busy", () => {
  for (let count = 0; count < EACH; count++) open("one").isBusy = true;
  expect(() => open("one")).toThrow(`${EACH} sessions are open`);
  expect(open("other").isClosed).toBe(false);
});

it("takes the place from whoever holds most when all are taken", () => {
  const single = open("single");
  for (let user = 0; table.count < LIMIT; user++)
    for (let count = 0; count < EACH && table.count < LIMIT; count++) open(`u${user}`);
  expect(open("late").isClosed).toBe(false);
  expect([table.count, single.isClosed]).toEqual([LIMIT, false]);
});

it("knows no session of somebody else, of another address, or that has ended", () => {
  const seat = open("one");
  expect(table.get(seat.id, caller("one"))).toBe(seat);
  expect(() => table.get(seat.id, caller("two"))).toThrow("no such session");
  expect(() => table.get(seat.id, { ...caller("one"), profile: "p" })).toThrow("no such session");
  table.end(seat);
  expect(() => table.get(seat.id, caller("one"))).toThrow("no such session");
});

it("ends what is idle for long, and nothing that is busy", () => {
  const [idle, busy] = [open("one"), open("one")];
  busy.isBusy = true;
  clock.advance(SESSION_IDLE_MS + 1);
  const fresh = open("one");
  table.beat();
  expect([idle.isClosed, busy.isClosed, fresh.isClosed]).toEqual([true, false, false]);
});
