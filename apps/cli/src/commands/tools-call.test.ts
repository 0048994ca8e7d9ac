import { PratiqueError } from "@pratique/core";
import { expect, it } from "vitest";
import type { Context } from "../kit/command.ts";
import { toolsCall } from "./tools-call.ts";

function context(code: string): Context {
  const callTool = () => Promise.reject(new PratiqueError({ code, message: "no", hint: undefined, status: 404 }));
  const client = { callTool, tools: async () => [{ name: "echo" }, { name: "read_note" }] };
  return { client: async () => client } as unknown as Context;
}

it("suggests the tool that was meant", async () => {
  const run = toolsCall.run({ args: ["ecko"], flags: {}, context: context("gateway.unknown-tool") });
  await expect(run).rejects.toMatchObject({ code: "cli.unknown-tool", hint: expect.stringContaining("mean echo?") });
});

it("says where tools are listed when none is like it", async () => {
  const run = toolsCall.run({ args: ["bake_bread"], flags: {}, context: context("gateway.unknown-tool") });
  await expect(run).rejects.toMatchObject({ code: "cli.unknown-tool", hint: expect.stringContaining("tools ls") });
});

it("hands on what else went wrong", async () => {
  const run = toolsCall.run({ args: ["echo"], flags: {}, context: context("gateway.rate-limited") });
  await expect(run).rejects.toMatchObject({ code: "gateway.rate-limited" });
});
