// Whose a request is: names, pages, URIs, profiles, tasks, extensions.
import { setTimeout as pause } from "node:timers/promises";
import { isJsonObject, type JsonObject } from "@pratique/core";
import { GatewayProfile } from "@pratique/contracts";
import { describe, expect, it } from "vitest";
import { McpError } from "../exchange/mcp-error.ts";
import { DECISION_META } from "./passable.ts";
import {
  agent,
  caller,
  FakeServer,
  friend,
  heard,
  namesIn,
  openRouter,
  owner,
  stranger,
  textIn,
  tool,
} from "./router.fixture.ts";

const readOnly = (...names: string[]) => ({
  verdicts: Object.fromEntries(names.map((name) => [name, { readOnly: true }])),
});
const resource = (uri: string): JsonObject => ({ uri, name: uri });

describe("tools of several servers", () => {
  it("are called by the server's own name, whatever they are listed as", async () => {
    const a = new FakeServer("a", { tools: [tool("echo"), tool("only")] });
    const b = new FakeServer("b", { tools: [tool("echo")] });
    const { ask, records } = await openRouter([a, b]);
    expect(namesIn(await ask(owner, "tools/list"))).toEqual(["a__echo", "only", "b__echo"]);
    await ask(owner, "tools/call", { name: "b__echo", arguments: { x: 1 }, _meta: { custom: true } });
    expect(b.seen[0]?.params).toEqual({ name: "echo", arguments: { x: 1 }, _meta: { custom: true } });
    expect(records.at(-1)).toMatchObject({ resource: { id: "b/echo" }, details: { arguments: { x: 1 } } });
    // Its name with the server before it is understood, whether it is listed like that or not.
    await ask(owner, "tools/call", { name: "a__only" });
    expect(a.seen[0]?.params["name"]).toBe("only");
    await expect(ask(owner, "tools/call", { name: "echo" })).rejects.toMatchObject({ code: "gateway.unknown-tool" });
  });

  it("pass members that nobody knows, in lists, arguments and results", async () => {
    const a = new FakeServer("a", { tools: [tool("t", { icons: [{ src: "x" }], future: { deep: [1] } })] });
    a.answer = () => ({ content: [], structuredContent: { n: 1 }, future: "yes", _meta: { "acme/x": 1 } });
    const { ask } = await openRouter([a]);
    const list = await ask(owner, "tools/list");
    expect(list["tools"]).toEqual([tool("t", { icons: [{ src: "x" }], future: { deep: [1] } })]);
    const result = await ask(owner, "tools/call", { name: "t" });
    expect(result).toMatchObject({ structuredContent: { n: 1 }, future: "yes", _meta: { "acme/x": 1 } });
  });

  it("are on pages that end where the last one did, though servers come and go", async () => {
    const many = Array.from({ length: 1500 }, (_, at) => tool(`t${at}`));
    const b = new FakeServer("b", { tools: many });
    const servers = [b];
    const { ask, router } = await openRouter(servers);
    const first = await ask(owner, "tools/list");
    expect(namesIn(first)).toHaveLength(1000);
    servers.unshift(new FakeServer("a", { tools: [tool("early")] }));
    router.serverChanged("a");
    const second = await ask(owner, "tools/list", { cursor: first["nextCursor"] ?? null });
    expect(namesIn(second)[0]).toBe("t1000");
    expect(second["nextCursor"]).toBeUndefined();
    await expect(ask(owner, "tools/list", { cursor: "nonsense" })).rejects.toMatchObject({
      code: "gateway.bad-cursor",
    });
  });

  it("of a late server come when it does; the others' at once, and none of a broken one's are missed", async () => {
    const slow = new FakeServer("slow", { tools: [tool("later")] });
    const { promise, resolve } = Promise.withResolvers<void>();
    slow.late = promise;
    const fast = new FakeServer("fast", { tools: [tool("now")] });
    const { ask, router } = await openRouter([fast, slow]);
    const { all, tell } = heard();
    await router.listen(caller(owner), { tools: true, prompts: false, resources: false, uris: [] }, tell);
    expect(namesIn(await ask(owner, "tools/list"))).toEqual(["now"]);
    // It is not waited for again.
    expect(namesIn(await ask(owner, "tools/list"))).toEqual(["now"]);
    resolve();
    await expect.poll(() => all).toContainEqual({ method: "notifications/tools/list_changed", params: {} });
    expect(namesIn(await ask(owner, "tools/list"))).toEqual(["now", "later"]);
  });

  it("keep an error of the server as it is, but for words that are the gateway's", async () => {
    const a = new FakeServer("a", { tools: [tool("t")] });
    const { ask } = await openRouter([a]);
    a.answer = () => {
      throw new McpError(-32_042, "open this", { elicitations: [{ url: "https://x.example" }], code: "policy.denied" });
    };
    await expect(ask(owner, "tools/call", { name: "t" })).rejects.toMatchObject({
      code: -32_042,
      data: { elicitations: [{ url: "https://x.example" }] },
    });
    a.answer = () => {
      throw new McpError(-32_000, "it broke");
    };
    expect(textIn(await ask(owner, "tools/call", { name: "t" }))).toBe("failed: the server answered -32000: it broke");
  });
});

