import { expect, it } from "vitest";
import { Pace } from "./pace.ts";

/** How many connections it comes to, when the speed of all is `rate(connections)` bytes a millisecond. */
function settle(rate: (connections: number) => number): number {
  const pace = new Pace(0);
  let connections = 1;
  for (let nowMs = 10; nowMs < 10_000; nowMs += 10) {
    if (pace.came(rate(connections) * 10, nowMs)) connections += 1;
  }
  return connections;
}

it("stops at the second where one fills the link", () => expect(settle(() => 1000)).toBe(2));

it("goes on while each makes all faster", () => {
  expect(settle((connections) => Math.min(connections, 3) * 1000)).toBe(4);
});

it("does nothing before it has seen enough", () => {
  const pace = new Pace(0);
  expect(pace.came(1e9, 499)).toBe(false);
  expect(pace.came(1, 500)).toBe(true);
});
