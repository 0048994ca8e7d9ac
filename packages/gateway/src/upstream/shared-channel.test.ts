// One channel for all that is said: what belongs to whom.
import type { JsonObject } from "@pratique/core";
import { expect, it } from "vitest";
import {
  legacyServer,
  modernServer,
  openTestUpstream,
  scriptedPeers,
  testExchange,
  toolCall,
  type Message,
} from "./upstream.fixture.ts";

/** A server that keeps calls open until it is told to answer them. */
function patientServer() {
  const open: Message[] = [];
  const peers = scriptedPeers(
    legacyServer((message) => {
      if (message.method === "tools/call") open.push(message);
      else if (message.method === "logging/setLevel") return {};
      return undefined;
    }),
  );
  const say = (message: JsonObject): void => [...peers.running][0]?.say(message);
  const answerAll = (): void => {
    for (const { id = 0 } of open.splice(0)) say({ id, result: { content: [] } });
  };
  return { ...peers, open, say, answerAll };
}

it("speaks the newest revision with a server that knows it, and says who asks with each request", async () => {
  const peers = scriptedPeers(modernServer(({ params }) => ({ resultType: "complete", got: params })));
  const { upstream } = openTestUpstream(peers.transport);
  const exchange = testExchange(
    "tools/call",
    { name: "a", arguments: { x: 1 }, _meta: { "com.example/k": 1 } },
    {
      wantsProgress: true,
      client: { era: "modern", info: { name: "c", version: "2" }, logLevel: "error", capabilities: { roots: {} } },
    },
  );
  const { got } = await upstream.send(exchange);
  expect(got).toEqual({
    name: "a",
    arguments: { x: 1 },
    _meta: {
      "com.example/k": 1,
      progressToken: expect.any(Number),
      "io.modelcontextprotocol/protocolVersion": "2026-07-28",
      "io.modelcontextprotocol/clientInfo": { name: "c", version: "2" },
      "io.modelcontextprotocol/clientCapabilities": { roots: {} },
      "io.modelcontextprotocol/logLevel": "error",
    },
  });
  expect(peers.heard.map(({ method }) => method)).not.toContain("initialize");
});

it("passes results, unknown members and input_required on as they are", async () => {
  const answer = {
    resultType: "input_required",
    inputRequests: { q: { method: "roots/list" } },
    requestState: "s",
    "x.y/z": [1],
  };
  const peers = scriptedPeers(modernServer(() => answer));
  const { upstream } = openTestUpstream(peers.transport);
  expect(await upstream.send(toolCall("a"))).toEqual(answer);
});

it("falls back to the handshake, and starts a server again that ends at what it does not know", async () => {
  const peers = scriptedPeers((message) => {
    if (message.method === "server/discover") {
      for (const peer of peers.running) peer.die();
      return undefined;
    }
    return legacyServer(() => ({ content: [] }))(message, () => undefined);
  });
  const { upstream } = openTestUpstream(peers.transport);
  expect((await upstream.facts()).protocolVersion).toBe("2025-11-25");
  expect(await upstream.send(toolCall("a"))).toEqual({ content: [] });
  expect(peers.starts.count).toBe(2);
});

it("gives progress to the request whose it is, without its token", async () => {
  const server = patientServer();
  const { upstream } = openTestUpstream(server.transport);
  const [one, other] = [toolCall("a", { wantsProgress: true }), toolCall("b", { wantsProgress: true })];
  const answers = [upstream.send(one), upstream.send(other)];
  await expect.poll(() => server.open.length).toBe(2);
  const tokens = server.open.map(({ params }) => (params["_meta"] as { progressToken: number }).progressToken);
  server.say({ method: "notifications/progress", params: { progressToken: tokens[1], progress: 1, note: "x" } });
  server.say({ method: "notifications/progress", params: { progressToken: 9999, progress: 1 } });
  server.answerAll();
  await Promise.all(answers);
  expect(one.told).toEqual([]);
  expect(other.told).toEqual([{ method: "notifications/progress", params: { progress: 1, note: "x" } }]);
});