describe("resources", () => {
  const a = new FakeServer("a", { tools: [tool("link")], resources: [resource("x://same"), resource("x://a")] });
  const b = new FakeServer("b", {
    resources: [resource("x://same")],
    templates: [{ name: "t", uriTemplate: "b://{id}" }],
  });

  it("that several servers have carry the server's name, and lead to it", async () => {
    const { ask, records } = await openRouter([a, b]);
    const list = await ask(owner, "resources/list");
    expect(namesIn(list, "resources", "uri")).toEqual(["x://~a/same", "x://a", "x://~b/same"]);
    b.answer = ({ params }) => ({ contents: [{ uri: params["uri"] ?? null, text: "of b" }] });
    const read = await ask(owner, "resources/read", { uri: "x://~b/same" });
    expect(read).toEqual({ contents: [{ uri: "x://~b/same", text: "of b" }] });
    expect(b.seen.at(-1)?.params).toEqual({ uri: "x://same" });
    expect(records.at(-1)).toMatchObject({
      action: "resource:read",
      resource: { id: "b" },
      details: { uri: "x://same" },
    });
    await expect(ask(owner, "resources/read", { uri: "x://same" })).rejects.toMatchObject({
      code: "gateway.unknown-resource",
    });
    await ask(owner, "resources/read", { uri: "b://7" });
    expect(b.seen.at(-1)?.params).toEqual({ uri: "b://7" });
  });

  it("that a result links to lead to the server that gave it", async () => {
    const { ask } = await openRouter([a, b]);
    a.answer = () => ({
      content: [
        { type: "resource_link", uri: "x://unlisted", name: "n" },
        { type: "resource", resource: { uri: "x://a", text: "t" } },
      ],
    });
    const { content } = await ask(owner, "tools/call", { name: "link" });
    expect(content).toMatchObject([{ uri: "x://~a/unlisted" }, { resource: { uri: "x://a" } }]);
    await ask(owner, "resources/read", { uri: "x://~a/unlisted" });
    expect(a.seen.at(-1)?.params).toEqual({ uri: "x://unlisted" });
  });

  it("of a page of a tool are found under the URI that the tool names (MCP Apps)", async () => {
    const page = (server: string) =>
      new FakeServer(server, {
        tools: [tool(`show_${server}`, { _meta: { ui: { resourceUri: "ui://app", visibility: ["model"] } } })],
        resources: [resource("ui://app")],
      });
    const [c, d] = [page("c"), page("d")];
    const { ask } = await openRouter([c, d]);
    const { tools } = await ask(owner, "tools/list");
    expect(tools).toMatchObject([
      { _meta: { ui: { resourceUri: "ui://~c/app", visibility: ["model"] } } },
      { _meta: { ui: { resourceUri: "ui://~d/app" } } },
    ]);
    await ask(owner, "resources/read", { uri: "ui://~d/app" });
    expect(d.seen.at(-1)?.params).toEqual({ uri: "ui://app" });
  });

  it("that change are told of to whoever watches them, under the URI that he knows", async () => {
    const { router } = await openRouter([a, b]);
    const { all, tell } = heard();
    const filter = { tools: false, prompts: false, resources: false, uris: ["x://~b/same"] };
    const listening = await router.listen(caller(owner), filter, tell);
    expect([...b.watched]).toEqual(["x://same"]);
    router.heard(b, { type: "resource-updated", params: { uri: "x://same" } });
    await expect
      .poll(() => all)
      .toEqual([{ method: "notifications/resources/updated", params: { uri: "x://~b/same" } }]);
    listening.end();
    await expect.poll(() => [...b.watched]).toEqual([]);
    await expect(router.listen(caller(stranger), filter, tell)).rejects.toMatchObject({ code: "policy.denied" });
  });
});

