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

it("leaves the call when it is interrupted", async () => {
  const interrupt = new AbortController();
  const left = new Error("left");
  const callTool = (_request: unknown, signal: AbortSignal) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(left)));
  const waiting = { interrupted: interrupt.signal, client: async () => ({ callTool }) } as unknown as Context;
  const run = toolsCall.run({ args: ["echo"], flags: {}, context: waiting });
  setImmediate(() => interrupt.abort());
  await expect(run).rejects.toBe(left);
});
