// Streamable HTTP of both eras, and the transport before it, against servers that do what the tests say.
import type { ServerResponse } from "node:http";
import type { Json, JsonObject } from "@pratique/core";
import { expect, it } from "vitest";
import type { UpstreamAuth } from "../server-definition.ts";
import {
  httpFake,
  LEGACY_HELLO,
  MODERN_HELLO,
  NOT_FOUND,
  openTestUpstream,
  replyTo,
  sendEvents,
  sendJson,
  testExchange,
  toolCall,
  type HeardRequest,
  type HttpFake,
  type Message,
} from "./upstream.fixture.ts";

type Answer = (message: Message, res: ServerResponse, request: HeardRequest) => JsonObject | undefined;

/** A server of revision 2026-07-28. `answer` gives undefined when it has answered itself. */
function modernFake(answer: Answer): Promise<HttpFake> {
  return httpFake((request, res) => {
    const { message } = request;
    if (message === undefined) return void res.writeHead(405).end();
    const said = message.method === "server/discover" ? MODERN_HELLO : answer(message, res, request);
    if (said !== undefined) sendJson(res, replyTo(message, said));
  });
}

/** A server of revision 2025-11-25 with sessions; those that `forget` has ended are not known. */
async function legacyFake(answer: Answer): Promise<HttpFake & { forget(): void; readonly streams: ServerResponse[] }> {
  let session = 0;
  const streams: ServerResponse[] = [];
  const fake = await httpFake((request, res) => {
    const { message, headers, method } = request;
    const isKnown = headers["mcp-session-id"] === `s${session}`;
    if (message?.method === "initialize") {
      session += 1;
      sendJson(res, replyTo(message, LEGACY_HELLO), { "mcp-session-id": `s${session}` });
    } else if (!isKnown) sendJson(res, { jsonrpc: "2.0", id: null, error: { code: -32_000, message: "?" } }, {}, 404);
    else if (method === "GET") {
      sendEvents(res, []);
      res.flushHeaders();
      streams.push(res);
    } else if (message?.id === undefined) res.writeHead(202).end();
    else {
      const said = answer(message, res, request);
      if (said !== undefined) sendJson(res, replyTo(message, said));
    }
  });
  return Object.assign(fake, { forget: () => void (session += 1), streams });
}

const CONTENT: JsonObject = { content: [] };
const listOf = (...names: string[]): JsonObject => ({
  resultType: "complete",
  ttlMs: 0,
  cacheScope: "private",
  tools: names.map((name) => ({ name, inputSchema: { type: "object" } })),
});
const http = (fake: HttpFake, more: object = {}) => ({ type: "http", url: fake.url, ...more }) as const;
const methodsOf = ({ heard }: HttpFake) => heard.map(({ message, method }) => message?.method ?? method);

it("mirrors what a request says into headers, and forwards those that it does not know", async () => {
  const tool = {
    name: "läuft",
    inputSchema: { type: "object", properties: { r: { type: "string", "x-mcp-header": "R" } } },
  };
  const fake = await modernFake(({ method }) =>
    method === "tools/list" ? { resultType: "complete", ttlMs: 0, cacheScope: "public", tools: [tool] } : CONTENT,
  );
  const { upstream } = openTestUpstream(http(fake, { headers: { "X-Key": "k", "Mcp-Method": "evil" } }));
  await upstream.send(
    testExchange(
      "tools/call",
      { name: "läuft", arguments: { r: "eu" } },
      {
        headers: { "mcp-param-r": "stale", "mcp-param-z": "1", cookie: "no" },
      },
    ),
  );
  expect(fake.heard.at(-1)?.headers).toMatchObject({
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "=?base64?bMOkdWZ0?=",
    "mcp-param-r": "eu",
    "mcp-param-z": "1",
    "x-key": "k",
    accept: "application/json, text/event-stream",
  });
  expect(fake.heard.at(-1)?.headers).not.toHaveProperty("cookie");
  expect(fake.heard.at(-1)?.headers).not.toHaveProperty("mcp-session-id");
});

it("leaves out tools whose headers are wrong, and tries a call with newer headers again", async () => {
  let property = "a";
  const annotated = (name: string, header: string) => ({
    name,
    inputSchema: { type: "object", properties: { [property]: { type: "string", "x-mcp-header": header } } },
  });
  const fake = await modernFake((message, res, { headers }) => {
    if (message.method === "tools/list")
      return {
        resultType: "complete",
        ttlMs: 60_000,
        cacheScope: "public",
        tools: [annotated("t", "H"), annotated("bad", "")],
      };
    if (message.method !== "tools/call") return NOT_FOUND;
    if (headers["mcp-param-h"] === "v") return CONTENT;
    sendJson(res, replyTo(message, { code: -32_020, message: "Header mismatch" }), {}, 400);
    return undefined;
  });
  const { upstream } = openTestUpstream(http(fake));
  expect((await upstream.list("tools")).items.map(({ name }) => name)).toEqual(["t"]);
  property = "b";
  expect(await upstream.send(testExchange("tools/call", { name: "t", arguments: { b: "v" } }))).toEqual(CONTENT);
});