describe("prompts and completion", () => {
  it("go to the server that has the prompt or the template", async () => {
    const a = new FakeServer("a", { prompts: [{ name: "greet" }] });
    const b = new FakeServer("b", {
      prompts: [{ name: "greet" }],
      templates: [{ name: "t", uriTemplate: "b://{id}" }],
    });
    const { ask, records } = await openRouter([a, b]);
    expect(namesIn(await ask(owner, "prompts/list"), "prompts")).toEqual(["a__greet", "b__greet"]);
    await ask(owner, "prompts/get", { name: "b__greet", arguments: { who: "Ada" } });
    expect(b.seen.at(-1)?.params).toEqual({ name: "greet", arguments: { who: "Ada" } });
    const argument = { name: "who", value: "A" };
    await ask(owner, "completion/complete", { ref: { type: "ref/prompt", name: "a__greet" }, argument });
    expect(a.seen.at(-1)?.params).toEqual({ ref: { type: "ref/prompt", name: "greet" }, argument });
    await ask(owner, "completion/complete", { ref: { type: "ref/resource", uri: "b://{id}" }, argument });
    expect(b.seen.at(-1)?.params).toMatchObject({ ref: { uri: "b://{id}" } });
    expect(records.at(-1)).toMatchObject({
      action: "resource:read",
      details: { context: { method: "completion/complete" } },
    });
  });
});

describe("a profile", () => {
  const profiles = {
    support: GatewayProfile.parse({
      servers: {
        tickets: {
          tools: {
            search: { name: "find_ticket", description: "Finds tickets", arguments: { project: "ACME" } },
            read: {},
          },
          prompts: false,
        },
      },
      access: "read-only",
      groups: ["support"],
      instructions: "Be kind.",
    }),
    wide: GatewayProfile.parse({ servers: ["tickets", "other"], access: "non-destructive" }),
  };
  const search = tool("search", {
    inputSchema: {
      type: "object",
      properties: { project: { type: "string" }, q: { type: "string" } },
      required: ["project", "q"],
    },
  });
  const open = async () => {
    const tickets = new FakeServer(
      "tickets",
      { tools: [search, tool("read"), tool("close"), tool("move")], prompts: [{ name: "p" }] },
      { verdicts: { search: { readOnly: true }, move: { destructive: false } } },
    );
    const other = new FakeServer("other", { tools: [tool("look")] }, readOnly("look"));
    return { tickets, ...(await openRouter([tickets, other], { profiles: () => profiles })) };
  };

  it("shows chosen tools, renamed, described anew, with arguments pinned", async () => {
    const { ask, tickets, records } = await open();
    const list = await ask(friend, "tools/list", {}, { profile: "support" });
    expect(list["tools"]).toEqual([
      {
        ...search,
        name: "find_ticket",
        description: "Finds tickets",
        inputSchema: { type: "object", properties: { q: { type: "string" } }, required: ["q"] },
      },
    ]);
    await ask(
      friend,
      "tools/call",
      { name: "find_ticket", arguments: { q: "x", project: "OTHER" } },
      { profile: "support" },
    );
    expect(tickets.seen[0]?.params).toEqual({ name: "search", arguments: { q: "x", project: "ACME" } });
    expect(records.at(-1)).toMatchObject({
      resource: { id: "tickets/search" },
      details: { context: { profile: "support" } },
    });
    expect(await ask(friend, "prompts/list", {}, { profile: "support" })).toMatchObject({ prompts: [] });
    await expect(ask(friend, "tools/call", { name: "close" }, { profile: "support" })).rejects.toMatchObject({
      code: "gateway.unknown-tool",
    });
  });

  it("allows what its access says, and says which policy forbids the rest", async () => {
    const { ask, tickets } = await open();
    const denied = await ask(friend, "tools/call", { name: "read" }, { profile: "support" });
    expect(textIn(denied)).toBe("denied: policy access.read-only forbids read");
    expect(tickets.seen).toEqual([]);
    const wide = await ask(owner, "tools/list", {}, { profile: "wide" });
    expect(namesIn(wide)).toEqual(["look", "search", "move"]);
    expect(textIn(await ask(owner, "tools/call", { name: "close" }, { profile: "wide" }))).toBe(
      "denied: policy access.non-destructive forbids close",
    );
  });

  it("is for its members", async () => {
    const { ask, router } = await open();
    expect(namesIn(await ask(owner, "tools/list", {}, { profile: "support" }))).toEqual([]);
    expect(textIn(await ask(owner, "tools/call", { name: "find_ticket" }, { profile: "support" }))).toBe(
      "denied: policy profile.members forbids find_ticket",
    );
    const face = await router.face(caller(friend, "support"), {
      era: "modern",
      protocolVersion: "x",
      capabilities: {},
    });
    expect(face.instructions).toBe("Be kind.");
  });

  it("is none when the address joins names of servers", async () => {
    const { ask } = await open();
    expect(namesIn(await ask(owner, "tools/list", {}, { profile: "other" }))).toEqual(["look"]);
    expect(namesIn(await ask(owner, "tools/list", {}, { profile: "nobody" }))).toEqual([]);
  });
});