it("asks the client of the only request under way, and gives the server its answer", async () => {
  const server = patientServer();
  const { upstream } = openTestUpstream(server.transport);
  const exchange = toolCall("a");
  const answer = upstream.send(exchange);
  await expect.poll(() => server.open.length).toBe(1);
  server.say({ id: "q", method: "elicitation/create", params: { message: "?", _meta: { progressToken: 1, k: 2 } } });
  await expect.poll(() => server.heard.find(({ id }) => id === "q")).toMatchObject({ result: { action: "accept" } });
  server.answerAll();
  await answer;
  expect(exchange.asked).toEqual([{ method: "elicitation/create", params: { message: "?", _meta: { k: 2 } } }]);
});

it.each([
  ["of one principal", ["p", "p"], true],
  ["of two principals", ["p", "q"], false],
  ["of nobody knows whom", [undefined, undefined], false],
])(
  "while requests %s are under way, a question and a log message reach a client or nobody",
  async (_who, whose, isAsked) => {
    const server = patientServer();
    const { upstream, events } = openTestUpstream(server.transport);
    const exchanges = whose.map((principal) => toolCall("a", principal === undefined ? {} : { principal }));
    const answers = exchanges.map((exchange) => upstream.send(exchange));
    await expect.poll(() => server.open.length).toBe(2);
    server.say({ id: "q", method: "roots/list" });
    server.say({ method: "notifications/message", params: { level: "error", data: "x" } });
    await expect.poll(() => server.heard.some(({ id }) => id === "q")).toBe(true);
    server.answerAll();
    await Promise.all(answers);
    const told = exchanges.flatMap((exchange) => exchange.told);
    const asked = exchanges.flatMap((exchange) => exchange.asked);
    expect([asked.length, told.length, events]).toEqual(isAsked ? [1, 1, []] : [0, 0, []]);
  },
);

it("asks whoever it is when the server acts for one principal alone", async () => {
  const server = patientServer();
  const { upstream } = openTestUpstream(server.transport, { scope: "user" }, { scope: "p" });
  const exchanges = [toolCall("a"), toolCall("b")];
  const answers = exchanges.map((exchange) => upstream.send(exchange));
  await expect.poll(() => server.open.length).toBe(2);
  server.say({ id: "q", method: "roots/list" });
  await expect.poll(() => server.heard.find(({ id }) => id === "q")).toHaveProperty("result");
  server.answerAll();
  await Promise.all(answers);
});

it("answers a ping, and refuses what it does not know and what belongs to no request", async () => {
  const server = patientServer();
  const { upstream } = openTestUpstream(server.transport);
  await upstream.facts();
  server.say({ id: 1, method: "ping" });
  server.say({ id: 2, method: "no/such" });
  server.say({ id: 3, method: "sampling/createMessage", params: {} });
  await expect.poll(() => server.heard.filter(({ method }) => method === undefined).length).toBe(3);
  expect(server.heard.filter(({ method }) => method === undefined)).toMatchObject([
    { id: 1, result: {} },
    { id: 2, error: { code: -32_601 } },
    { id: 3, error: { code: -32_600 } },
  ]);
});

it("asks one principal, though another leaves all that he is asked without an answer", async () => {
  const server = patientServer();
  const { upstream } = openTestUpstream(server.transport);
  const one = upstream.send(toolCall("a", { principal: "one", ask: () => new Promise(() => undefined) }));
  await expect.poll(() => server.open.length).toBe(1);
  for (let id = 1; id <= 100; id++) server.say({ id, method: "elicitation/create", params: { message: "?" } });
  server.answerAll();
  await one;
  const other = toolCall("b", { principal: "other" });
  const answer = upstream.send(other);
  await expect.poll(() => server.open.length).toBe(1);
  server.say({ id: 101, method: "elicitation/create", params: { message: "?" } });
  await expect.poll(() => server.heard.find(({ id }) => id === 101)).toMatchObject({ result: { action: "accept" } });
  server.answerAll();
  await answer;
});