it("takes an answer from a stream, with what came before it", async () => {
  const fake = await modernFake((message, res) => {
    if (message.method !== "tools/call") return NOT_FOUND;
    const { progressToken } = message.params["_meta"] as JsonObject;
    sendEvents(res, [
      { method: "notifications/progress", params: { progressToken, progress: 1 } },
      { method: "notifications/message", params: { level: "info", data: "said" } },
      { method: "notifications/com.example/x", params: { y: 1 } },
      { id: message.id, result: CONTENT },
    ]);
    return undefined;
  });
  const { upstream, events } = openTestUpstream(http(fake));
  const exchange = toolCall("a", { wantsProgress: true });
  const other = toolCall("b", { client: { era: "modern", logLevel: "debug" } });
  expect(await Promise.all([upstream.send(exchange), upstream.send(other)])).toEqual([CONTENT, CONTENT]);
  expect(exchange.told.map(({ method }) => method)).toEqual([
    "notifications/progress",
    "notifications/message",
    "notifications/com.example/x",
  ]);
  expect(other.told.map(({ method }) => method)).toEqual(["notifications/message", "notifications/com.example/x"]);
  expect(events).toEqual([]);
});

it("ends the request itself when a client of a server of the newest revision cancels", async () => {
  const closed = Promise.withResolvers<void>();
  const fake = await modernFake((message, res) => {
    if (message.method !== "tools/call") return NOT_FOUND;
    res.once("close", closed.resolve);
    return undefined;
  });
  const { upstream } = openTestUpstream(http(fake));
  const exchange = toolCall("a");
  const answer = upstream.send(exchange);
  await expect.poll(() => methodsOf(fake)).toContain("tools/call");
  exchange.cancel();
  await expect(answer).rejects.toMatchObject({ code: "gateway.call-failed" });
  await closed.promise;
  expect(methodsOf(fake)).not.toContain("notifications/cancelled");
});

it("asks the client on whose stream a server asks, whoever else waits", async () => {
  const fake = await legacyFake((message, res) => {
    if (message.method !== "tools/call") return NOT_FOUND;
    sendEvents(res, [{ id: `q-${String(message.params["name"])}`, method: "elicitation/create", params: {} }]);
    const answered = async (): Promise<void> => {
      await expect.poll(() => fake.heard.filter(({ message: said }) => said?.result !== undefined).length).toBe(2);
      sendEvents(res, [{ id: message.id, result: CONTENT }]);
    };
    void answered();
    return undefined;
  });
  const { upstream } = openTestUpstream(http(fake));
  const exchanges = [toolCall("a", { principal: "p" }), toolCall("b", { principal: "q" })];
  await Promise.all(exchanges.map((exchange) => upstream.send(exchange)));
  expect(exchanges.map(({ asked }) => asked.length)).toEqual([1, 1]);
});

it("opens a new session behind a request when the server has forgotten the old one", async () => {
  const fake = await legacyFake(({ method }) => (method === "tools/call" ? CONTENT : NOT_FOUND));
  const { upstream } = openTestUpstream(http(fake));
  await upstream.send(toolCall("writes"));
  fake.forget();
  // Not even marked idempotent: the server did not begin with it.
  expect(await upstream.send(toolCall("writes"))).toEqual(CONTENT);
  expect(methodsOf(fake).filter((method) => method === "initialize")).toHaveLength(2);
});

it("hears of changes on the server's own stream, over a restart too", async () => {
  let names = ["a"];
  const fake = await legacyFake(({ method }) => (method === "tools/list" ? listOf(...names) : NOT_FOUND));
  const { upstream, events } = openTestUpstream(http(fake));
  expect((await upstream.list("tools")).items).toHaveLength(1);
  await expect.poll(() => fake.streams.length).toBe(1);
  names = ["a", "b"];
  for (const stream of fake.streams) sendEvents(stream, [{ method: "notifications/tools/list_changed" }]);
  await expect.poll(() => events).toEqual([{ type: "list-changed", kind: "tools" }]);
  expect(upstream.knownList("tools")?.items).toHaveLength(2);
  names = ["a", "b", "c"];
  await fake.stop();
  fake.forget();
  await fake.start();
  await expect.poll(() => upstream.knownList("tools")?.items.length, { timeout: 5000 }).toBe(3);
  expect(events).toHaveLength(2);
});

