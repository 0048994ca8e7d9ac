// The gateway between a real client and real servers.
import { createServer } from "node:http";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  fakeServer,
  listening,
  openGateway,
  sendResponse,
  textOf,
  webRequest,
  type GatewayFixture,
} from "./gateway.fixture.ts";
import { DECISION_META } from "./index.ts";

const READ_ONLY = Object.fromEntries(
  ["echo", "env", "fail", "steps", "leak", "big", "exit", "hang", "grow", "grown"].map((name) => [
    name,
    { readOnly: true },
  ]),
);

let fixture: GatewayFixture;

beforeAll(async () => {
  fixture = await openGateway();
  fixture.gateway.addServer(fakeServer("good", "mcp-good.ts", [], { verdicts: READ_ONLY, digest: "sha256:good" }));
});
afterAll(() => fixture.close());

describe.each(["legacy", "modern"] as const)("for a %s client", (era) => {
  it("lists, calls and records", async () => {
    const client = await fixture.connect("agent", { era });
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain("echo");
    const result = await client.callTool({ name: "echo", arguments: { text: "ahoy" } });
    expect(textOf(result)).toBe("ahoy");
    const record = fixture.records.at(-1);
    expect(record).toMatchObject({
      action: "tool:call",
      decision: "allow",
      outcome: "done",
      run: "r1",
      resource: { type: "Tool", id: "good/echo", digest: "sha256:good" },
      details: { arguments: { text: "ahoy" }, argumentsBytes: 15 },
    });
    expect(record?.details?.["resultDigest"]).toMatch(/^sha256:/);
    expect(result._meta?.[DECISION_META]).toMatchObject({ allow: true, decision: "allow", record: record?.id });
  });

  it("denies a tool that writes, in the words that agents know", async () => {
    const client = await fixture.connect("agent", { era });
    const result = await client.callTool({ name: "write" });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toBe("denied: policy no-writes forbids write");
    expect(result._meta?.[DECISION_META]).toMatchObject({
      allow: false,
      decision: "deny",
      policies: ["no-writes"],
      policy: "no-writes",
      record: fixture.records.at(-1)?.id,
    });
    expect(fixture.records.at(-1)).toMatchObject({ decision: "deny", outcome: "denied" });
  });

  it("lets the owner write", async () => {
    const client = await fixture.connect("owner", { era });
    expect(textOf(await client.callTool({ name: "write" }))).toBe("written");
  });

  it("shows nothing to whom nothing is allowed, and denies what he guesses", async () => {
    const client = await fixture.connect("stranger", { era });
    expect((await client.listTools()).tools).toEqual([]);
    expect((await client.listPrompts()).prompts).toEqual([]);
    const result = await client.callTool({ name: "echo", arguments: { text: "x" } });
    expect(textOf(result)).toBe("denied: no policy allows echo");
  });

  it("passes on progress, a tool's own failure, and the lack of a tool", async () => {
    const client = await fixture.connect("agent", { era });
    const seen: number[] = [];
    const result = await client.callTool({ name: "steps" }, { onprogress: ({ progress }) => void seen.push(progress) });
    expect(textOf(result)).toBe("there");
    expect(seen).toEqual([1, 2, 3]);
    expect(await client.callTool({ name: "fail" })).toMatchObject({ isError: true });
    await expect(client.callTool({ name: "nothing" })).rejects.toMatchObject({ code: -32_602 });
  });

  it("passes on resources, templates and prompts", async () => {
    const client = await fixture.connect("agent", { era });
    expect((await client.listResources()).resources.map(({ uri }) => uri)).toEqual(["good://readme"]);
    expect((await client.listResourceTemplates()).resourceTemplates).toHaveLength(1);
    const read = await client.readResource({ uri: "good://readme" });
    expect(JSON.stringify(read.contents)).toMatch(/read me, and «github-token/);
    expect(fixture.records.at(-1)).toMatchObject({ action: "resource:read", resource: { type: "Server", id: "good" } });
    expect(JSON.stringify((await client.readResource({ uri: "good://page/7" })).contents)).toContain("page 7");
    await expect(client.readResource({ uri: "other://x" })).rejects.toMatchObject({ code: -32_602 });
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(["greet"]);
    const prompt = await client.getPrompt({ name: "greet", arguments: { who: "Ada" } });
    expect(JSON.stringify(prompt.messages)).toContain("Hello Ada");
    expect(fixture.records.at(-1)).toMatchObject({ action: "prompt:get", details: { prompt: "greet" } });
  });

  it("lets no secret through, and no word in the gateway's name", async () => {
    const client = await fixture.connect("agent", { era });
    const result = await client.callTool({ name: "leak" });
    expect(JSON.stringify(result)).not.toContain("ghp_");
    expect(JSON.stringify(result)).not.toContain("forged");
    expect(result._meta?.[DECISION_META]).toMatchObject({ record: fixture.records.at(-1)?.id });
    expect(JSON.stringify(fixture.records)).not.toContain("ghp_");
  });

  it("bounds a result", async () => {
    const client = await fixture.connect("agent", { era });
    expect(textOf(await client.callTool({ name: "big", arguments: { bytes: 100_000 } }))).toHaveLength(100_000);
    const result = await client.callTool({ name: "big", arguments: { bytes: 2_000_000 } });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toContain("bytes, and 1048576 are allowed");
    expect(fixture.records.at(-1)).toMatchObject({ outcome: "failed", error: { code: "gateway.result-too-large" } });
  });

  it("survives a server that ends in the middle of a call", async () => {
    const client = await fixture.connect("agent", { era });
    const result = await client.callTool({ name: "exit" });
    expect(result.isError).toBe(true);
    expect(textOf(result)).toMatch(/^failed: good did not answer exit/);
    await expect
      .poll(async () => textOf(await client.callTool({ name: "echo", arguments: { text: "back" } })), {
        timeout: 15_000,
      })
      .toBe("back");
  });
});

