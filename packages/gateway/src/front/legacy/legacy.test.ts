// Clients of 2025-11-25 and older in front of a router that answers as told.
import { request as httpRequest } from "node:http";
import type { JsonObject } from "@pratique/core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Exchange } from "../../exchange/exchange.ts";
import { messagesOf, openFront, openMessages, type FrontFixture } from "../front.fixture.ts";
import { LEGACY_VERSIONS } from "../protocol.ts";

let fixture: FrontFixture;
const original: { respond?: FrontFixture["router"]["respond"] } = {};

beforeAll(async () => {
  fixture = await openFront();
  original.respond = fixture.router.respond;
});
afterAll(() => fixture.close());
beforeEach(() => {
  fixture.router.exchanges.length = 0;
});
afterEach(() => {
  fixture.router.respond = original.respond!;
});

interface Opened {
  readonly headers: Record<string, string>;
  readonly result: JsonObject;
  send(message: JsonObject | JsonObject[], more?: Record<string, string>): Promise<Response>;
  call(method: string, params?: JsonObject, id?: number | string): Promise<JsonObject | undefined>;
  get(more?: Record<string, string>): Promise<Response>;
}

async function open(version = "2025-11-25", capabilities: JsonObject = {}, on = fixture): Promise<Opened> {
  const params = { protocolVersion: version, capabilities, clientInfo: { name: "t", version: "0" } };
  const response = await on.post({ jsonrpc: "2.0", id: 0, method: "initialize", params });
  const [message] = await messagesOf(response);
  const headers = {
    "mcp-session-id": response.headers.get("mcp-session-id") ?? "",
    "mcp-protocol-version": LEGACY_VERSIONS.includes(version) ? version : LEGACY_VERSIONS[0]!,
  };
  const send: Opened["send"] = (sent, more = {}) => on.post(sent, { ...headers, ...more });
  return {
    headers,
    result: message?.["result"] as JsonObject,
    send,
    call: async (method, sent = {}, id = 1) =>
      (await messagesOf(await send({ jsonrpc: "2.0", id, method, params: sent }))).at(-1),
    get: (more = {}) =>
      fetch(on.url, { headers: { authorization: "Bearer ada", accept: "text/event-stream", ...headers, ...more } }),
  };
}

const tick = () => new Promise((resolve) => setTimeout(resolve, 20));