it("takes up a stream that ended before its answer, where it ended", async () => {
  const fake = await httpFake(({ message, method, headers }, res) => {
    if (message?.method === "initialize") sendJson(res, replyTo(message, LEGACY_HELLO), { "mcp-session-id": "s" });
    else if (message?.method === "tools/call") {
      res.writeHead(200, { "content-type": "text/event-stream" });
      res.end(`id: e1\nretry: 1\ndata:\n\n`);
    } else if (method === "GET" && headers["last-event-id"] === "e1") {
      const call = fake.heard.find(({ message: said }) => said?.method === "tools/call");
      sendEvents(res, [{ id: call?.message?.id, result: CONTENT }]);
    } else if (method === "GET") res.writeHead(405).end();
    else sendJson(res, replyTo(message ?? { params: {} }, NOT_FOUND), {}, message?.id === undefined ? 202 : 400);
  });
  const { upstream } = openTestUpstream(http(fake));
  expect(await upstream.send(toolCall("a"))).toEqual(CONTENT);
});

it("listens to a server of the newest revision, and again with what is watched", async () => {
  const streams: { filter: Json | undefined; say(message: JsonObject): void }[] = [];
  const fake = await modernFake((message, res) => {
    if (message.method !== "subscriptions/listen") return listOf("a");
    const { id, params } = message;
    const _meta = { "io.modelcontextprotocol/subscriptionId": id ?? 0 };
    const say = (said: JsonObject): void => sendEvents(res, [said]);
    say({
      method: "notifications/subscriptions/acknowledged",
      params: { _meta, notifications: params["notifications"] },
    });
    streams.push({
      filter: params["notifications"],
      say: ({ method, params: more }) => say({ method, params: { ...(more as JsonObject), _meta } }),
    });
    return undefined;
  });
  const { upstream, events } = openTestUpstream(http(fake));
  await upstream.list("tools");
  await upstream.watch("a://1");
  await expect.poll(() => streams.at(-1)?.filter).toEqual({ toolsListChanged: true, resourceSubscriptions: ["a://1"] });
  streams.at(-1)?.say({ method: "notifications/resources/updated", params: { uri: "a://1" } });
  await expect.poll(() => events).toEqual([{ type: "resource-updated", params: { uri: "a://1" } }]);
  const before = streams.length;
  await fake.stop();
  await fake.start();
  await expect.poll(() => streams.length, { timeout: 5000 }).toBeGreaterThan(before);
  expect(streams.at(-1)?.filter).toEqual({ toolsListChanged: true, resourceSubscriptions: ["a://1"] });
  await expect(upstream.watch("b://refused").then(() => upstream.unwatch("b://refused"))).resolves.toBeUndefined();
});

it("waits for a server that starts again, and costs no call that may be repeated", async () => {
  const fake = await modernFake(({ method }) => {
    if (method !== "tools/list") return CONTENT;
    const [tool] = listOf("reads")["tools"] as JsonObject[];
    return { ...listOf(), tools: [{ ...tool, annotations: { readOnlyHint: true } }] };
  });
  const { upstream } = openTestUpstream(http(fake));
  await upstream.list("tools");
  await upstream.send(toolCall("reads"));
  await fake.stop();
  const read = upstream.send(toolCall("reads"));
  await expect.poll(() => upstream.status().state).toBe("starting");
  // This one has not even begun: it waits for the server.
  const written = upstream.send(toolCall("writes"));
  await fake.start();
  expect(await Promise.all([read, written])).toEqual([CONTENT, CONTENT]);
});

it("does not repeat a call that may have been begun with and changes something", async () => {
  let calls = 0;
  const fake = await modernFake(({ method }, res) => {
    if (method !== "tools/call") return NOT_FOUND;
    calls += 1;
    res.destroy();
    return undefined;
  });
  const { upstream } = openTestUpstream(http(fake));
  await expect(upstream.send(toolCall("writes"))).rejects.toMatchObject({ code: "gateway.call-failed" });
  expect(calls).toBe(1);
});

it("tells of a server that starts late as soon as it is there", async () => {
  const fake = await modernFake(() => listOf("late"));
  await fake.stop();
  const { upstream, events } = openTestUpstream(http(fake));
  expect(await upstream.list("tools")).toEqual({ items: [], generation: 0 });
  expect(upstream.status()).toMatchObject({ state: "failed", error: expect.stringContaining("ECONNREFUSED") });
  await fake.start();
  await expect.poll(() => events, { timeout: 5000 }).toContainEqual({ type: "list-changed", kind: "tools" });
  expect((await upstream.list("tools")).items).toHaveLength(1);
});

