// Clients of 2026-07-28 in front of a router that answers as told.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { McpError } from "../exchange/mcp-error.ts";
import { messagesOf, openFront, openMessages, type FrontFixture } from "./front.fixture.ts";
import { META } from "./protocol.ts";

let fixture: FrontFixture;

beforeAll(async () => {
  fixture = await openFront();
});
afterAll(() => fixture.close());
beforeEach(() => {
  fixture.router.exchanges.length = 0;
});

async function errorOf(response: Response): Promise<unknown> {
  const [message] = await messagesOf(response);
  return [response.status, message?.["id"], (message?.["error"] as { code: number } | undefined)?.code];
}

describe("a request", () => {
  it("is answered as JSON, complete, with the gateway's name", async () => {
    const response = await fixture.modern("tools/call", { name: "t", arguments: { a: 1 } }, { id: "x" });
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toMatchObject({
      id: "x",
      result: { resultType: "complete", content: [{}], _meta: { [META.serverInfo]: { name: "pratique" } } },
    });
    const [exchange] = fixture.router.exchanges;
    expect(exchange?.params).toEqual({ name: "t", arguments: { a: 1 } });
    expect(exchange?.client).toMatchObject({ era: "modern", info: { name: "test" } });
  });

  it("hands on what it does not know, and nothing of the connection", async () => {
    const meta = { traceparent: "00-1", "com.example/x": [1], "io.modelcontextprotocol/related-task": { taskId: "1" } };
    await fixture.modern("x/y", { z: 1 }, { meta, headers: { "mcp-param-region": "eu", "mcp-method": "x/y" } });
    const [exchange] = fixture.router.exchanges;
    expect(exchange).toMatchObject({
      method: "x/y",
      params: { z: 1, _meta: meta },
      headers: { "mcp-param-region": "eu" },
    });
    expect(Object.keys(exchange?.params["_meta"] ?? {})).toEqual(Object.keys(meta));
  });

  it("gives lists hints for caches, and keeps the server's", async () => {
    expect(await (await fixture.modern("tools/list")).json()).toMatchObject({
      result: { ttlMs: 0, cacheScope: "private" },
    });
    fixture.router.respond = async () => ({ tools: [], ttlMs: 9, cacheScope: "public" });
    expect(await (await fixture.modern("tools/list")).json()).toMatchObject({
      result: { ttlMs: 9, cacheScope: "public" },
    });
  });

  it("becomes a stream with the first notification", async () => {
    fixture.router.respond = async (exchange) => {
      exchange.notify({ method: "notifications/progress", params: { progress: 1 } });
      exchange.notify({ method: "notifications/message", params: { level: "debug", data: "low" } });
      exchange.notify({ method: "notifications/message", params: { level: "error", data: "high" } });
      return { content: [] };
    };
    const meta = { progressToken: 7, [META.logLevel]: "warning" };
    const response = await fixture.modern("tools/call", { name: "t" }, { meta });
    expect(response.headers.get("x-accel-buffering")).toBe("no");
    expect(await messagesOf(response)).toMatchObject([
      { method: "notifications/progress", params: { progress: 1, progressToken: 7 } },
      { method: "notifications/message", params: { data: "high" } },
      { id: 1, result: {} },
    ]);
    const plain = await fixture.modern("tools/call", { name: "t" });
    expect(plain.headers.get("content-type")).toBe("application/json");
  });

  it("is cancelled when its client goes", async () => {
    const { promise: cancelled, resolve } = Promise.withResolvers<void>();
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    fixture.router.respond = ({ signal }) =>
      new Promise((_resolve, reject) => {
        start();
        signal.addEventListener("abort", () => {
          resolve();
          reject(new Error("gone"));
        });
      });
    const leave = new AbortController();
    const asking = fixture.modern("tools/call", { name: "t" }, { signal: leave.signal });
    await started;
    leave.abort();
    await expect(asking).rejects.toThrow(/abort/i);
    await cancelled;
  });

  it("tells errors with the status that the revision wants", async () => {
    const fail = (code: number) => {
      fixture.router.respond = async () => {
        throw new McpError(code, "no");
      };
      return fixture.modern("tools/call", { name: "t" });
    };
    expect(await errorOf(await fail(-32_601))).toEqual([404, 1, -32_601]);
    expect(await errorOf(await fail(-32_021))).toEqual([400, 1, -32_021]);
    expect(await errorOf(await fail(-32_002))).toEqual([200, 1, -32_602]);
    expect(await errorOf(await fail(-7))).toEqual([200, 1, -7]);
    fixture.router.respond = async () => {
      throw new Error("/secret/path");
    };
    const response = await fixture.modern("tools/call", { name: "t" });
    expect(await response.text()).not.toContain("secret");
  });
});

