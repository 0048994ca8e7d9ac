// The front at /v1 over a real guard; upstreams are real HTTP servers that do what a test wants.
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, request, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json, text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AuditRecord, UserPrincipal } from "@pratique/contracts";
import { jsonLog, systemClock } from "@pratique/core";
import { createGuard, type GuardOptions } from "@pratique/guard";
import { createInference, type Inference } from "./inference.ts";
import type { Route } from "./route.ts";

const owner: UserPrincipal = { type: "User", id: "u", name: "owner", groups: ["owner"] };
const KEY = "sk-upstream-0123456789abcdefghij";

let directory: string;
let upstream: Server;
let front: Server;
let inference: Inference;
let answer: RequestListener;
let routes: Map<string, Route>;
let principal: UserPrincipal | undefined;
const records: AuditRecord[] = [];
const logged: string[] = [];
/** Holds appends back until it is called. */
let release: (() => void) | undefined;
let denied: Set<string>;

const policy: GuardOptions["policy"] = () => ({
  digest: `sha256:${"0".repeat(64)}` as ReturnType<GuardOptions["policy"]>["digest"],
  policies: [],
  decide: ({ resource }) => {
    const allow = !denied.has(resource.id);
    const reason = allow ? "allowed" : `policy models.forbidden forbids ${resource.id}`;
    const policies = [
      { id: allow ? "all" : "models.forbidden", effect: allow ? ("permit" as const) : ("forbid" as const) },
    ];
    return {
      allow,
      policies,
      reason,
      policyDigest: "sha256:0",
      needsApproval: false,
      ...(allow ? {} : { remedy: "ask the owner" }),
    };
  },
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-front-"));
  upstream = createServer((req, res) => answer(req, res));
  const port = await listen(upstream);
  routes = new Map([
    ["far", { type: "upstream", name: "far", baseUrl: `http://127.0.0.1:${port}/v1`, model: "far-model", apiKey: KEY }],
    ["plain", { type: "upstream", name: "plain", baseUrl: "http://models.example.com/v1", model: "m", apiKey: KEY }],
    ["dead", { type: "upstream", name: "dead", baseUrl: "http://127.0.0.1:1/v1", model: "m" }],
  ]);
  const log = jsonLog((line) => logged.push(line), systemClock, "debug");
  const audit: GuardOptions["audit"] = {
    append: async (body) => {
      if (release === undefined) await Promise.resolve();
      else await new Promise<void>((resolve) => (release = resolve));
      const record = {
        ...body,
        version: 1 as const,
        id: `r${records.length}`,
        sequence: records.length,
        time: "2026-01-01T00:00:00Z",
      };
      records.push(record);
      return record;
    },
  };
  inference = createInference({
    guard: createGuard({ policy, audit, clock: systemClock, log }),
    engine: () => Promise.reject(new Error("no engine here")),
    resolve: async (name) => routes.get(name),
    list: async () => [...routes.keys()].map((id) => ({ id, created: 1 })),
    runDirectory: directory,
    clock: systemClock,
    log,
    upstreamTimeoutMs: 300,
  });
  front = createServer((req, res) => void inference.handle(req, res, { principal, path: (req.url ?? "").slice(3) }));
  await listen(front);
});

beforeEach(() => {
  records.length = 0;
  logged.length = 0;
  principal = owner;
  release = undefined;
  denied = new Set();
  answer = (_req, res) => void res.writeHead(500).end();
});

afterAll(async () => {
  for (const server of [front, upstream]) {
    server.closeAllConnections();
    await new Promise((resolve) => void server.close(resolve));
  }
  await inference.close();
  await rm(directory, { recursive: true, force: true });
});

function send(method: string, path: string, body?: unknown): Promise<IncomingMessage> {
  const { port } = front.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, host: "127.0.0.1", method, path, agent: false }, resolve);
    outgoing.once("error", reject);
    outgoing.end(typeof body === "string" || body === undefined ? body : JSON.stringify(body));
  });
}

interface ErrorBody {
  error: { message: string; type: string; code: string; hint?: string };
}