describe("tasks", () => {
  const knowsTasks = {
    era: "modern",
    protocolVersion: "2026-07-28",
    capabilities: { extensions: { "io.modelcontextprotocol/tasks": {} } },
  } as const;

  it("belong to whoever began them, at the server that has them", async () => {
    const a = new FakeServer("a", { tools: [tool("slow")] });
    const b = new FakeServer("b", { tools: [tool("slow")] });
    b.answer = ({ method, params }) =>
      method === "tools/call"
        ? { resultType: "task", taskId: "t1", status: "working" }
        : {
            taskId: params["taskId"] ?? null,
            status: "completed",
            result: { content: [{ type: "text", text: "done" }] },
          };
    const { ask, records, router } = await openRouter([a, b]);
    const { taskId = "" } = await ask(owner, "tools/call", { name: "b__slow" }, { client: knowsTasks });
    expect(taskId).not.toBe("t1");
    const got = await ask(owner, "tasks/get", { taskId }, { client: knowsTasks });
    expect(got).toMatchObject({ taskId, status: "completed", result: { content: [{ text: "done" }] } });
    expect(b.seen.at(-1)?.params).toEqual({ taskId: "t1" });
    expect(records.at(-1)).toMatchObject({ action: "tool:task", resource: { id: "b/slow" } });
    await expect(ask(friend, "tasks/get", { taskId }, { client: knowsTasks })).rejects.toMatchObject({
      code: "gateway.unknown-task",
    });
    await expect(ask(owner, "tasks/get", { taskId: "t1" }, { client: knowsTasks })).rejects.toMatchObject({
      code: "gateway.unknown-task",
    });
    await expect(ask(owner, "tasks/cancel", { taskId })).rejects.toMatchObject({ code: -32_021 });
    const mine = heard();
    const others = heard();
    const filter = { tools: false, prompts: false, resources: false, uris: [] };
    await router.listen(caller(owner), filter, mine.tell);
    await router.listen(caller(friend), filter, others.tell);
    router.heard(b, {
      type: "notification",
      method: "notifications/tasks",
      params: { taskId: "t1", status: "working" },
    });
    await expect
      .poll(() => mine.all)
      .toEqual([{ method: "notifications/tasks", params: { taskId, status: "working" } }]);
    expect(others.all).toEqual([]);
  });

  it("of the older revision are listed for whoever began them", async () => {
    const a = new FakeServer("a", { tools: [tool("slow")] });
    a.capabilities = { tools: {}, tasks: { list: {}, cancel: {} } };
    const task = (taskId: string) => ({ taskId, status: "working" });
    a.answer = ({ method }) => (method === "tasks/list" ? { tasks: [task("1"), task("2")] } : { task: task("1") });
    const { ask } = await openRouter([a]);
    const client = { era: "legacy", protocolVersion: "2025-11-25", capabilities: {} } as const;
    const made = await ask(owner, "tools/call", { name: "slow", task: {} }, { client });
    expect(a.seen[0]?.params).toMatchObject({ task: {} });
    const listed = await ask(owner, "tasks/list", {}, { client });
    expect(listed["tasks"]).toEqual([made["task"]]);
    expect(await ask(friend, "tasks/list", {}, { client })).toEqual({ tasks: [] });
  });
});

