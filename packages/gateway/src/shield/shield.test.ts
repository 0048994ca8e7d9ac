// Secrets on every path through a real gateway, in both directions; and servers that change under its eyes.
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { DriftConfig, InterceptorConfig, SecretGuardConfig } from "@pratique/contracts";
import { isJsonObject, silentLog, systemClock, type JsonObject } from "@pratique/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listening, openGateway, textOf, type GatewayFixture } from "../gateway.fixture.ts";
import { openInterceptors } from "./interceptors/open-interceptors.ts";
import { SecretGuard, type HeldSecrets } from "./secret-guard.ts";
import { ServerDrift } from "./server-drift.ts";
import { openSaidServer, type SaidServer } from "./shield.fixture.ts";

const SECRET = `ghp_${"A1b2".repeat(9)}`;
const HELD = "tidal-harbor-pilot-77";
const BASE64 = Buffer.from(SECRET).toString("base64");
const TOOL = { name: "say", description: "Says it.", inputSchema: { type: "object" } };
const ok: JsonObject = { content: [{ type: "text", text: "fine" }] };

let server: SaidServer;
let fixture: GatewayFixture | undefined;
beforeEach(async () => {
  server = await openSaidServer("said", [TOOL]);
  server.says["tools/call"] = ok;
});
afterEach(async () => {
  await fixture?.close();
  await server.close();
});

async function open(config: Partial<SecretGuardConfig> = {}, allowed: ReadonlySet<string> = new Set()) {
  const held: HeldSecrets = { generation: 1, entries: () => [{ name: "harbor", value: HELD }] };
  const screen = new SecretGuard({
    config: SecretGuardConfig.parse(config),
    held,
    isAllowed: (fingerprint) => allowed.has(fingerprint),
  });
  fixture = await openGateway({ screen });
  fixture.gateway.addServer(server.definition);
  return await fixture.connect("owner");
}

/** Whether any form of either secret is in it. */
const leaks = (value: unknown): boolean =>
  new RegExp(
    `ghp_|A1b2A1b2|${BASE64.slice(6, 30)}|harbor-pilot|${Buffer.from(HELD).toString("base64").slice(0, 16)}`,
  ).test(JSON.stringify(value));

describe("what a tool answers", () => {
  it.each<[string, JsonObject]>([
    ["text", { content: [{ type: "text", text: `token ${SECRET}` }] }],
    ["structured content", { ...ok, structuredContent: { deep: [{ token: SECRET }], [SECRET]: 1 } }],
    ["an embedded resource", { content: [{ type: "resource", resource: { uri: "x://y", text: SECRET } }] }],
    ["a blob", { content: [{ type: "resource", resource: { uri: "x://y", blob: BASE64 } }] }],
    ["_meta", { ...ok, _meta: { "vendor/x": { token: SECRET } } }],
    ["base64", { content: [{ type: "text", text: `see ${BASE64} here` }] }],
    ["gzip in base64", { content: [{ type: "text", text: gzipSync(`x ${SECRET}`).toString("base64") }] }],
    ["a link", { content: [{ type: "resource_link", name: "l", uri: `https://x.example/?t=${SECRET}` }] }],
    ["an address with a password", { content: [{ type: "text", text: `https://me:${SECRET}@x.example/` }] }],
    [
      "two blocks",
      {
        content: [
          { type: "text", text: SECRET.slice(0, 9) },
          { type: "text", text: SECRET.slice(9) },
        ],
      },
    ],
    ["a value of the house", { content: [{ type: "text", text: `it is ${HELD}.` }] }],
    ["a value of the house in base64", { ...ok, structuredContent: { x: Buffer.from(HELD).toString("base64") } }],
    ["an error as a result", { content: [{ type: "text", text: SECRET }], isError: true }],
  ])("shows no secret in %s, and its record says what was taken out", async (_path, result) => {
    const client = await open();
    server.says["tools/call"] = result;
    const answer = await client.callTool({ name: "say", arguments: {} });
    expect(leaks(answer)).toBe(false);
    expect(JSON.stringify(answer)).toMatch(/«|wq[ts]|H4sI/);
    const record = fixture?.records.findLast(({ action }) => action === "tool:call");
    expect(record?.details).toMatchObject({
      resultRedactions: expect.arrayContaining([
        expect.stringMatching(/^(?:github-token|url-password|secret:harbor):[0-9a-f]{12}$/),
      ]),
    });
    expect(leaks(fixture?.records)).toBe(false);
  });

  it.each([2, 4])("lets no secret through in %i parts of progress", async (count) => {
    const client = await open();
    const told: unknown[] = [];
    const size = Math.ceil(SECRET.length / count);
    const parts = Array.from({ length: count }, (_, at) => SECRET.slice(at * size, (at + 1) * size));
    server.notifications = parts.map((message, progress) => ({
      method: "notifications/progress",
      params: { progress, message },
    }));
    await client.callTool({ name: "say", arguments: {} }, { onprogress: (progress) => void told.push(progress) });
    expect(JSON.stringify(told.at(-1))).not.toContain(parts.at(-1));
    expect(JSON.stringify(told)).toContain("«github-token»");
  });

  it("shows none in progress, logs and errors", async () => {
    const client = await open();
    const told: unknown[] = [];
    server.notifications = [
      { method: "notifications/progress", params: { progress: 1, message: `at ${SECRET}` } },
      { method: "notifications/message", params: { level: "error", data: { token: SECRET } } },
    ];
    server.says["tools/call"] = { error: { code: -32_050, message: `no ${HELD}`, data: { token: SECRET } } };
    const failure: unknown = await client
      .callTool({ name: "say", arguments: {} }, { onprogress: (progress) => void told.push(progress) })
      .catch((error: unknown) => ({ message: String(error), data: Reflect.get(Object(error), "data") }));
    expect(told).toHaveLength(1);
    expect(leaks([told, failure])).toBe(false);
    expect(JSON.stringify(failure)).toContain("«");
  });
});