describe("a session", () => {
  it.each([...LEGACY_VERSIONS, "1999-01-01"])("speaks %s, or the newest that it has", async (version) => {
    const { result } = await open(version);
    expect(result).toMatchObject({
      protocolVersion: version === "1999-01-01" ? "2025-11-25" : version,
      serverInfo: { name: "fake" },
      capabilities: { tools: { listChanged: true } },
      instructions: "be kind",
    });
  });

  it("pings, calls, and tells what the server told", async () => {
    const session = await open("2025-11-25", { roots: {} });
    expect(await session.call("ping")).toEqual({ jsonrpc: "2.0", id: 1, result: {} });
    const params = { name: "t", arguments: { x: 1 }, _meta: { progressToken: 3, k: 1 } };
    const answer = await session.call("tools/call", params, "id");
    expect(answer).toMatchObject({ id: "id", result: { content: [{ type: "text" }] } });
    expect(fixture.router.exchanges[0]).toMatchObject({
      params: { name: "t", arguments: { x: 1 }, _meta: { k: 1 } },
      wantsProgress: true,
      client: { era: "legacy", protocolVersion: "2025-11-25", capabilities: { roots: {} }, info: { name: "t" } },
    });
    fixture.router.respond = async (exchange) => {
      exchange.notify({ method: "notifications/progress", params: { progress: 1 } });
      exchange.notify({ method: "notifications/message", params: { level: "debug", data: "x" } });
      return { content: [], resultType: "complete" };
    };
    const told = await messagesOf(await session.send({ jsonrpc: "2.0", id: 2, method: "tools/call", params }));
    expect(told).toMatchObject([
      { params: { progress: 1, progressToken: 3 } },
      { method: "notifications/message" },
      { id: 2, result: { content: [] } },
    ]);
    expect(told[2]?.["result"]).not.toHaveProperty("resultType");
    await session.call("logging/setLevel", { level: "error" });
    const quiet = await messagesOf(await session.send({ jsonrpc: "2.0", id: 2, method: "tools/call", params }));
    expect(quiet.map(({ method }) => method)).toEqual(["notifications/progress", undefined]);
    expect(fixture.router.exchanges.at(-1)?.client.logLevel).toBe("error");
  });

  it("asks its client on the stream of the call", async () => {
    const session = await open("2025-11-25", { elicitation: {}, sampling: {} });
    fixture.router.respond = async (exchange) => ({
      content: [],
      got: await exchange.ask({ method: "elicitation/create", params: { message: "?" } }),
    });
    const stream = openMessages(
      await session.send({ jsonrpc: "2.0", id: 9, method: "tools/call", params: { name: "t" } }),
    );
    const question = await stream.next();
    expect(question).toMatchObject({ method: "elicitation/create", params: { message: "?" } });
    const answer = { jsonrpc: "2.0", id: question?.["id"] ?? 0, result: { action: "decline" } };
    expect((await session.send(answer)).status).toBe(202);
    expect(await stream.next()).toMatchObject({ id: 9, result: { got: { action: "decline" } } });
    fixture.router.respond = (exchange) => exchange.ask({ method: "roots/list", params: {} });
    expect(await session.call("tools/call", { name: "t" })).toMatchObject({ error: { code: -32_601 } });
  });

  it("turns questions of a server of 2026-07-28 into requests, round by round", async () => {
    const session = await open("2025-11-25", { elicitation: { url: {} }, sampling: {} });
    const rounds: JsonObject[] = [];
    fixture.router.respond = async ({ params }) => {
      rounds.push(params);
      if (rounds.length === 1)
        return {
          resultType: "input_required",
          inputRequests: {
            a: { method: "elicitation/create", params: { mode: "url", url: "https://x.example", message: "?" } },
          },
          requestState: "one",
        };
      if (rounds.length === 2) return { resultType: "input_required", requestState: "two" };
      return { resultType: "complete", content: [] };
    };
    const stream = openMessages(
      await session.send({ jsonrpc: "2.0", id: 9, method: "tools/call", params: { name: "t" } }),
    );
    const question = await stream.next();
    expect(question?.["params"]).toMatchObject({
      mode: "url",
      elicitationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    await session.send({ jsonrpc: "2.0", id: question?.["id"] ?? 0, result: { action: "accept" } });
    expect(await stream.next()).toEqual({ jsonrpc: "2.0", id: 9, result: { content: [] } });
    expect(rounds).toEqual([
      { name: "t" },
      { name: "t", inputResponses: { a: { action: "accept" } }, requestState: "one" },
      { name: "t", requestState: "two" },
    ]);
  });

  it("is not asked for ever", async () => {
    const session = await open();
    fixture.router.respond = async () => ({ resultType: "input_required", requestState: "again" });
    expect(await session.call("tools/call", { name: "t" })).toMatchObject({ error: { code: -32_603 } });
    expect(fixture.router.exchanges.length).toBeLessThan(20);
  });

  it("cancels, and answers nothing to what was cancelled", async () => {
    const session = await open();
    const { promise: started, resolve: start } = Promise.withResolvers<Exchange>();
    fixture.router.respond = (exchange) =>
      new Promise((_resolve, reject) => {
        start(exchange);
        exchange.signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    const calling = session.send({ jsonrpc: "2.0", id: "c", method: "tools/call", params: { name: "t" } });
    const { signal } = await started;
    const double = await session.send({ jsonrpc: "2.0", id: "c", method: "ping" });
    expect((await messagesOf(double))[0]).toMatchObject({ id: "c", error: { code: -32_600 } });
    await session.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: "c" } });
    expect(await messagesOf(await calling)).toEqual([]);
    expect(signal.aborted).toBe(true);
  });

  it("belongs to whoever opened it, and ends with DELETE", async () => {
    const session = await open();
    const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
    expect((await fixture.post(ping, session.headers, "eve")).status).toBe(404);
    expect((await session.send(ping)).status).toBe(200);
    expect((await session.send(ping, { "mcp-protocol-version": "2030-01-01" })).status).toBe(400);
    const end = { method: "DELETE", headers: { ...session.headers, authorization: "Bearer ada" } };
    expect((await fetch(fixture.url, end)).status).toBe(200);
    expect((await session.send(ping)).status).toBe(404);
  });

  it("watches resources, and hears of changes on its GET stream", async () => {
    const session = await open();
    await session.call("resources/subscribe", { uri: "a://b" });
    const listener = fixture.router.listeners.at(-1)!;
    expect([...listener.watched]).toEqual(["a://b"]);
    const stream = openMessages(await session.get());
    listener.tell({ method: "notifications/resources/updated", params: { uri: "a://b" } });
    expect(await stream.next()).toMatchObject({ params: { uri: "a://b" } });
    listener.tell({ method: "notifications/elicitation/complete", params: { elicitationId: "somebody's" } });
    await session.call("resources/unsubscribe", { uri: "a://b" });
    expect(listener.watched.size).toBe(0);
    listener.tell({ method: "notifications/tools/list_changed", params: {} });
    expect(await stream.next()).toMatchObject({ method: "notifications/tools/list_changed" });
    await fetch(fixture.url, { method: "DELETE", headers: { ...session.headers, authorization: "Bearer ada" } });
    expect(await stream.next()).toBeUndefined();
    await expect.poll(() => listener.isEnded).toBe(true);
  });

  it("takes a broken stream up again where it broke", async () => {
    const session = await open();
    const { promise: go, resolve: letGo } = Promise.withResolvers<void>();
    fixture.router.respond = async (exchange) => {
      exchange.notify({ method: "notifications/message", params: { level: "info", data: 1 } });
      await go;
      exchange.notify({ method: "notifications/message", params: { level: "info", data: 2 } });
      return { content: [] };
    };
    const response = await session.send({ jsonrpc: "2.0", id: 5, method: "tools/call", params: { name: "t" } });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes('"data":1')) text += (await reader.read()).value;
    expect(text).toMatch(/^id: \w+\.0\nretry: \d+\ndata: \n\n/);
    await reader.cancel();
    const id = /id: (\w+\.1)\n/.exec(text)?.[1] ?? "";
    letGo();
    await tick();
    expect(await messagesOf(await session.get({ "last-event-id": id }))).toMatchObject([
      { params: { data: 2 } },
      { id: 5 },
    ]);
    const all = await messagesOf(await session.get({ "last-event-id": id.replace(/1$/, "0") }));
    expect(all).toHaveLength(3);
    expect((await session.get({ "last-event-id": "zz.1" })).status).toBe(400);
    expect((await session.get({ "last-event-id": "nonsense" })).status).toBe(400);
  });

  it("takes batches in 2025-03-26, and in no other revision", async () => {
    const batch = [
      { jsonrpc: "2.0", id: 1, method: "ping" },
      { jsonrpc: "2.0", method: "notifications/initialized" },
      { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "t" } },
    ];
    const old = await open("2025-03-26");
    const answers = await messagesOf(await old.send(batch));
    expect(answers.map(({ id }) => id)).toEqual([1, 2]);
    expect((await old.send([{ jsonrpc: "2.0", method: "notifications/initialized" }])).status).toBe(202);
    expect((await old.send([])).status).toBe(400);
    expect((await (await open()).send(batch)).status).toBe(400);
    fixture.router.respond = async (exchange) => {
      exchange.notify({ method: "notifications/message", params: { level: "info" } });
      return {};
    };
    const streamed = await old.send(batch);
    expect(streamed.headers.get("content-type")).toMatch(/^text\/event-stream/);
    const streamedMessages = await messagesOf(streamed);
    expect(new Set(streamedMessages.map(({ id, method }) => id ?? method))).toEqual(
      new Set([1, "notifications/message", 2]),
    );
  });

  it("goes on with a call whose client left when it can come back, and gives up one that it cannot", async () => {
    const session = await open();
    const seen: Exchange[] = [];
    fixture.router.respond = (exchange) => {
      seen.push(exchange);
      if (exchange.params["name"] === "streams")
        exchange.notify({ method: "notifications/message", params: { level: "info" } });
      return new Promise(() => undefined);
    };
    for (const name of ["streams", "silent"]) {
      const leave = new AbortController();
      const body = JSON.stringify({ jsonrpc: "2.0", id: name, method: "tools/call", params: { name } });
      const sent = new Promise<void>((resolve) => {
        const headers = { ...session.headers, authorization: "Bearer ada", "content-type": "application/json" };
        const req = httpRequest(fixture.url, { method: "POST", headers, signal: leave.signal });
        req.on("error", () => resolve());
        req.on("response", (res) => res.on("error", () => resolve()).on("data", () => leave.abort()));
        req.end(body);
      });
      await expect.poll(() => seen.some(({ params }) => params["name"] === name)).toBe(true);
      if (name === "silent") leave.abort();
      await sent;
    }
    const [streams, silent] = seen;
    await expect.poll(() => silent?.signal.aborted).toBe(true);
    expect(streams?.signal.aborted).toBe(false);
  });
});

