// The first process of a container is built from its source; where there is no compiler, its digest tells.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { initProgram } from "./guest-files.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

it("is what its source gives: after a change of guest/init/init.c, run tools/guest-init.mjs", () => {
  const source = createHash("sha256").update(read("../../../../guest/init/init.c")).digest("hex");
  expect(/Source: ([0-9a-f]{64})$/m.exec(read("./init-program.ts"))?.[1]).toBe(source);
});

it.each([
  ["amd64", 62],
  ["arm64", 183],
] as const)("is a program for %s", async (architecture, machine) => {
  const program = await initProgram(architecture);
  expect(program.subarray(0, 4).toString("latin1")).toBe("\u007fELF");
  expect(program.readUInt16LE(18)).toBe(machine);
});
