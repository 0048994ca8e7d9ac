// When servers are started and stopped, and that nothing of them stays.
import type { JsonObject } from "@pratique/core";
import { expect, it } from "vitest";
import type { ServerTransport } from "../server-definition.ts";
import {
  httpFake,
  legacyServer,
  MODERN_HELLO,
  openTestUpstream,
  replyTo,
  scriptedPeers,
  sendJson,
  toolCall,
  type ScriptedPeers,
} from "./upstream.fixture.ts";

const CONTENT: JsonObject = { content: [] };
const server = (): ScriptedPeers =>
  scriptedPeers(
    legacyServer(({ method, params }) => {
      if (method === "tools/list") return { tools: [{ name: "a" }] };
      return method === "tools/call" && params["name"] === "hangs" ? undefined : CONTENT;
    }),
  );

it("starts nothing before it is needed, and one process for all who need it", async () => {
  const peers = server();
  const { upstream } = openTestUpstream(peers.transport);
  expect([upstream.knownFacts(), upstream.knownList("tools"), peers.starts.count]).toEqual([undefined, undefined, 0]);
  await Promise.all([upstream.facts(), upstream.list("tools"), upstream.send(toolCall("a"))]);
  expect(peers.starts.count).toBe(1);
  expect(upstream.status()).toMatchObject({ state: "ready", tools: 1 });
});

it("stops a server that nobody uses, keeps its lists, and starts it again when it is used", async () => {
  const peers = server();
  const { upstream, events } = openTestUpstream(peers.transport, { idleStopMs: 20 });
  const list = await upstream.list("tools");
  await expect.poll(() => upstream.status().state).toBe("idle");
  await expect.poll(() => peers.running.size).toBe(0);
  expect(await upstream.list("tools")).toBe(list);
  expect(peers.starts.count).toBe(1);
  expect(await upstream.send(toolCall("a"))).toEqual(CONTENT);
  expect([peers.starts.count, events]).toEqual([2, []]);
});

it("does not stop a server under a request, or whose resources are watched", async () => {
  const peers = server();
  const { upstream } = openTestUpstream(peers.transport, { idleStopMs: 10 });
  const hanging = toolCall("hangs");
  const answer = upstream.send(hanging);
  await expect.poll(() => peers.heard.some(({ method }) => method === "tools/call")).toBe(true);
  await upstream.watch("a://b");
  hanging.cancel();
  await answer.catch(() => undefined);
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, 50);
  await promise;
  expect(peers.running.size).toBe(1);
  await upstream.unwatch("a://b");
  await expect.poll(() => peers.running.size).toBe(0);
});

it("watches again what was watched when a server ends", async () => {
  const peers = server();
  const { upstream, events } = openTestUpstream(peers.transport);
  await upstream.watch("a://b");
  for (const peer of peers.running) peer.die();
  await expect.poll(() => peers.heard.filter(({ method }) => method === "resources/subscribe").length).toBe(2);
  for (const peer of peers.running) peer.say({ method: "notifications/resources/updated", params: { uri: "a://b" } });
  await expect.poll(() => events).toContainEqual({ type: "resource-updated", params: { uri: "a://b" } });
});

it("has a process for each request where the entry wants that, and none is left", async () => {
  const peers = server();
  const { upstream } = openTestUpstream(peers.transport, { life: "per-call" });
  expect((await upstream.list("tools")).items).toHaveLength(1);
  expect((await upstream.facts()).era).toBe("legacy");
  const calls = Array.from({ length: 40 }, () => upstream.send(toolCall("a")));
  await expect.poll(() => peers.running.size).toBeGreaterThan(1);
  expect(await Promise.all(calls)).toEqual(calls.map(() => CONTENT));
  await expect.poll(() => peers.running.size).toBe(0);
  expect(peers.starts.count).toBeGreaterThanOrEqual(41);
  const cancelled = toolCall("hangs");
  const answer = upstream.send(cancelled);
  await expect.poll(() => peers.running.size).toBe(1);
  cancelled.cancel();
  await expect(answer).rejects.toMatchObject({ code: "gateway.call-failed" });
  await expect.poll(() => peers.running.size).toBe(0);
});

