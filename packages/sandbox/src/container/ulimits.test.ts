// Limits that this process may hand out.
import { expect, it } from "vitest";
import { containerUlimits, hardLimits } from "./ulimits.ts";

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             unlimited            unlimited            processes
Max open files            512                  700                  files
`;

it("reads hard limits and leaves out what has none", () => {
  expect(hardLimits(LIMITS)).toEqual({ nofile: 700 });
  expect(hardLimits("")).toEqual({});
});

it("never asks for more than the process has", () => {
  expect(containerUlimits({ nofile: 700 })).toEqual([
    { Name: "nofile", Soft: 700, Hard: 700 },
    { Name: "nproc", Soft: 1000, Hard: 1000 },
  ]);
  expect(containerUlimits({ nofile: 1e6, nproc: 1e6 }).map(({ Hard }) => Hard)).toEqual([1024, 1000]);
});