describe("the front door", () => {
  const post = (headers: Record<string, string>, body: string) =>
    fetch(fixture.url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...headers },
      body,
    });
  const initialize = JSON.stringify({
    jsonrpc: "2.0",
    id: 1,
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "0" } },
  });

  it("asks for a token", async () => {
    const response = await post({}, initialize);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(await response.json()).toMatchObject({ error: { data: { code: "gateway.unauthorized" } } });
  });

  it("answers no page of another origin", async () => {
    const response = await post({ authorization: "Bearer owner", origin: "https://evil.example" }, initialize);
    expect(response.status).toBe(403);
    expect((await post({ authorization: "Bearer owner", origin: "http://localhost:1" }, initialize)).status).toBe(200);
  });

  it("keeps a session for whoever opened it", async () => {
    const opened = await post({ authorization: "Bearer owner" }, initialize);
    const session = opened.headers.get("mcp-session-id") ?? "";
    const ping = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "ping" });
    const headers = { "mcp-session-id": session, "mcp-protocol-version": "2025-11-25" };
    expect((await post({ ...headers, authorization: "Bearer agent" }, ping)).status).toBe(404);
    expect((await post({ ...headers, authorization: "Bearer owner" }, ping)).status).toBe(200);
    const end = { method: "DELETE", headers: { ...headers, authorization: "Bearer owner" } };
    expect((await fetch(fixture.url, end)).status).toBe(200);
    expect((await post({ ...headers, authorization: "Bearer owner" }, ping)).status).toBe(404);
  });

  it("refuses what is too large, too deep, no JSON, or no request", async () => {
    const token = { authorization: "Bearer owner" };
    expect((await post(token, "{")).status).toBe(400);
    expect((await post(token, `${"[".repeat(5000)}${"]".repeat(5000)}`)).status).toBe(400);
    expect((await post(token, JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }))).status).toBe(400);
    expect((await fetch(fixture.url, { headers: token })).status).toBe(405);
    const large = await post(token, `"${"x".repeat(5_000_000)}"`).then(
      ({ status }) => status,
      () => 413,
    );
    expect(large).toBe(413);
  });
});

