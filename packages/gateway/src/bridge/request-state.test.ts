// A state is good for who got it, where he got it, and for nobody else.
import { manualClock } from "@pratique/core";
import { expect, it } from "vitest";
import type { Caller } from "../front/caller.ts";
import { RequestStates } from "./request-state.ts";
import { StateSeal } from "./sealed-state.ts";

const caller = (id: string, profile?: string): Caller => ({
  principal: { type: "User", id, name: id, groups: [] },
  profile,
});

it("is not good for another principal or profile, however their names run together", () => {
  const states = new RequestStates(new StateSeal(new Uint8Array(32).fill(1)), manualClock("2026-01-01T00:00:00.000Z"));
  const request = { method: "tools/call", params: { name: "t" } };
  const sealed = states.issue(caller("ann", "b c"), request, { kind: "again", round: 1 });
  expect(states.redeem(caller("ann", "b c"), request, sealed)).toEqual({ kind: "again", round: 1 });
  for (const other of [caller("ann"), caller("ann b", "c"), caller("bob", "b c"), caller("ann b c")])
    expect(() => states.redeem(other, request, sealed)).toThrow(
      expect.objectContaining({ code: "gateway.state-foreign" }),
    );
});
