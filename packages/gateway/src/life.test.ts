// No process outlives its place behind the gateway.
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProcess } from "@pratique/sandbox";
import { expect, it } from "vitest";
import { openGateway, ROOT, textOf } from "./gateway.fixture.ts";
import type { ServerDefinition, StdioPeer } from "./index.ts";

/** A server whose start takes until it is let through, and whose stop takes a moment; knows what lives. */
function slowServer(script: string, args: readonly string[] = []) {
  const { promise: gate, resolve: letThrough } = Promise.withResolvers<void>();
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const living = new Set<StdioPeer>();
  let most = 0;
  let isStarted = false;
  const start = async (): Promise<StdioPeer> => {
    ask();
    await gate;
    const peer = await startProcess({
      command: process.execPath,
      args: [join(ROOT, "test/fakes", script), ...args],
      env: {},
      cwd: tmpdir(),
    });
    isStarted = true;
    living.add(peer);
    most = Math.max(most, living.size);
    void peer.exited.then(() => living.delete(peer));
    return peer;
  };
  const definition: ServerDefinition = {
    name: "slow",
    isolated: true,
    cleared: true,
    verdicts: {},
    transport: { type: "stdio", start },
  };
  return { definition, letThrough, asked, living, most: () => most, isStarted: () => isStarted };
}

it.each(["close", "removeServer", "addServer, then close"] as const)(
  "leaves no process when %s comes while a server is starting",
  async (how) => {
    const fixture = await openGateway();
    const slow = slowServer("mcp-good.ts");
    fixture.gateway.addServer(slow.definition);
    const client = await fixture.connect("owner");
    void client.listTools().catch(() => undefined);
    await slow.asked;
    if (how === "addServer, then close") fixture.gateway.addServer(slowServer("mcp-good.ts").definition);
    const gone = how === "removeServer" ? fixture.gateway.removeServer("slow") : fixture.gateway.close();
    slow.letThrough();
    await gone;
    // What is started after that would be somebody's process whom nobody waits for.
    expect([slow.isStarted(), slow.living.size]).toEqual([true, 0]);
    await fixture.close();
    expect(slow.most()).toBeLessThanOrEqual(1);
  },
);

it("leaves no process when it is closed while a server does not answer", async () => {
  const fixture = await openGateway();
  const slow = slowServer("mcp-hostile.ts", ["hang"]);
  slow.letThrough();
  fixture.gateway.addServer(slow.definition);
  const client = await fixture.connect("owner");
  void client.listTools().catch(() => undefined);
  await expect.poll(() => slow.living.size).toBe(1);
  await fixture.gateway.close();
  expect(slow.living.size).toBe(0);
  await fixture.close();
});

it("starts a server that replaces another when that one has ended, and none after close", async () => {
  const fixture = await openGateway();
  const slow = slowServer("mcp-good.ts");
  slow.letThrough();
  fixture.gateway.addServer(slow.definition);
  const client = await fixture.connect("owner");
  const echo = async () => textOf(await client.callTool({ name: "echo", arguments: { text: "ahoy" } }));
  expect(await echo()).toBe("ahoy");
  fixture.gateway.addServer(slow.definition);
  expect(await echo()).toBe("ahoy");
  expect(slow.most()).toBe(1);
  await fixture.gateway.close();
  expect(slow.living.size).toBe(0);
  fixture.gateway.addServer(slow.definition);
  expect(fixture.gateway.servers()).toEqual([]);
  await fixture.close();
});