async function refusal(body: unknown): Promise<{ status: number | undefined } & ErrorBody["error"]> {
  const response = await send("POST", "/v1/chat/completions", body);
  const { error } = (await json(response)) as ErrorBody;
  return { status: response.statusCode, ...error };
}

const messages = [{ role: "user", content: "hi" }];
const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
const usageEvent = `data: ${JSON.stringify({ choices: [], usage })}\n\n`;
const DONE = "data: [DONE]\n\n";

describe("a completion", () => {
  it("goes to its upstream with that one's name and key, and comes back byte for byte", async () => {
    const whole = JSON.stringify({
      choices: [{ message: { content: "é" }, finish_reason: "stop" }],
      usage,
      extra: [1],
    });
    let seen: { body: Record<string, unknown>; key: string | undefined } | undefined;
    answer = (req, res) => {
      void json(req).then((body) => {
        seen = { body: body as Record<string, unknown>, key: req.headers.authorization };
        res.end(whole);
      });
    };
    const response = await send("POST", "/v1/chat/completions", { model: "far", messages, seed: 3, unknown: true });
    expect(await text(response)).toBe(whole);
    expect(seen).toMatchObject({ body: { model: "far-model", seed: 3, unknown: true }, key: `Bearer ${KEY}` });
    expect(records[0]).toMatchObject({
      action: "model:invoke",
      outcome: "done",
      details: { promptTokens: 5, completionTokens: 2, stream: false, route: "upstream:far" },
    });
  });

  it("streams before the upstream has ended, and keeps the end until the record is durable", async () => {
    release = () => undefined;
    let finish: (() => void) | undefined;
    answer = (_req, res) => {
      res.writeHead(200, { "content-type": "text/event-stream" });
      res.write(chunk({ content: "one" }));
      finish = () => void res.end(chunk({}, "stop") + usageEvent + DONE);
    };
    const response = await send("POST", "/v1/chat/completions", { model: "far", messages, stream: true });
    let received = "";
    response.setEncoding("utf8").on("data", (piece: string) => (received += piece));
    await expect.poll(() => received).toBe(chunk({ content: "one" }));
    const waiting = release;
    finish?.();
    // The append has begun when `release` is another one; nothing of the end has come.
    await expect.poll(() => release !== waiting).toBe(true);
    expect(received).toBe(chunk({ content: "one" }));
    release();
    await new Promise((resolve) => response.once("end", resolve));
    // The usage that was asked for in its place is not the client's.
    expect(received).toBe(chunk({ content: "one" }) + chunk({}, "stop") + DONE);
    expect(records[0]?.details).toMatchObject({ promptTokens: 5, completionTokens: 2, stream: true });
  });

  it("passes usage on to whom asked for it", async () => {
    const whole = chunk({ content: "a" }) + chunk({}, "stop") + usageEvent + DONE;
    answer = (_req, res) => void res.end(whole);
    const body = { model: "far", messages, stream: true, stream_options: { include_usage: true } };
    expect(await text(await send("POST", "/v1/chat/completions", body))).toBe(whole);
  });

  it("never takes a broken stream for a whole one", async () => {
    answer = (_req, res) => {
      res.write(chunk({ content: "half" }));
      setImmediate(() => res.destroy());
    };
    const received = await text(await send("POST", "/v1/chat/completions", { model: "far", messages, stream: true }));
    expect(received).toContain("half");
    expect(received).not.toContain("[DONE]");
    expect(received).toContain("upstream.failed");
    expect(records[0]).toMatchObject({
      outcome: "failed",
      error: { code: "upstream.failed" },
      details: { completionTokens: 1 },
    });
  });

  it("counts what was generated when its client goes away", async () => {
    let closed = false;
    answer = (_req, res) => {
      res.write(chunk({ content: "a" }) + chunk({ content: "b" }));
      res.once("close", () => (closed = true));
    };
    const response = await send("POST", "/v1/chat/completions", { model: "far", messages, stream: true });
    response.on("error", () => undefined);
    response.once("data", () => response.destroy());
    await expect.poll(() => records[0]).toMatchObject({ outcome: "failed", error: { code: "completion.cancelled" } });
    expect(records[0]?.details).toMatchObject({ completionTokens: 2 });
    await expect.poll(() => closed).toBe(true);
  });
});

