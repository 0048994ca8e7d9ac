// Places for sessions, and who loses his.
import { Server } from "@modelcontextprotocol/server";
import { manualClock, silentLog } from "@pratique/core";
import { beforeEach, expect, it } from "vitest";
import { SESSION_LIMIT, SESSIONS_PER_PRINCIPAL } from "../limits.ts";
import type { Caller } from "./caller.ts";
import { Sessions } from "./sessions.ts";

const caller = (id: string): Caller => ({
  principal: { type: "User", id, name: id, groups: [] },
  profile: undefined,
});
const initialize = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "0" } },
};

let sessions: Sessions;
const clock = manualClock("2026-01-01T00:00:00Z");

function request(method: string, session?: string): Request {
  const headers = {
    "content-type": "application/json",
    accept: method === "GET" ? "text/event-stream" : "application/json, text/event-stream",
    ...(session === undefined ? {} : { "mcp-session-id": session, "mcp-protocol-version": "2025-11-25" }),
  };
  return new Request("http://gateway.invalid/mcp", { method, headers });
}

async function open(id: string): Promise<string> {
  clock.advance(1);
  const response = await sessions.handle(request("POST"), initialize, caller(id));
  await response.text();
  return response.headers.get("mcp-session-id") ?? "";
}

async function isOpen(id: string, session: string): Promise<boolean> {
  const ping = { jsonrpc: "2.0", id: 2, method: "ping" };
  const answer = sessions.handle(request("POST", session), ping, caller(id));
  return await answer.then(
    async (response) => (await response.text(), response.ok),
    () => false,
  );
}

beforeEach(() => {
  sessions = new Sessions({
    clock,
    log: silentLog,
    makeServer: () => new Server({ name: "t", version: "0" }, { capabilities: { tools: { listChanged: true } } }),
  });
});

it("ends a principal's own idlest session when he opens too many, and nobody else's", async () => {
  const other = await open("other");
  const first = await open("one");
  for (let count = 0; count < SESSIONS_PER_PRINCIPAL; count++) await open("one");
  expect(await isOpen("one", first)).toBe(false);
  expect(await isOpen("other", other)).toBe(true);
  expect(sessions.count).toBe(SESSIONS_PER_PRINCIPAL + 1);
});

it("refuses another session to whoever has too many that are busy", async () => {
  for (let count = 0; count < SESSIONS_PER_PRINCIPAL; count++)
    await sessions.handle(request("GET", await open("one")), undefined, caller("one"));
  await expect(open("one")).rejects.toMatchObject({ code: "gateway.too-many-sessions" });
  expect(await open("other")).not.toBe("");
});

it("takes the place from whoever holds most when all are taken", async () => {
  const single = await open("single");
  const principals = Math.ceil(SESSION_LIMIT / SESSIONS_PER_PRINCIPAL);
  for (let user = 0; user < principals; user++)
    for (let count = 0; count < SESSIONS_PER_PRINCIPAL && sessions.count < SESSION_LIMIT; count++)
      await open(`u${user}`);
  expect(await open("late")).not.toBe("");
  expect(sessions.count).toBe(SESSION_LIMIT);
  expect(await isOpen("single", single)).toBe(true);
});

it("counts a request that failed as ended", async () => {
  const session = await open("one");
  const broken = request("POST", session);
  Object.defineProperty(broken, "method", {
    get: () => {
      throw new Error("it breaks");
    },
  });
  await expect(sessions.handle(broken, {}, caller("one"))).rejects.toThrow("it breaks");
  for (let count = 0; count < SESSIONS_PER_PRINCIPAL; count++) await open("one");
  expect(await isOpen("one", session)).toBe(false);
});

it("counts a stream that was given up as ended, once", async () => {
  const [session, busy] = [await open("one"), await open("one")];
  for (const id of [session, busy]) {
    const stream = await sessions.handle(request("GET", id), undefined, caller("one"));
    const reader = stream.body!.getReader();
    const reading = reader.read();
    await reader.cancel();
    await reading;
  }
  await sessions.handle(request("GET", busy), undefined, caller("one"));
  for (let count = 0; count < SESSIONS_PER_PRINCIPAL; count++) await open("one");
  expect(await isOpen("one", session)).toBe(false);
  expect(await isOpen("one", busy)).toBe(true);
});