it("shows no secret in what is read, got and listed", async () => {
  server.says["tools/list"] = { tools: [{ ...TOOL, description: `With ${SECRET}` }] };
  const client = await open();
  server.says["resources/read"] = { contents: [{ uri: "said://r", text: SECRET, _meta: { x: SECRET } }] };
  server.says["prompts/get"] = { messages: [{ role: "user", content: { type: "text", text: `use ${SECRET}` } }] };
  const seen = [
    await client.readResource({ uri: "said://r" }),
    await client.getPrompt({ name: "p" }),
    await client.listTools(),
  ];
  expect(leaks(seen)).toBe(false);
  expect(JSON.stringify(seen).match(/«github-token/g)).toHaveLength(4);
});

describe("what is sent to a server", () => {
  const send = { name: "say", arguments: { note: `keep ${SECRET}`, same: BASE64 } };

  it("is refused when it holds a secret, and says how to let it through", async () => {
    const client = await open();
    await expect(client.callTool(send)).rejects.toThrow(/said holds a secret \(github-token\)/);
    expect(server.heard.filter(({ method }) => method === "tools/call")).toEqual([]);
    const record = fixture?.records.findLast(({ action }) => action === "tool:call");
    expect(record).toMatchObject({ outcome: "failed" });
    expect(leaks(record)).toBe(false);
  });

  it("is redacted where the configuration says so", async () => {
    const client = await open({ servers: { said: { arguments: "redact" } } });
    await client.callTool(send);
    expect(leaks(server.heard)).toBe(false);
    expect(fixture?.records.findLast(({ action }) => action === "tool:call")?.details).toMatchObject({
      argumentRedactions: [expect.stringMatching(/^github-token:/)],
    });
  });

  it("passes as it is where it is off, or was let through by its fingerprint", async () => {
    const client = await open({ arguments: "off" });
    await client.callTool(send);
    expect(server.heard.findLast(({ method }) => method === "tools/call")?.params["arguments"]).toEqual(send.arguments);
    await fixture?.close();
    const digest = new SecretGuard({ config: SecretGuardConfig.parse({ arguments: "redact" }) })
      .value(SECRET, { direction: "to-server", server: "said", what: "say" })
      .redactions[0]?.split(":")[1];
    const again = await open({}, new Set([digest ?? ""]));
    await again.callTool(send);
    expect(server.heard.findLast(({ method }) => method === "tools/call")?.params["arguments"]).toEqual(send.arguments);
  });

  it("is looked at beside the arguments, too: answers to questions, metadata, headers", async () => {
    await open();
    const call = async (params: JsonObject, headers: Readonly<Record<string, string>> = {}) => {
      const meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { name: "c", version: "1" },
      };
      const own = isJsonObject(params["_meta"]) ? params["_meta"] : {};
      const response = await fetch(fixture?.url ?? "", {
        method: "POST",
        headers: {
          authorization: "Bearer owner",
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          "mcp-protocol-version": "2026-07-28",
          "mcp-method": "tools/call",
          "mcp-name": "say",
          ...headers,
        },
        body: JSON.stringify({
          jsonrpc: "2.0",
          id: 1,
          method: "tools/call",
          params: { name: "say", arguments: {}, ...params, _meta: { ...own, ...meta } },
        }),
      });
      return await response.text();
    };
    const answered = { q: { action: "accept", content: { token: SECRET } } };
    expect(await call({ inputResponses: answered })).toContain("gateway.secret-blocked");
    expect(await call({ _meta: { "vendor/x": SECRET } })).toContain("gateway.secret-blocked");
    expect(await call({}, { "mcp-param-region": SECRET })).not.toContain("fine");
    expect(leaks(server.heard)).toBe(false);
    expect(await call({})).toContain("fine");
  });

  it("never carries what the house holds", async () => {
    const client = await open();
    await expect(client.callTool({ name: "say", arguments: { x: HELD } })).rejects.toThrow(/secret:harbor/);
  });
});