it("tells events that belong to no request", async () => {
  const server = patientServer();
  const { upstream, events } = openTestUpstream(server.transport);
  await upstream.facts();
  server.say({ method: "notifications/message", params: { level: "info", data: 1 } });
  server.say({ method: "notifications/resources/updated", params: { uri: "a://b" } });
  server.say({ method: "notifications/tasks/status", params: { taskId: "t" } });
  server.say({ method: "notifications/tools/list_changed" });
  await expect.poll(() => events.length).toBe(4);
  expect(events).toEqual([
    { type: "log", params: { level: "info", data: 1 } },
    { type: "resource-updated", params: { uri: "a://b" } },
    { type: "notification", method: "notifications/tasks/status", params: { taskId: "t" } },
    { type: "list-changed", kind: "tools" },
  ]);
});

it("asks an older server for the least level that any client wants, and gives each what it wants", async () => {
  const server = patientServer();
  const { upstream } = openTestUpstream(server.transport, {}, { scope: "p" });
  const levels = ["warning", "debug", "info"];
  const exchanges = levels.map((logLevel) => toolCall("a", { client: { logLevel } }));
  const silent = toolCall("a", { client: { era: "modern" } });
  for (const [index, exchange] of [...exchanges, silent].entries()) {
    const answer = upstream.send(exchange);
    await expect.poll(() => server.open.length).toBe(1);
    server.say({ method: "notifications/message", params: { level: "notice", data: index } });
    server.answerAll();
    await answer;
  }
  const set = server.heard.filter(({ method }) => method === "logging/setLevel").map(({ params }) => params["level"]);
  expect(set).toEqual(["warning", "debug"]);
  expect([...exchanges, silent].map(({ told }) => told.length)).toEqual([0, 1, 1, 0]);
});

it("tells the server what was cancelled, and lets the others go on", async () => {
  const server = patientServer();
  const { upstream } = openTestUpstream(server.transport);
  const [one, other] = [toolCall("a"), toolCall("b")];
  const cancelled = upstream.send(one);
  const kept = upstream.send(other);
  await expect.poll(() => server.open.length).toBe(2);
  one.cancel();
  await expect(cancelled).rejects.toMatchObject({ code: "gateway.call-failed" });
  await expect
    .poll(() => server.heard.find(({ method }) => method === "notifications/cancelled")?.params["requestId"])
    .toBe(server.open[0]?.id);
  server.answerAll();
  expect(await kept).toEqual({ content: [] });
});

it("takes batches, skips what is no message, and hands errors on with their data", async () => {
  const peers = scriptedPeers(
    legacyServer(({ id, method }) => {
      if (method !== "tools/call") return undefined;
      const [peer] = peers.running;
      peer?.write("Listening…\n{not json\n\n[]\n42\n");
      peer?.write(
        `[{"jsonrpc":"2.0","id":777,"result":{}},{"jsonrpc":"2.0","id":${id},"error":{"code":-1,"message":"no","data":{"a":1}}}]\n`,
      );
      return undefined;
    }),
  );
  const { upstream } = openTestUpstream(peers.transport);
  await expect(upstream.send(toolCall("a"))).rejects.toMatchObject({
    name: "McpError",
    code: -1,
    message: "no",
    data: { a: 1 },
  });
});

it("ends a server that talks without end, or without a line's end", async () => {
  for (const text of ['{"jsonrpc":"2.0","method":"notifications/x"}\n'.repeat(60_001), "x".repeat(9 * 2 ** 20)]) {
    const peers = scriptedPeers(legacyServer(() => ({})));
    const { upstream } = openTestUpstream(peers.transport);
    await upstream.facts();
    const [first] = peers.running;
    first?.write(text);
    await expect.poll(() => first !== undefined && peers.running.has(first)).toBe(false);
  }
});