describe("what does not fit", () => {
  it.each([
    ["a version that nobody has", { "mcp-protocol-version": "v9" }, { [META.version]: "v9" }, -32_022],
    ["a version header of another", { "mcp-protocol-version": "v9" }, {}, -32_020],
    ["another method in the header", { "mcp-method": "tools/list" }, {}, -32_020],
    ["a method of other letters", { "mcp-method": "TOOLS/CALL" }, {}, -32_020],
    ["another name in the header", { "mcp-name": "u" }, {}, -32_020],
    ["a name that is no base64", { "mcp-name": "=?base64?dA=?=" }, {}, -32_020],
    ["no capabilities", {}, { [META.capabilities]: null }, -32_602],
    ["a level that is none", {}, { [META.logLevel]: "loud" }, -32_602],
  ])("is refused: %s", async (_what, headers, meta, code) => {
    const response = await fixture.modern("tools/call", { name: "t" }, { headers, meta, id: 5 });
    expect(await errorOf(response)).toEqual([400, 5, code]);
    expect(fixture.router.exchanges).toEqual([]);
  });

  it("is not refused: a name in base64, or with spaces around", async () => {
    fixture.router.respond = async () => ({});
    for (const name of ["=?base64?dA==?=", "  t "])
      expect((await fixture.modern("tools/call", { name: "t" }, { headers: { "mcp-name": name } })).status).toBe(200);
  });

  it("is refused: an argument that its header does not repeat", async () => {
    const inputSchema = { type: "object", properties: { n: { type: "integer", "x-mcp-header": "Num" } } };
    fixture.router.tools["t"] = { name: "t", inputSchema };
    const call = async (args: Record<string, number>, headers: Record<string, string>) =>
      (await fixture.modern("tools/call", { name: "t", arguments: args }, { headers })).status;
    expect(await call({ n: 42 }, { "mcp-param-num": "42.0" })).toBe(200);
    expect(await call({ n: 42 }, { "mcp-param-num": "43" })).toBe(400);
    expect(await call({ n: 42 }, {})).toBe(400);
    expect(await call({}, { "mcp-param-num": "43" })).toBe(400);
    expect(await call({}, { "mcp-param-other": "plain" })).toBe(200);
    delete fixture.router.tools["t"];
  });

  it.each(["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"])(
    "has no method %s any more",
    async (method) => expect(await errorOf(await fixture.modern(method))).toEqual([404, 1, -32_601]),
  );
});

describe("subscriptions/listen", () => {
  const wanted = { notifications: { toolsListChanged: true, resourceSubscriptions: ["a://b"] } };

  it("acknowledges first, marks each message, and tells only what was asked for", async () => {
    const stream = openMessages(await fixture.modern("subscriptions/listen", wanted, { id: "sub" }));
    expect(await stream.next()).toEqual({
      jsonrpc: "2.0",
      method: "notifications/subscriptions/acknowledged",
      params: { _meta: { [META.subscription]: "sub" }, notifications: wanted.notifications },
    });
    const { tell } = fixture.router.listeners.at(-1)!;
    tell({ method: "notifications/prompts/list_changed", params: {} });
    tell({ method: "notifications/message", params: { level: "error" } });
    tell({ method: "notifications/resources/updated", params: { uri: "other://" } });
    tell({ method: "notifications/resources/updated", params: { uri: "a://b", _meta: { k: 1 } } });
    expect(await stream.next()).toMatchObject({
      params: { uri: "a://b", _meta: { k: 1, [META.subscription]: "sub" } },
    });
    await stream.cancel();
    await expect.poll(() => fixture.router.listeners.at(-1)?.isEnded).toBe(true);
  });

  it("ends in the words that mean it", async () => {
    const other = await openFront();
    const stream = openMessages(await other.modern("subscriptions/listen", wanted, { id: 3 }));
    await stream.next();
    await other.front.close();
    expect(await stream.next()).toMatchObject({ id: 3, result: { resultType: "complete" } });
    expect(await stream.next()).toBeUndefined();
    await other.close();
  });

  it("wants a filter", async () => {
    expect(await errorOf(await fixture.modern("subscriptions/listen"))).toEqual([400, 1, -32_602]);
  });
});
