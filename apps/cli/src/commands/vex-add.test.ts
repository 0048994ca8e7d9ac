import { expect, it } from "vitest";
import type { Context } from "../kit/command.ts";
import { vexAdd } from "./vex-add.ts";

it("names a status that does not exist", async () => {
  const flags = { vulnerability: "CVE-2026-1111", status: "not_afected" };
  const run = vexAdd.run({ args: ["team/x:1"], flags, context: {} as unknown as Context });
  await expect(run).rejects.toMatchObject({ code: "cli.usage", message: expect.stringContaining("not_afected") });
});