describe("HTTP+SSE of 2024-11-05", () => {
  it("has one stream for all that goes to the client", async () => {
    const base = new URL(fixture.url).origin;
    const headers = { authorization: "Bearer ada", accept: "text/event-stream" };
    const response = await fetch(`${base}/sse`, { headers });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    const until = async (part: string): Promise<void> => {
      while (!text.includes(part)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`the stream ended before ${part}`);
        text += value;
      }
    };
    await until("\n\n");
    const path = /^event: endpoint\ndata: (\S+)\n\n/.exec(text)?.[1] ?? "";
    const post = (message: JsonObject, who = "ada") =>
      fetch(base + path, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${who}` },
        body: JSON.stringify({ jsonrpc: "2.0", ...message }),
      });
    expect((await post({ id: 1, method: "tools/list" })).status).toBe(202);
    await until('"code":-32600');
    const params = {
      protocolVersion: "2024-11-05",
      capabilities: { roots: {} },
      clientInfo: { name: "t", version: "0" },
    };
    await post({ id: 2, method: "initialize", params });
    await until('"protocolVersion":"2024-11-05"');
    fixture.router.respond = async (exchange) => ({
      content: [],
      roots: await exchange.ask({ method: "roots/list", params: {} }),
    });
    await post({ id: 3, method: "tools/call", params: { name: "t" } });
    await until('"method":"roots/list"');
    expect((await post({ id: 1, result: { roots: ["here"] } }, "eve")).status).toBe(404);
    await post({ id: 1, result: { roots: ["here"] } });
    await until('"roots":{"roots":["here"]}');
    fixture.router.listeners.at(-1)!.tell({ method: "notifications/tools/list_changed", params: {} });
    await until("notifications/tools/list_changed");
    await reader.cancel();
    await expect.poll(async () => (await post({ id: 4, method: "ping" })).status).toBe(404);
    expect((await fetch(`${base}/sse`, { method: "POST", headers })).status).toBe(405);
  });
});