it("blocks answers where the configuration says so", async () => {
  const client = await open({ results: "block" });
  server.says["tools/call"] = { content: [{ type: "text", text: SECRET }] };
  await expect(client.callTool({ name: "say", arguments: {} })).rejects.toThrow(/said answered holds a secret/);
});

it("asks an interceptor, does as it says, and records what it did", async () => {
  const seen: string[] = [];
  const judge = createServer((req, res) => {
    void buffer(req).then((body) => {
      const question: unknown = JSON.parse(body.toString());
      seen.push(body.toString());
      const isAfter = isJsonObject(question) && question["when"] === "after";
      const changed = isAfter
        ? { answer: { content: [{ type: "text", text: `now with ${SECRET}` }] } }
        : { params: { name: "other", arguments: { changed: true } } };
      res.end(JSON.stringify({ action: "change", ...changed }));
    });
  });
  const url = `http://127.0.0.1:${await listening(judge)}/`;
  const config = InterceptorConfig.parse({ name: "judge", url, when: ["before", "after"] });
  const interceptors = await openInterceptors([config], { directory: "/", log: silentLog });
  fixture = await openGateway({
    interceptors: interceptors!,
    screen: new SecretGuard({ config: SecretGuardConfig.parse({}) }),
  });
  fixture.gateway.addServer(server.definition);
  const client = await fixture.connect("owner", { era: "modern" });
  const answer = await client.callTool({ name: "say", arguments: { a: 1 } });
  expect(textOf(answer)).toMatch(/^now with «github-token:.{4}»$/);
  expect(server.heard.at(-1)).toMatchObject({ params: { name: "say", arguments: { changed: true } } });
  expect(fixture.records.findLast(({ action }) => action === "tool:call")?.details).toMatchObject({
    arguments: { changed: true },
    interceptedBefore: [{ name: "judge", did: "changed" }],
    interceptedAfter: [{ name: "judge", did: "changed" }],
  });
  expect(seen).toHaveLength(2);
  await interceptors?.close();
  judge.closeAllConnections();
  judge.close();
});

describe("a server that changes", () => {
  async function openWithDrift() {
    const drift = new ServerDrift({
      config: DriftConfig.parse({}),
      clock: systemClock,
      pins: [],
      keep: async () => undefined,
      tell: () => undefined,
    });
    fixture = await openGateway({ drift });
    fixture.gateway.addServer(server.definition);
    return { drift, client: await fixture.connect("owner") };
  }
  const names = async (client: Awaited<ReturnType<typeof openWithDrift>>["client"]) =>
    (await client.listTools()).tools.map(({ name }) => name);

  it("shows nothing at all when its instructions changed", async () => {
    const { client } = await openWithDrift();
    expect(await names(client)).toEqual(["say"]);
    server.says["initialize"] = { ...server.says["initialize"], instructions: "Always call say first." };
    await fixture?.gateway.removeServer("said");
    fixture?.gateway.addServer(server.definition);
    expect(await names(client)).toEqual([]);
    expect((await client.listPrompts()).prompts).toEqual([]);
    expect((await client.listResources()).resources).toEqual([]);
    await expect(client.readResource({ uri: "said://r" })).rejects.toThrow(/no server has the resource/);
    const again = await fixture?.connect("owner");
    expect(again?.getInstructions()).toBeUndefined();
  });

  it("loses the tool that changed, until a person has approved it", async () => {
    const other = { ...TOOL, name: "other" };
    server.says["tools/list"] = { tools: [TOOL, other] };
    const { drift, client } = await openWithDrift();
    expect(await names(client)).toEqual(["say", "other"]);
    server.says["tools/list"] = { tools: [{ ...TOOL, description: "Says it. Now also elsewhere." }, other] };
    await fixture?.gateway.removeServer("said");
    fixture?.gateway.addServer(server.definition);
    expect(await names(client)).toEqual(["other"]);
    const refused = await client.callTool({ name: "say", arguments: {} });
    expect(textOf(refused)).toBe("denied: policy drift.held forbids say");
    expect(textOf(await client.callTool({ name: "other", arguments: {} }))).toBe("fine");
    expect(fixture?.records.findLast(({ outcome }) => outcome === "denied")).toMatchObject({
      remedy: expect.stringContaining("pratique gateway approve"),
    });
    await drift.approve("said", drift.review("said").digest ?? "", "owner");
    fixture?.gateway.changed();
    expect(await names(client)).toEqual(["say", "other"]);
    expect(textOf(await client.callTool({ name: "say", arguments: {} }))).toBe("fine");
  });
});
