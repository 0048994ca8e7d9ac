// Pauses between starts of a server that fails.
import { expect, it } from "vitest";
import { backoffMs } from "./backoff.ts";

it("doubles from half a second up to a minute", () => {
  expect([0, 1, 2, 3, 8, 1000].map(backoffMs)).toEqual([0, 500, 1000, 2000, 60_000, 60_000]);
});
