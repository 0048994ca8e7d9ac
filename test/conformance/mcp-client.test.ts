// The official suite's client sets: the gateway's connection to servers passes what both revisions require of a client.
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { isJsonObject } from "@pratique/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { playScenario } from "./mcp-client.ts";
import { runClientSet } from "./mcp-suite.ts";

const RELAY = fileURLToPath(new URL("mcp-client-relay.ts", import.meta.url));

let directory: string;
let server: Server;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-conformance-client-"));
  server = createServer({ allowHalfOpen: true }, (socket) => void play(socket));
  await new Promise<void>((resolve) => server.listen(join(directory, "s"), resolve));
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true });
});

/** One process plays all scenarios, so that each costs no start of everything. */
async function play(socket: Socket): Promise<void> {
  try {
    const facts: unknown = JSON.parse(await text(socket));
    if (!isJsonObject(facts) || !isJsonObject(facts["context"])) throw new Error("no scenario");
    const { scenario, url, context } = facts;
    await playScenario({ scenario: String(scenario), url: String(url), context });
    socket.end();
  } catch (error) {
    socket.end(`${inspect(error)}\n`);
  }
}

it.each([
  ["2025-11-25", 18],
  ["2026-07-28", 32],
] as const)("passes all that %s requires of a client", async (revision, required) => {
  const command = `${process.execPath} ${RELAY} ${join(directory, "s")}`;
  const { passed, failed } = await runClientSet(command, revision);
  expect([passed.length, failed]).toEqual([required, []]);
});