it("waits longer from failure to failure, tells why, and not to whom it may not be told", async () => {
  let starts = 0;
  const start = async (): Promise<never> => {
    starts += 1;
    throw new Error(`\u001b]0;owned\u0007 ghp_${"A1b2".repeat(9)}`);
  };
  const { upstream } = openTestUpstream({ type: "stdio", start });
  await expect(upstream.facts()).rejects.toMatchObject({ code: "gateway.server-unavailable" });
  await expect(upstream.facts()).rejects.toMatchObject({ code: "gateway.server-unavailable" });
  expect(starts).toBe(1);
  expect(upstream.status()).toMatchObject({
    state: "failed",
    error: expect.stringMatching(/^\]0;owned «github-token:\w+»$/),
  });
  expect(await upstream.list("tools")).toEqual({ items: [], generation: 0 });
});

it.each(["while it starts", "while it is asked", "while it waits for its end"])(
  "leaves nothing when it is closed %s",
  async (when) => {
    const gate = Promise.withResolvers<void>();
    const peers = server();
    const { transport } = peers;
    if (transport.type !== "stdio") throw new Error("no stdio");
    const slow: ServerTransport = { type: "stdio", start: (scope) => gate.promise.then(() => transport.start(scope)) };
    if (when !== "while it starts") gate.resolve();
    const { upstream } = openTestUpstream(slow);
    const answer = upstream.send(toolCall("hangs"));
    const isAsked = (): boolean => peers.heard.some(({ method }) => method === "tools/call");
    await expect.poll(() => when === "while it starts" || isAsked()).toBe(true);
    if (when === "while it waits for its end") for (const peer of peers.running) peer.die();
    const closed = upstream.close();
    gate.resolve();
    await closed;
    await expect(answer).rejects.toMatchObject({ code: expect.stringMatching(/^gateway\./) });
    expect(peers.running.size).toBe(0);
    await expect(upstream.send(toolCall("a"))).rejects.toMatchObject({ code: "gateway.server-unavailable" });
    expect(peers.running.size).toBe(0);
  },
);

it("starts a server that listens itself, waits until it does, and stops it", async () => {
  const fake = await httpFake(({ message }, res) => {
    if (message === undefined) res.writeHead(405).end();
    else sendJson(res, replyTo(message, message.method === "server/discover" ? MODERN_HELLO : CONTENT));
  });
  await fake.stop();
  let stops = 0;
  const ended = Promise.withResolvers<void>();
  const start = async (): Promise<{ url: string; exited: Promise<void>; stop(): Promise<void> }> => {
    setImmediate(() => void fake.start());
    const stop = async (): Promise<void> => {
      stops += 1;
      ended.resolve();
    };
    return { url: fake.url, exited: ended.promise, stop };
  };
  const { upstream } = openTestUpstream({ type: "http", url: "http://unused.invalid/", start });
  expect(await upstream.send(toolCall("a"))).toEqual(CONTENT);
  expect(stops).toBe(0);
  await upstream.close();
  expect(stops).toBe(1);
});

it("hands on what credentials say, asks again at once when it is told to, and is not hidden by a pause", async () => {
  const needed = Object.assign(new Error("login"), { code: "none" });
  let isIn = false;
  const fake = await httpFake(({ message }, res) => {
    if (message !== undefined)
      sendJson(res, replyTo(message, message.method === "server/discover" ? MODERN_HELLO : CONTENT));
  });
  const auth = {
    headers: async (): Promise<Record<string, string>> => {
      if (!isIn) throw needed;
      return {};
    },
    renew: async () => false,
  };
  const { upstream } = openTestUpstream({ type: "http", url: fake.url, auth });
  await expect(upstream.facts()).rejects.toMatchObject({ code: "gateway.server-unavailable" });
  isIn = true;
  upstream.retry?.();
  await expect.poll(() => upstream.status().state).toBe("ready");
});