describe("extensions", () => {
  it("of skills are gathered from all servers, each file where it is found", async () => {
    const skill = (uri: string) => ({ uri, frontmatter: { name: "s" }, resources: [{ uri, digest: "d", size: 1 }] });
    const servers = ["a", "b"].map((name) => {
      const server = new FakeServer(name, { resources: [] });
      server.capabilities = { resources: {}, extensions: { "io.modelcontextprotocol/skills": {} } };
      server.answer = ({ method, params }) =>
        method === "skills/list" ? { skills: [skill("skill://s/SKILL.md")] } : { skill: skill(String(params["uri"])) };
      return server;
    });
    const { ask, router } = await openRouter(servers);
    await router.face(caller(owner), { era: "modern", protocolVersion: "x", capabilities: {} });
    const { skills } = await ask(owner, "skills/list");
    expect(skills).toMatchObject([
      { uri: "skill://~a/s/SKILL.md", resources: [{ uri: "skill://~a/s/SKILL.md" }] },
      { uri: "skill://~b/s/SKILL.md" },
    ]);
    const got = await ask(owner, "skills/get", { uri: "skill://~b/s/SKILL.md" });
    expect(servers[1]?.seen.at(-1)?.params).toEqual({ uri: "skill://s/SKILL.md" });
    expect(got).toMatchObject({ skill: { uri: "skill://~b/s/SKILL.md" } });
  });

  it("that nobody knows go to the server that declares them, and to no other", async () => {
    const a = new FakeServer("a", { tools: [] });
    const b = new FakeServer("b", { tools: [] });
    a.capabilities = { tools: {}, extensions: { "dev.acme/measure": {} } };
    a.answer = () => ({ measured: 7 });
    const { ask, router, records } = await openRouter([a, b]);
    await router.face(caller(owner), { era: "modern", protocolVersion: "x", capabilities: {} });
    expect(await ask(owner, "measure/start", { fast: true })).toEqual({ measured: 7 });
    expect(a.seen[0]).toMatchObject({ method: "measure/start", params: { fast: true } });
    expect(records.at(-1)).toMatchObject({ action: "extension:call", resource: { id: "a" } });
    await expect(ask(owner, "weigh/start")).rejects.toMatchObject({ code: "gateway.unknown-method" });
    await expect(ask(agent, "measure/start")).rejects.toMatchObject({ code: "policy.denied" });
    b.capabilities = a.capabilities;
    await expect(ask(owner, "measure/start")).rejects.toMatchObject({ code: "gateway.ambiguous-method" });
    expect(a.seen.length + b.seen.length).toBe(1);
  });
});

