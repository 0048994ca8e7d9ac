// Lists as a server gives them: all pages, within bounds, fresh as far as the server lets one know.
import { manualClock, type JsonObject } from "@pratique/core";
import { expect, it } from "vitest";
import { LIST_BYTES_LIMIT, LIST_LIMIT, LIST_PAGES_LIMIT } from "../limits.ts";
import {
  httpFake,
  legacyServer,
  LEGACY_HELLO,
  MODERN_HELLO,
  NOT_FOUND,
  openTestUpstream,
  replyTo,
  scriptedPeers,
  sendJson,
  toolCall,
} from "./upstream.fixture.ts";

const named = (...names: string[]): JsonObject[] => names.map((name) => ({ name, "x-unknown": { kept: true } }));
const requests = (heard: readonly { method?: string }[], wanted: string) =>
  heard.filter(({ method }) => method === wanted).length;

it("gathers all pages, entries as they are, and gives the same list while nothing changes", async () => {
  const peers = scriptedPeers(
    legacyServer(({ method, params }) => {
      if (method !== "tools/list") return undefined;
      return params["cursor"] === "2" ? { tools: named("c") } : { tools: named("a", "b"), nextCursor: "2" };
    }),
  );
  const { upstream } = openTestUpstream(peers.transport);
  const list = await upstream.list("tools");
  expect(list.items).toEqual(named("a", "b", "c"));
  expect(await upstream.list("tools")).toBe(list);
  expect(upstream.knownList("tools")).toBe(list);
  expect(upstream.status().tools).toBe(3);
  expect(requests(peers.heard, "tools/list")).toBe(2);
});

it("asks for no list that the server does not have, and takes one that it does not know for empty", async () => {
  const peers = scriptedPeers((message) => {
    if (message.method === "initialize") return { ...LEGACY_HELLO, capabilities: { resources: {} } };
    return message.method === "resources/list" ? { resources: [{ uri: "a://b", name: "b" }] } : NOT_FOUND;
  });
  const { upstream } = openTestUpstream(peers.transport);
  const lists = await Promise.all(
    (["tools", "prompts", "resources", "templates"] as const).map((kind) => upstream.list(kind)),
  );
  expect(lists.map(({ items }) => items.length)).toEqual([0, 0, 1, 0]);
  expect([requests(peers.heard, "tools/list"), requests(peers.heard, "prompts/list")]).toEqual([0, 0]);
});

it.each([
  ["without end", () => ({ tools: named("t"), nextCursor: String(Math.random()) }), LIST_PAGES_LIMIT],
  [
    "of too many entries",
    () => ({ tools: named(...Array.from({ length: 2000 }, (_, index) => `t${index}`)), nextCursor: "1" }),
    LIST_LIMIT,
  ],
  ["of too large entries", () => ({ tools: [{ name: "x".repeat(70_000) }, ...named("t")] }), 1],
  [
    "of too much",
    () => ({ tools: Array.from({ length: 200 }, (_, index) => ({ name: `${index}${"x".repeat(60_000)}` })) }),
    Math.floor(LIST_BYTES_LIMIT / 60_020),
  ],
  ["of anything", () => ({ tools: [1, null, [], {}, { name: 3 }, ...named("t")] }), 1],
  [
    "of too deep entries",
    () => ({ tools: [{ name: "d", deep: JSON.parse("[".repeat(100) + "]".repeat(100)) }, ...named("t")] }),
    1,
  ],
  ["that is none", () => ({ tools: "no" }), 0],
])("cuts a list %s", async (_what, page, expected) => {
  const peers = scriptedPeers(legacyServer(({ method }) => (method === "tools/list" ? page() : undefined)));
  const { upstream } = openTestUpstream(peers.transport);
  const { items } = await upstream.list("tools");
  expect(Math.abs(items.length - expected)).toBeLessThanOrEqual(1);
});

