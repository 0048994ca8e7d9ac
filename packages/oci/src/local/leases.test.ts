import { digestOf, manualClock } from "@pratique/core";
import { expect, it } from "vitest";
import { Leases } from "./leases.ts";

const HOUR = 3_600_000;
const digest = digestOf("one");
const removed = async (): Promise<string> => "removed";

it("keeps everything for the grace period after it was opened, since nobody knows what was said before", async () => {
  const clock = manualClock();
  const leases = new Leases(clock);
  clock.advance(HOUR - 1);
  expect(await leases.remove("a", digest, HOUR, removed)).toBeUndefined();
  clock.advance(1);
  expect(await leases.remove("a", digest, HOUR, removed)).toBe("removed");
});

it("begins the grace period anew with every answer, and only where the blob is there", async () => {
  const clock = manualClock();
  const leases = new Leases(clock);
  clock.advance(2 * HOUR);
  await leases.grant("a", digest, async () => 5);
  await leases.grant("b", digest, async () => undefined);
  await leases.grant("c", digest, async () => false);
  clock.advance(HOUR - 1);
  await leases.grant("a", digest, async () => 5);
  clock.advance(HOUR - 1);
  expect(["a", "b", "c"].map((name) => leases.isLeased(name, digest, HOUR))).toEqual([true, false, false]);
});

it("leases what somebody is looking for at this moment", async () => {
  const clock = manualClock();
  const leases = new Leases(clock);
  clock.advance(2 * HOUR);
  const found = Promise.withResolvers<number>();
  const look = leases.grant("a", digest, () => found.promise);
  await Promise.resolve();
  expect(await leases.remove("a", digest, HOUR, removed)).toBeUndefined();
  found.resolve(5);
  expect(await look).toBe(5);
});

it("lets who looks during a removal wait, and then tells the truth", async () => {
  const clock = manualClock();
  const leases = new Leases(clock);
  clock.advance(2 * HOUR);
  let isThere = true;
  const going = Promise.withResolvers<undefined>();
  const removal = leases.remove("a", digest, HOUR, async () => {
    await going.promise;
    isThere = false;
    return "removed";
  });
  const look = leases.grant("a", digest, async () => (isThere ? 5 : undefined));
  going.resolve(undefined);
  expect(await removal).toBe("removed");
  expect(await look).toBeUndefined();
});

it("forgets the oldest leases when there are too many, and never too much", async () => {
  const clock = manualClock();
  const leases = new Leases(clock, undefined, 4);
  clock.advance(2 * HOUR);
  for (const name of ["a", "b", "c", "d", "e"]) {
    await leases.grant(name, digest, async () => 5);
    clock.advance(1);
  }
  // `a` and `b` are forgotten: what nobody was told of now counts as told when `b` was.
  expect(leases.isLeased("z", digest, HOUR)).toBe(true);
  clock.advance(HOUR - 4);
  expect(["z", "c", "e"].map((name) => leases.isLeased(name, digest, HOUR))).toEqual([false, true, true]);
});