describe("several servers", () => {
  it("names what collides after its server, and keeps profiles apart", async () => {
    const two = await openGateway();
    two.gateway.addServer(fakeServer("b", "mcp-good.ts", [], { verdicts: READ_ONLY }));
    two.gateway.addServer(fakeServer("a", "mcp-good.ts", [], { verdicts: READ_ONLY }));
    two.gateway.addServer(fakeServer("odd", "mcp-hostile.ts", ["garbage"], { verdicts: { odd: { readOnly: true } } }));
    const client = await two.connect("agent");
    const names = (await client.listTools()).tools.map(({ name }) => name);
    expect(names).toContain("a__echo");
    expect(names.indexOf("a__echo")).toBeLessThan(names.indexOf("b__echo"));
    expect(names).toContain("odd");
    expect(textOf(await client.callTool({ name: "b__echo", arguments: { text: "to b" } }))).toBe("to b");
    expect(two.records.at(-1)?.resource.id).toBe("b/echo");
    const denied = await client.callTool({ name: "a__write" });
    expect(textOf(denied)).toBe("denied: policy no-writes forbids a__write");
    const one = await two.connect("agent", { profile: "a" });
    expect((await one.listTools()).tools.map(({ name }) => name)).toContain("echo");
    await expect(one.callTool({ name: "odd" })).rejects.toMatchObject({ code: -32_602 });
    await two.close();
  });

  it("is not held up by servers that flood, end, or lie; nor by one that knows no newer revision", async () => {
    const many = await openGateway();
    many.gateway.addServer(fakeServer("good", "mcp-good.ts", [], { verdicts: READ_ONLY }));
    for (const mode of ["garbage", "flood", "exit", "swamp", "pingpong", "legacy"]) {
      many.gateway.addServer(fakeServer(mode, "mcp-hostile.ts", [mode], { verdicts: { odd: { readOnly: true } } }));
    }
    const client = await many.connect("agent");
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toContain("echo");
    expect(tools.length).toBeLessThan(600);
    expect(tools.map(({ name }) => name)).not.toContain("huge");
    // It is being started again now and then.
    await expect
      .poll(() => many.gateway.servers().find(({ name }) => name === "exit"), { timeout: 20_000 })
      .toMatchObject({ state: "failed", tools: 0 });
    await expect
      .poll(() => many.gateway.servers().find(({ name }) => name === "legacy"), { timeout: 20_000 })
      .toMatchObject({ state: "ready" });
    const legacy = await many.connect("agent", { profile: "legacy" });
    expect(textOf(await legacy.callTool({ name: "odd" }))).toBe("odd");
    await many.close();
  });

  it.each(["legacy", "modern"] as const)("tells a %s client of tools that came and went", async (era) => {
    const growing = await openGateway();
    growing.gateway.addServer(fakeServer("good", "mcp-good.ts", [], { verdicts: READ_ONLY }));
    let names: string[] = [];
    const onChanged = (_error: Error | null, tools: readonly { name: string }[] | null): void => {
      names = (tools ?? []).map(({ name }) => name);
    };
    const client = await growing.connect("agent", { era, client: { listChanged: { tools: { onChanged } } } });
    await client.callTool({ name: "grow" });
    await expect.poll(() => names, { timeout: 10_000 }).toContain("grown");
    await growing.gateway.removeServer("good");
    await expect.poll(() => names, { timeout: 10_000 }).toEqual([]);
    await growing.close();
  });

  it("cancels upstream when the client gives up", async () => {
    const client = await fixture.connect("agent");
    const giveUp = new AbortController();
    const call = client.callTool({ name: "hang" }, { signal: giveUp.signal });
    giveUp.abort();
    await expect(call).rejects.toThrow(/abort/i);
    expect(textOf(await client.callTool({ name: "echo", arguments: { text: "still here" } }))).toBe("still here");
  });
});

describe("policy", () => {
  it("forbids a server that is not isolated, unless that was accepted; and one that is not cleared", async () => {
    const strict = await openGateway();
    const more = { verdicts: READ_ONLY };
    strict.gateway.addServer(fakeServer("loose", "mcp-good.ts", [], { ...more, isolated: false }));
    strict.gateway.addServer(
      fakeServer("accepted", "mcp-good.ts", [], { ...more, isolated: false, allowUnisolated: true }),
    );
    strict.gateway.addServer(fakeServer("uncleared", "mcp-good.ts", [], { ...more, cleared: async () => false }));
    const call = async (profile: string) =>
      textOf(await (await strict.connect("agent", { profile })).callTool({ name: "echo", arguments: { text: "in" } }));
    expect(await call("loose")).toBe("denied: policy isolation.required forbids echo");
    expect(await call("accepted")).toBe("in");
    expect(await call("uncleared")).toBe("denied: policy clearance.required forbids echo");
    await strict.close();
  });

  it("gives a server nothing of our environment", async () => {
    const client = await fixture.connect("agent");
    const names = textOf(await client.callTool({ name: "env" })).split(",");
    expect(names.filter((name) => !["FAKE", "PWD", "SHLVL", "_", "OLDPWD"].includes(name))).toEqual([]);
  });
});

describe("a server over HTTP", () => {
  it.each(["stateless", "reject"] as const)(
    "is reached when it speaks the older revisions too, or not (%s)",
    async (legacy) => {
      const handler = createMcpHandler(
        () => {
          const server = new McpServer({ name: "remote", version: "1" });
          server.registerTool("far", { description: "Far away" }, () => ({
            content: [{ type: "text", text: "from afar" }],
          }));
          return server;
        },
        { legacy },
      );
      const remote = createServer(async (req, res) => {
        if (req.headers["x-key"] !== "k") return void res.writeHead(403).end();
        await sendResponse(await handler.fetch(await webRequest(req)), res);
      });
      const url = `http://127.0.0.1:${await listening(remote)}/mcp`;
      const near = await openGateway();
      near.gateway.addServer({
        name: "remote",
        isolated: true,
        cleared: true,
        verdicts: { far: { readOnly: true } },
        transport: { type: "http", url, headers: { "x-key": "k" } },
      });
      const client = await near.connect("agent");
      expect(textOf(await client.callTool({ name: "far" }))).toBe("from afar");
      await near.close();
      await handler.close();
      remote.closeAllConnections();
      remote.close();
    },
  );
});