describe("a refusal", () => {
  it("of policy is 403 with its reason and remedy, before the model is asked", async () => {
    let asked = false;
    answer = () => (asked = true);
    denied.add("far");
    expect(await refusal({ model: "far", messages })).toMatchObject({
      status: 403,
      type: "permission_error",
      code: "policy.denied",
      message: "policy models.forbidden forbids far",
      hint: "ask the owner",
    });
    expect(asked).toBe(false);
    expect(records[0]).toMatchObject({ outcome: "denied" });
  });

  it("of a model that is not there names those that are", async () => {
    expect(await refusal({ model: "nix", messages })).toMatchObject({
      status: 404,
      code: "model.not-found",
      hint: "models here: far, plain, dead",
    });
  });

  it("tells a stranger nothing of what is there, and neither reads nor keeps what one sends", async () => {
    principal = undefined;
    const [known, unknown] = [await refusal({ model: "far", messages }), await refusal({ model: "nix", messages })];
    expect(known).toMatchObject({ status: 401, code: "inference.unauthorized" });
    expect(unknown).toEqual(known);
    expect((await send("GET", "/v1/models")).statusCode).toBe(401);
    expect(records).toHaveLength(0);
    // Answered while the body is still on its way.
    const { port } = front.address() as AddressInfo;
    const headers = { "content-length": "10000000", expect: "100-continue" };
    const unsent = request({ port, method: "POST", path: "/v1/chat/completions", headers });
    unsent.on("error", () => undefined).flushHeaders();
    const answer = await new Promise<IncomingMessage>((resolve) => unsent.once("response", resolve));
    expect(answer.statusCode).toBe(401);
    unsent.destroy();
  });

  it.each([
    ["no JSON", "{", "input.not-json", 400],
    ["no messages", { model: "far" }, "completion.invalid", 400],
    ["an unknown role", { model: "far", messages: [{ role: "x" }] }, "completion.invalid", 400],
    ["too many bytes", "x".repeat(11 * 1024 * 1024), "input.too-large", 413],
    ["an upstream without TLS", { model: "plain", messages }, "upstream.insecure", 400],
    ["an upstream that is not there", { model: "dead", messages }, "upstream.unreachable", 502],
  ])("of %s has its own code", async (_name, body, code, status) => {
    expect(await refusal(body)).toMatchObject({ code, status });
  });

  it.each([
    [401, "upstream.refused", 502],
    [429, "upstream.busy", 429],
    [400, "completion.rejected", 400],
    [500, "upstream.failed", 502],
    [302, "upstream.failed", 502],
  ])("of an upstream with %i becomes %s", async (status, code, ours) => {
    answer = (req, res) => {
      res.writeHead(status, { location: "http://127.0.0.1:1/" });
      res.end(JSON.stringify({ error: { message: `not with ${req.headers.authorization}` } }));
    };
    expect(await refusal({ model: "far", messages })).toMatchObject({ code, status: ours });
    expect(JSON.stringify([records, logged])).not.toContain(KEY);
  });

  it("of an upstream that is silent comes after a while", async () => {
    answer = () => undefined;
    expect(await refusal({ model: "far", messages })).toMatchObject({ code: "upstream.timeout", status: 504 });
  });

  it("of an unknown path names the known ones", async () => {
    const response = await send("GET", "/v1/embeddings");
    expect(response.statusCode).toBe(404);
    expect(await json(response)).toMatchObject({ error: { code: "completion.unknown-path" } });
  });
});

describe("the list of models", () => {
  it("holds what the caller may invoke, as one act", async () => {
    denied.add("plain");
    expect(await json(await send("GET", "/v1/models"))).toEqual({
      object: "list",
      data: ["far", "dead"].map((id) => ({ id, object: "model", created: 1, owned_by: "pratique" })),
    });
    expect(records).toHaveLength(1);
    expect((await send("GET", "/v1/models/far")).statusCode).toBe(200);
    expect((await send("GET", "/v1/models/plain")).statusCode).toBe(404);
  });
});