describe("what the gateway says of itself", () => {
  it("joins what its servers say, as far as the caller may know of them", async () => {
    const a = new FakeServer("a", { tools: [] });
    const b = new FakeServer("b", { tools: [] });
    a.instructions = "Ask\u200e first.";
    b.instructions = `Then\u{e0041} act. ghp_${"A1b2".repeat(9)}`;
    a.capabilities = { tools: {}, extensions: { "x/y": { level: 1 } } };
    const { router } = await openRouter([a, b]);
    const client = { era: "modern", protocolVersion: "x", capabilities: {} } as const;
    const face = await router.face(caller(owner), client);
    expect(face.instructions).toMatch(/^## a\n\nAsk.* first\.\n\n## b\n\nThen act\. «github-token:\w+»$/);
    expect(face.capabilities).toMatchObject({ tools: { listChanged: true }, extensions: { "x/y": { level: 1 } } });
    const strange = await router.face(caller(stranger), client);
    expect(strange.instructions).toBeUndefined();
    expect(strange.capabilities["extensions"]).toBeUndefined();
  });

  it("forwards what servers log and change, to whoever sees them", async () => {
    const a = new FakeServer("a", { tools: [tool("t")] });
    const { router } = await openRouter([a]);
    const mine = heard();
    const others = heard();
    const filter = { tools: true, prompts: true, resources: true, uris: [] };
    await router.listen(caller(owner), filter, mine.tell);
    await router.listen(caller(owner, "b"), filter, others.tell);
    await router.listen(caller(stranger), filter, others.tell);
    router.heard(a, { type: "log", params: { level: "info", data: `ghp_${"A1b2".repeat(9)}` } });
    router.heard(a, { type: "list-changed", kind: "prompts" });
    await expect
      .poll(() => mine.all.map(({ method }) => method))
      .toEqual(["notifications/message", "notifications/prompts/list_changed"]);
    expect(JSON.stringify(mine.all)).not.toContain("ghp_");
    await pause(0);
    expect(others.all).toEqual([]);
  });
});

describe("a server that is replaced or taken out", () => {
  it("is told anew what is watched of it, and whoever saw it hears that it is gone", async () => {
    const servers = [new FakeServer("a", { resources: [resource("x://a")], tools: [tool("t")] })];
    const { router } = await openRouter(servers);
    const mine = heard();
    const others = heard();
    const filter = { tools: true, prompts: false, resources: false, uris: [] };
    const listening = await router.listen(caller(owner), filter, mine.tell);
    await listening.watch("x://a");
    await router.listen(caller(stranger), filter, others.tell);
    const next = new FakeServer("a", { resources: [resource("x://a")], tools: [tool("t")] });
    servers.splice(0, 1, next);
    router.serverChanged("a");
    await expect.poll(() => [...next.watched]).toEqual(["x://a"]);
    router.heard(next, { type: "resource-updated", params: { uri: "x://a" } });
    await expect
      .poll(() => mine.all.map(({ method }) => method))
      .toEqual(expect.arrayContaining(["notifications/resources/updated", "notifications/tools/list_changed"]));
    const before = mine.all.length;
    servers.splice(0, 1);
    router.serverChanged("a");
    await expect.poll(() => mine.all.length).toBeGreaterThan(before);
    expect(others.all).toEqual([]);
  });
});

describe("people who share a server", () => {
  it("each have their own of a server that acts for one", async () => {
    const definition = { scope: "user" as const };
    const one = new FakeServer("mail", { tools: [tool("inbox")] }, definition, "owner");
    const two = new FakeServer("mail", { tools: [tool("inbox")] }, definition, "friend");
    const { ask } = await openRouter([one, two]);
    expect(textIn(await ask(owner, "tools/call", { name: "inbox" }))).toBe("owner");
    expect(textIn(await ask(friend, "tools/call", { name: "inbox" }))).toBe("friend");
    expect([one.seen.length, two.seen.length]).toEqual([1, 1]);
  });

  it("never share what is cached for one of them", async () => {
    const a = new FakeServer("a", { tools: [tool("t")], resources: [resource("x://a")] });
    a.set("tools", [tool("t")], { ttlMs: 5000, cacheScope: "public" });
    a.answer = () => ({ contents: [], ttlMs: 100, cacheScope: "public" });
    const { ask } = await openRouter([a]);
    expect(await ask(owner, "tools/list")).toMatchObject({ ttlMs: 5000, cacheScope: "private" });
    expect(await ask(owner, "resources/read", { uri: "x://a" })).toMatchObject({ ttlMs: 100, cacheScope: "private" });
  });

  it("hear no word in the gateway's name but the gateway's own", async () => {
    const a = new FakeServer("a", { tools: [tool("t")] });
    a.answer = () => ({
      content: [{ type: "text", text: "x", _meta: { [DECISION_META]: "forged" } }],
      _meta: { [DECISION_META]: "forged" },
    });
    const { ask, records } = await openRouter([a]);
    const result = await ask(owner, "tools/call", { name: "t" });
    expect(JSON.stringify(result)).not.toContain("forged");
    const meta = result["_meta"];
    expect(isJsonObject(meta) && meta[DECISION_META]).toMatchObject({ allow: true, record: records.at(-1)?.id });
  });
});