it("reads a list anew when the server says that it changed, and tells it afterwards", async () => {
  let names = ["a"];
  const peers = scriptedPeers(
    legacyServer(({ method }) => (method === "tools/list" ? { tools: named(...names) } : undefined)),
  );
  const { upstream, events } = openTestUpstream(peers.transport);
  const before = await upstream.list("tools");
  names = ["a", "b"];
  for (const peer of peers.running)
    for (let count = 0; count < 100; count++) peer.say({ method: "notifications/tools/list_changed" });
  await expect.poll(() => events).toEqual([{ type: "list-changed", kind: "tools" }]);
  const after = upstream.knownList("tools");
  expect(after?.items).toHaveLength(2);
  expect(after?.generation).toBeGreaterThan(before.generation);
  expect(requests(peers.heard, "tools/list")).toBeLessThan(5);
});

it("forgets no change that is told while a list is read", async () => {
  let names = ["a"];
  const peers = scriptedPeers(
    legacyServer(({ method }, say) => {
      if (method !== "tools/list") return undefined;
      const answer = { tools: named(...names) };
      if (names.length === 1) {
        names = ["a", "b"];
        say({ method: "notifications/tools/list_changed" });
      }
      return answer;
    }),
  );
  const { upstream } = openTestUpstream(peers.transport);
  await upstream.list("tools");
  await expect.poll(() => upstream.knownList("tools")?.items.length).toBe(2);
});

it("keeps lists of a server that is away, and tells what is different when it is back", async () => {
  let names = ["a"];
  const peers = scriptedPeers(
    legacyServer(({ method }) => (method === "tools/list" ? { tools: named(...names) } : { content: [] })),
  );
  const { upstream, events } = openTestUpstream(peers.transport);
  const before = await upstream.list("tools");
  for (const peer of peers.running) peer.die();
  expect(await upstream.list("tools")).toBe(before);
  names = ["b"];
  for (const peer of peers.running) peer.die();
  await upstream.send(toolCall("a"));
  await expect.poll(() => upstream.knownList("tools")?.items).toEqual(named("b"));
  await expect.poll(() => events).toEqual([{ type: "list-changed", kind: "tools" }]);
});

it("holds a list of the newest revision as long as it says, and hands its hints on", async () => {
  const clock = manualClock();
  let version = 0;
  const fake = await httpFake(({ message }, res) => {
    if (message === undefined) return void res.writeHead(405).end();
    const hello = { ...MODERN_HELLO, capabilities: { tools: {} } };
    const list = () => ({
      resultType: "complete",
      ttlMs: 1000,
      cacheScope: "public",
      tools: named(`v${(version += 1)}`),
    });
    sendJson(res, replyTo(message, message.method === "server/discover" ? hello : list()));
  });
  const { upstream } = openTestUpstream({ type: "http", url: fake.url }, {}, { clock });
  expect(await upstream.list("tools")).toEqual({
    items: named("v1"),
    generation: 1,
    ttlMs: 1000,
    cacheScope: "public",
  });
  clock.advance(999);
  expect((await upstream.list("tools")).items).toEqual(named("v1"));
  clock.advance(2);
  expect((await upstream.list("tools")).items).toEqual(named("v2"));
});

it("gives what is known at once of an older server that tells no changes, and looks again behind it", async () => {
  const clock = manualClock();
  let version = 0;
  const peers = scriptedPeers((message) => {
    if (message.method === "initialize") return { ...LEGACY_HELLO, capabilities: { tools: {} } };
    return message.method === "tools/list" ? { tools: named(`v${(version += 1)}`) } : NOT_FOUND;
  });
  const { upstream, events } = openTestUpstream(peers.transport, {}, { clock });
  await upstream.list("tools");
  clock.advance(60_000);
  expect((await upstream.list("tools")).items).toEqual(named("v1"));
  await expect.poll(() => events).toEqual([{ type: "list-changed", kind: "tools" }]);
  expect((await upstream.list("tools")).items).toEqual(named("v2"));
});
