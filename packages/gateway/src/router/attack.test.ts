// What servers and clients may try with names, ids, cursors and timing.
import * as fc from "fast-check";
import { GatewayProfile } from "@pratique/contracts";
import type { JsonObject } from "@pratique/core";
import { describe, expect, it } from "vitest";
import type { ServerFacts } from "../exchange/upstream-port.ts";
import { RUNNING_PER_PRINCIPAL } from "../limits.ts";
import {
  caller,
  exchangeOf,
  FakeServer,
  friend,
  heard,
  namesIn,
  openRouter,
  owner,
  textIn,
  tool,
} from "./router.fixture.ts";

describe("a server", () => {
  it("gets no call that is meant for another, whatever its tools are called", async () => {
    const name = fc.oneof(
      fc.constantFrom(
        "x",
        "a__x",
        "b__x",
        "a__a__x",
        "__proto__",
        "constructor",
        "toString",
        "find_tool",
        "",
        "ä",
        "a b",
      ),
      fc.string({ maxLength: 80 }),
    );
    const lists = fc.array(name, { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(lists, lists, async (ofA, ofB) => {
        const a = new FakeServer("a", { tools: ofA.map((each) => tool(each)) });
        const b = new FakeServer("b", { tools: ofB.map((each) => tool(each)) });
        const { ask } = await openRouter([a, b]);
        const shown = namesIn(await ask(owner, "tools/list"));
        expect(new Set(shown).size).toBe(shown.length);
        for (const each of shown) {
          expect(each).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
          await ask(owner, "tools/call", { name: each });
        }
        // Each was reached by its own names only, and each name once.
        for (const [server, names] of [
          [a, ofA],
          [b, ofB],
        ] as const) {
          const called = server.seen.map(({ params }) => String(params["name"]));
          expect(new Set(called).size).toBe(called.length);
          expect(called.every((each) => names.includes(each))).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("changes nothing of the gateway with members called __proto__", async () => {
    const a = new FakeServer("a", { tools: [tool("t")] });
    a.answer = () =>
      JSON.parse('{"content":[],"__proto__":{"isError":true},"_meta":{"__proto__":{"x":1}}}') as JsonObject;
    a.capabilities = JSON.parse('{"tools":{},"__proto__":{"polluted":{}}}') as JsonObject;
    const { ask, router } = await openRouter([a]);
    const answer = await ask(owner, "tools/call", {
      name: "t",
      arguments: JSON.parse('{"__proto__":{"y":1}}') as JsonObject,
    });
    expect(answer["isError"]).toBeUndefined();
    const face = await router.face(caller(owner), { era: "modern", protocolVersion: "x", capabilities: {} });
    expect(face.capabilities["polluted"]).toBeUndefined();
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("that never answers holds up nobody but who asked it, and one that throws neither", async () => {
    const stuck = new FakeServer("stuck", { tools: [tool("wait")] });
    stuck.answer = () => new Promise(() => undefined);
    const broken = new FakeServer("broken", { tools: [tool("fail")] });
    broken.answer = () => {
      throw new Error("a bug");
    };
    const good = new FakeServer("good", { tools: [tool("work")] });
    const { ask } = await openRouter([stuck, broken, good]);
    void ask(owner, "tools/call", { name: "wait" });
    await expect(ask(owner, "tools/call", { name: "fail" })).rejects.toThrow("a bug");
    expect(await ask(owner, "tools/call", { name: "work" })).toMatchObject({ content: [{ type: "text" }] });
  });
});

describe("a client", () => {
  it.each([
    ["tools/call", { name: 5 }],
    ["tools/call", {}],
    ["tools/call", { name: "t", arguments: [] }],
    ["tools/call", { name: "t", arguments: "x" }],
    ["resources/read", { uri: {} }],
    ["resources/read", {}],
    ["prompts/get", { name: null }],
    ["completion/complete", {}],
    ["completion/complete", { ref: { type: "ref/resource" } }],
    ["tasks/get", { taskId: "a.b.c" }],
    ["tasks/get", { taskId: "x".repeat(100_000) }],
    ["tasks/get", { taskId: {} }],
    ["tools/list", { cursor: 5 }],
    ["tools/list", { cursor: "eyJ4IjoxfQ" }],
    ["tools/list", { cursor: "x".repeat(100_000) }],
    ["", {}],
    ["__proto__/x", {}],
    ["/", {}],
  ])("is told what is wrong with %s %j, and nothing reaches the server", async (method, params) => {
    const a = new FakeServer("a", { tools: [tool("t")], resources: [{ uri: "x://a" }], prompts: [{ name: "p" }] });
    const { ask, router } = await openRouter([a]);
    await router.face(caller(owner), { era: "modern", protocolVersion: "x", capabilities: {} });
    const client = {
      era: "modern",
      protocolVersion: "2026-07-28",
      capabilities: { extensions: { "io.modelcontextprotocol/tasks": {} } },
    } as const;
    const code = await ask(owner, method, params, { client }).then(
      () => "answered",
      (error: unknown) => (error instanceof Error && "code" in error ? error.code : String(error)),
    );
    expect(String(code)).toMatch(/^(-32602|gateway\.(unknown|bad)-.*)$/);
    expect(a.seen).toEqual([]);
  });

  it("sees nothing of another person's lists, whoever asks first", async () => {
    const profiles = { p: GatewayProfile.parse({ servers: ["a"], users: ["friend"] }) };
    const a = new FakeServer("a", { tools: [tool("t")] });
    const { ask } = await openRouter([a], { profiles: () => profiles });
    for (let time = 0; time < 3; time++) {
      expect(namesIn(await ask(friend, "tools/list", {}, { profile: "p" }))).toEqual(["t"]);
      expect(namesIn(await ask(owner, "tools/list", {}, { profile: "p" }))).toEqual([]);
      expect(textIn(await ask(owner, "tools/call", { name: "t" }, { profile: "p" }))).toBe(
        "denied: policy profile.members forbids t",
      );
    }
  });

  it("is decided anew when its profile is another, also in the midst of calls", async () => {
    let profiles: Record<string, GatewayProfile> = { p: GatewayProfile.parse({ servers: ["a"] }) };
    const a = new FakeServer("a", { tools: [tool("t")] });
    const { ask, router } = await openRouter([a], { profiles: () => profiles });
    const call = async () => textIn(await ask(owner, "tools/call", { name: "t" }, { profile: "p" }));
    expect(await call()).toBe("");
    const under = Promise.all(Array.from({ length: 20 }, call));
    profiles = { p: GatewayProfile.parse({ servers: ["a"], access: "read-only" }) };
    router.changed();
    expect(await call()).toBe("denied: policy access.read-only forbids t");
    await under;
    expect(namesIn(await ask(owner, "tools/list", {}, { profile: "p" }))).toEqual([]);
  });

  it("that makes up addresses fills no memory with them", async () => {
    const a = new FakeServer("a", { tools: [tool("t")] });
    const { router } = await openRouter([a]);
    for (let made = 0; made < 600; made++) {
      const answer = await router.answer(caller(owner, `x${made}`), exchangeOf("tools/list"));
      expect(answer["tools"]).toEqual([]);
    }
    expect(namesIn(await router.answer(caller(owner, "y".repeat(5000)), exchangeOf("tools/list")))).toEqual([]);
  });
});

describe("a resource that two principals watch", () => {
  const filter = (...uris: string[]) => ({ tools: false, prompts: false, resources: false, uris });

  it("is watched until the last of them has gone", async () => {
    const a = new FakeServer("a", { resources: [{ uri: "x://a" }] });
    const { router } = await openRouter([a]);
    const mine = heard();
    const first = await router.listen(caller(owner), filter("x://a"), mine.tell);
    const second = await router.listen(caller(friend), filter("x://a"), () => undefined);
    await second.unwatch("x://a");
    second.end();
    expect([...a.watched]).toEqual(["x://a"]);
    router.heard(a, { type: "resource-updated", params: { uri: "x://a" } });
    await expect.poll(() => mine.all.length).toBe(1);
    first.end();
    await expect.poll(() => a.watched.size).toBe(0);
  });

  it("is left alone when its only listener left before it was watched", async () => {
    const a = new FakeServer("a", { resources: [{ uri: "x://a" }] });
    const { router } = await openRouter([a]);
    const listening = await router.listen(caller(owner), filter(), () => undefined);
    const watching = listening.watch("x://a");
    listening.end();
    await watching;
    expect(a.watched.size).toBe(0);
  });

  it("is heard of by none who may not read it any more, and without what only the gateway may say", async () => {
    let profiles = { p: GatewayProfile.parse({ servers: ["a"], users: ["owner", "friend"] }) };
    const a = new FakeServer("a", { resources: [{ uri: "x://a" }] });
    const { router } = await openRouter([a], { profiles: () => profiles });
    const [mine, others] = [heard(), heard()];
    await router.listen(caller(owner, "p"), filter("x://a"), mine.tell);
    await router.listen(caller(friend, "p"), filter("x://a"), others.tell);
    profiles = { p: GatewayProfile.parse({ servers: ["a"], users: ["owner"] }) };
    router.changed();
    const token = `ghp_${"a1B2".repeat(9)}`;
    const meta = { "dev.pratique/decision": { allow: true }, note: token };
    router.heard(a, { type: "resource-updated", params: { uri: "x://a", _meta: meta } });
    const updates = () => mine.all.filter(({ method }) => method === "notifications/resources/updated");
    await expect.poll(() => updates().length).toBe(1);
    expect(JSON.stringify(updates())).not.toMatch(/dev\.pratique|ghp_a1B2/);
    expect(others.all.filter(({ method }) => method === "notifications/resources/updated")).toEqual([]);
  });
});

describe("a server that is held back", () => {
  const drift = { held: () => new Map([["*", "it is not what was approved"]]) };
  const client = {
    era: "modern",
    protocolVersion: "2026-07-28",
    capabilities: { extensions: { "io.modelcontextprotocol/tasks": {} } },
  } as const;

  it.each([
    ["resources/read", { uri: "x://a" }],
    ["prompts/get", { name: "p" }],
    ["dev.acme/measure/start", {}],
    ["skills/list", {}],
    ["skills/get", { uri: "x://a" }],
    ["completion/complete", { ref: { type: "ref/resource", uri: "x://a" } }],
  ])("is asked nothing with %s, whether its tools were listed before or not", async (method, params) => {
    for (const isListed of [true, false]) {
      const a = new FakeServer("a", { tools: [tool("t")], resources: [{ uri: "x://a" }], prompts: [{ name: "p" }] });
      const extensions = { "dev.acme/measure": {}, "io.modelcontextprotocol/skills": {} };
      a.capabilities = { tools: {}, resources: {}, prompts: {}, extensions };
      const { ask } = await openRouter([a], { drift });
      // Whoever asks for something else first has its facts known, and not its tools.
      await (isListed ? a.list("tools") : a.list("prompts"));
      await expect(ask(owner, method, params, { client })).rejects.toMatchObject({
        code: expect.stringMatching(/^gateway\.(server-held|unknown-)/),
      });
      expect(a.seen).toEqual([]);
    }
  });

  it("is asked for nothing since its instructions are others, though its tools are the same", async () => {
    const drift = {
      held: (_of: unknown, { instructions }: ServerFacts) =>
        new Map(instructions === "evil" ? [["*", "its instructions are not what was approved"]] : []),
    };
    const a = new FakeServer("a", { tools: [tool("t")] });
    const { ask } = await openRouter([a], { drift });
    expect(namesIn(await ask(owner, "tools/list"))).toEqual(["t"]);
    a.instructions = "evil";
    expect(namesIn(await ask(owner, "tools/list"))).toEqual([]);
    expect(textIn(await ask(owner, "tools/call", { name: "t" }))).toBe("denied: policy drift.held forbids t");
    expect(a.seen).toEqual([]);
  });

  it("is asked when nothing is held, though it has no tools by which to judge", async () => {
    const drift = { held: () => new Map<string, string>() };
    const a = new FakeServer("a", { resources: [{ uri: "x://a" }] });
    a.capabilities = { resources: {} };
    const { ask } = await openRouter([a], { drift });
    await a.list("resources");
    await ask(owner, "resources/read", { uri: "x://a" });
    expect(a.seen).toHaveLength(1);
  });
});

describe("what a server says of itself", () => {
  const client = { era: "legacy", protocolVersion: "2025-11-25", capabilities: {} } as const;

  it("keeps no client from the others, however deep or large it is, and is not the gateway's word", async () => {
    const deep = new FakeServer("deep", { tools: [tool("t")] });
    deep.capabilities = JSON.parse(`{"tools":{"x":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}}`) as JsonObject;
    const large = new FakeServer("large", { tools: [tool("t")] });
    large.capabilities = { tools: {}, experimental: { large: "x".repeat(1_000_000) } };
    const forging = new FakeServer("forging", { tools: [tool("t")] });
    const token = `ghp_${"a1B2".repeat(9)}`;
    forging.capabilities = { tools: {}, experimental: { good: { _meta: { "dev.pratique/x": 1 }, token } } };
    const { router } = await openRouter([deep, large, forging]);
    const { capabilities } = await router.face(caller(owner), client);
    const text = JSON.stringify(capabilities);
    expect(text.length).toBeLessThan(100_000);
    expect(text).not.toMatch(/dev\.pratique|ghp_a1B2/);
    expect(capabilities["experimental"]).toMatchObject({ good: {} });
  });
});

it("lets nobody take all requests that a server answers at a time", async () => {
  const a = new FakeServer("a", { tools: [tool("wait")] });
  const held = Promise.withResolvers<JsonObject>();
  a.answer = ({ params }) => (params["_meta"] === undefined ? held.promise : { content: [] });
  const { ask } = await openRouter([a]);
  const waiting = Array.from({ length: RUNNING_PER_PRINCIPAL }, () => ask(owner, "tools/call", { name: "wait" }));
  await expect(ask(owner, "tools/call", { name: "wait" })).rejects.toMatchObject({ code: "gateway.too-many-requests" });
  expect(await ask(friend, "tools/call", { name: "wait", _meta: { now: 1 } })).toMatchObject({ content: [] });
  held.resolve({ content: [] });
  await Promise.all(waiting);
  expect(await ask(owner, "tools/call", { name: "wait" })).toMatchObject({ content: [] });
});