it("speaks to servers of revision 2024-11-05 over their event stream", async () => {
  const open: ServerResponse[] = [];
  const fake = await httpFake(({ method, url, message }, res) => {
    if (method === "GET") {
      res.writeHead(200, { "content-type": "text/event-stream" }).write("event: endpoint\ndata: /messages?s=1\n\n");
      open.push(res);
    } else if (url !== "/messages?s=1") res.writeHead(405).end();
    else {
      res.writeHead(202).end("Accepted");
      const said = message?.method === "initialize" ? { ...LEGACY_HELLO, protocolVersion: "2024-11-05" } : CONTENT;
      if (message?.id !== undefined) for (const stream of open) sendEvents(stream, [replyTo(message, said)]);
    }
  });
  const { upstream } = openTestUpstream(http(fake));
  expect(await upstream.send(toolCall("a"))).toEqual(CONTENT);
  expect((await upstream.facts()).protocolVersion).toBe("2024-11-05");
});

it("sends credentials to no other origin, by redirect or by the address of an event stream", async () => {
  const other = await httpFake((_request, res) => void res.end());
  const elsewhere = await httpFake((_request, res) => void res.writeHead(307, { location: other.url }).end());
  const sse = await httpFake((_request, res) => {
    res.writeHead(200, { "content-type": "text/event-stream" }).write(`event: endpoint\ndata: ${other.url}\n\n`);
  });
  for (const transport of [http(elsewhere), http(sse, { kind: "sse" })]) {
    const { upstream } = openTestUpstream(transport);
    await expect(upstream.facts()).rejects.toMatchObject({ code: "gateway.server-unavailable" });
  }
  expect(other.heard).toEqual([]);
});

it("follows a redirect at the same origin with the same request", async () => {
  const fake = await modernFake(() => CONTENT);
  const front = await httpFake((request, res) => {
    if (request.url === "/mcp") res.writeHead(308, { location: "/mcp/" }).end();
    else if (request.message !== undefined)
      sendJson(res, replyTo(request.message, request.message.method === "server/discover" ? MODERN_HELLO : CONTENT));
  });
  const { upstream } = openTestUpstream(http(front));
  expect(await upstream.send(toolCall("a"))).toEqual(CONTENT);
  expect(fake.heard).toEqual([]);
});

it("takes credentials for each request, and new ones when they are refused", async () => {
  let token = "old";
  const renewals: unknown[] = [];
  const auth: UpstreamAuth = {
    headers: async (scope) => ({ Authorization: `Bearer ${token}-${scope}` }),
    renew: async (_scope, answer) => {
      renewals.push(answer);
      token = "new";
      return true;
    },
  };
  const fake = await httpFake(({ message, headers }, res) => {
    if (headers.authorization !== "Bearer new-p") res.writeHead(401, { "www-authenticate": 'Bearer scope="x"' }).end();
    else if (message !== undefined)
      sendJson(res, replyTo(message, message.method === "server/discover" ? MODERN_HELLO : CONTENT));
  });
  const { upstream } = openTestUpstream(http(fake, { auth }), { scope: "user" }, { scope: "p" });
  expect(await upstream.send(toolCall("a"))).toEqual(CONTENT);
  expect(renewals).toMatchObject([{ status: 401, wwwAuthenticate: 'Bearer scope="x"' }]);
});

it.each([
  ["a status", (res: ServerResponse) => void res.writeHead(500).end("<html>")],
  ["no JSON", (res: ServerResponse) => void res.writeHead(200, { "content-type": "application/json" }).end("{")],
  ["another's answer", (res: ServerResponse) => sendJson(res, { jsonrpc: "2.0", id: 99_999, result: {} })],
  [
    "half an answer",
    (res: ServerResponse) => void res.writeHead(200, { "content-length": "99" }).write("{", () => res.destroy()),
  ],
  ["an empty stream", (res: ServerResponse) => void res.writeHead(200, { "content-type": "text/event-stream" }).end()],
  ["a redirect", (res: ServerResponse) => void res.writeHead(302, { location: "/else" }).end()],
  ["nothing", (res: ServerResponse) => void res.destroy()],
  ["too much", (res: ServerResponse) => void res.writeHead(200).end(`"${"x".repeat(9 * 2 ** 20)}"`)],
])("survives a server that answers with %s", async (_what, answer) => {
  const fake = await modernFake(({ params }, res) => {
    if (params["name"] !== "broken") return CONTENT;
    answer(res);
    return undefined;
  });
  const { upstream } = openTestUpstream(http(fake));
  await expect(upstream.send(toolCall("broken"))).rejects.toMatchObject({ code: "gateway.call-failed" });
  expect(await upstream.send(toolCall("fine"))).toEqual(CONTENT);
});
