// Pauses between starts of a server that fails.
import { expect, it } from "vitest";
import { backoffMs, remoteBackoffMs } from "./backoff.ts";

it("doubles from half a second up to a minute", () => {
  expect([0, 1, 2, 3, 8, 1000].map(backoffMs)).toEqual([0, 500, 1000, 2000, 60_000, 60_000]);
});

it("tries a server of others often enough that a late one appears within two seconds, and rarely when it stays away", () => {
  expect([1, 2, 5, 1000].map((failures) => remoteBackoffMs(failures, 0))).toEqual([100, 200, 1500, 1500]);
  expect(remoteBackoffMs(1000, 11 * 60_000)).toBe(15_000);
});
