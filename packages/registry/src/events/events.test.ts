import type { RegistryEvent } from "@pratique/contracts";
import { once } from "node:events";
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openHouse, OWNER, type TestHouse } from "../housekeeping.fixture.ts";
import { cloudEvent } from "./cloud-event.ts";
import { post, type PostAnswer } from "./post.ts";
import { webhookRequest, type WebhookRequest } from "./webhook-request.ts";

let bench: TestHouse | undefined;
let server: Server | undefined;
afterEach(async () => {
  await bench?.close();
  server?.closeAllConnections();
  server?.close();
  [bench, server] = [undefined, undefined];
});

const EVENT: RegistryEvent = cloudEvent({
  id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
  type: "tag.moved",
  time: new Date("2026-01-01T00:00:00Z"),
  host: "localhost:7340",
  repository: "team/app",
  subject: 'team/app:"é" %',
  data: { tag: "t" },
});

describe("a request to a webhook", () => {
  it("is a structured CloudEvent, or a binary one", () => {
    const now = new Date(1_614_265_330_000);
    const structured = webhookRequest(EVENT, { mode: "structured", secret: undefined, now });
    expect(JSON.parse(structured.body)).toEqual(EVENT);
    expect(structured.headers["content-type"]).toBe("application/cloudevents+json; charset=utf-8");
    expect(structured.headers["webhook-signature"]).toBeUndefined();
    const binary = webhookRequest(EVENT, { mode: "binary", secret: undefined, now });
    expect(JSON.parse(binary.body)).toEqual({ repository: "team/app", tag: "t" });
    expect(binary.headers).toMatchObject({
      "content-type": "application/json",
      "ce-specversion": "1.0",
      "ce-type": "dev.pratique.registry.tag.moved",
      "ce-source": "http://localhost:7340/v2/",
      "ce-subject": "team/app:%22%C3%A9%22%20%25",
    });
  });

  it("is signed as Standard Webhooks says", () => {
    const key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const now = new Date(1_614_265_330_000);
    const { headers, body } = webhookRequest(EVENT, { mode: "structured", secret: key, now });
    const signed = `${EVENT.id}.1614265330.${body}`;
    const expected = createHmac("sha256", Buffer.from(key.slice(6), "base64"))
      .update(signed)
      .digest("base64");
    expect(headers).toMatchObject({ "webhook-id": EVENT.id, "webhook-timestamp": "1614265330" });
    expect(headers["webhook-signature"]).toBe(`v1,${expected}`);
  });

  it("follows no redirect", async () => {
    const paths: (string | undefined)[] = [];
    const url = await listen((req) => {
      paths.push(req.url);
      return { status: 307, headers: { Location: "/elsewhere" } };
    });
    const request = webhookRequest(EVENT, { mode: "binary", secret: undefined, now: new Date() });
    expect((await post(`${url}/hook`, request, AbortSignal.timeout(5000))).status).toBe(307);
    expect(paths).toEqual(["/hook"]);
  });
});

async function listen(answer: (req: IncomingMessage) => { status: number; headers?: Record<string, string> }) {
  server = createServer((req, res) => {
    const { status, headers = {} } = answer(req);
    req.resume();
    res.writeHead(status, headers).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
}

interface Told {
  readonly event: RegistryEvent;
  readonly url: string;
}

/** A house with one webhook that answers as told, in turn; after the last answer always 204. */
async function withHook(
  answers: (number | "breaks")[],
  webhook: object = {},
): Promise<{ told: Told[]; wake(): Promise<void> }> {
  const told: Told[] = [];
  const send = async (url: string, { body }: WebhookRequest): Promise<PostAnswer> => {
    told.push({ url, event: JSON.parse(body) as RegistryEvent });
    const answer = answers.shift() ?? 204;
    if (answer === "breaks") throw new Error("connection refused");
    return { status: answer, retryAfter: undefined };
  };
  bench = await openHouse({
    config: { webhooks: { hook: { url: "http://hook.test/", ...webhook } } },
    post: send,
  });
  const wake = async (): Promise<void> => {
    await bench!.house.flush();
    bench!.house.webhooks.wake();
    const busy = async (): Promise<boolean> => {
      const now = bench!.clock.now().getTime();
      return (await bench!.database.registry.due("hook", { now, limit: 1, notAfter: now + 3_600_000 })).length > 0;
    };
    while (await busy()) await new Promise((resolve) => setImmediate(resolve));
  };
  return { told, wake };
}

describe("webhooks", () => {
  it("are told of pushes, moves and deletions, with who did it", async () => {
    const { told, wake } = await withHook([]);
    const digest = await bench!.push("team/app", "1", "t");
    await bench!.act("team/app", () => bench!.store.repository("team/app").deleteManifest(digest));
    await wake();
    expect(told.map(({ event }) => [event.type, event.subject])).toEqual([
      ["dev.pratique.registry.artifact.pushed", `team/app@${digest}`],
      ["dev.pratique.registry.tag.moved", "team/app:t"],
      ["dev.pratique.registry.artifact.deleted", `team/app@${digest}`],
      ["dev.pratique.registry.tag.moved", "team/app:t"],
    ]);
    expect(told[0]?.event.data).toMatchObject({ digest, tags: ["t"], principal: { name: "olga" } });
  });

  it("are told of what they want only", async () => {
    const { told, wake } = await withHook([], { events: ["tag.moved"], repository: "team/**" });
    await bench!.push("team/app", "1", "t");
    await bench!.push("other/app", "1", "t");
    await wake();
    expect(told.map(({ event }) => event.subject)).toEqual(["team/app:t"]);
  });

  it("are told again after a failure, later each time, under the same id", async () => {
    const { told, wake } = await withHook([500, "breaks", 301], { events: ["tag.moved"] });
    await bench!.push("team/app", "1", "t");
    await wake();
    await wake();
    expect(told.length).toBe(1);
    for (const waitMs of [3000, 9000, 27_000]) {
      bench!.clock.advance(waitMs);
      await wake();
    }
    expect(told.length).toBe(4);
    expect(new Set(told.map(({ event }) => event.id)).size).toBe(1);
    expect(await bench!.house.webhooks.state()).toMatchObject([{ waiting: 0, dead: 0 }]);
  });

  it("are told when the clock, that ran ahead, is set back", async () => {
    const { told, wake } = await withHook([500], { events: ["tag.moved"] });
    bench!.clock.advance(10 * 365 * 86_400_000);
    await bench!.push("team/app", "1", "t");
    await wake();
    bench!.clock.advance(-10 * 365 * 86_400_000);
    await wake();
    expect(told.length).toBe(2);
  });

  it("are told again of what the database would not give", async () => {
    const { told } = await withHook([], { events: ["tag.moved"] });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { database, house } = bench!;
      const failing = vi.spyOn(database.registry, "due").mockRejectedValueOnce(new Error("database is locked"));
      await bench!.push("team/app", "1", "t");
      await house.flush();
      await vi.waitFor(() => expect(failing).toHaveBeenCalled());
      await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0));
      vi.advanceTimersByTime(60_000);
      await vi.waitFor(() => expect(told.length).toBe(1));
    } finally {
      vi.useRealTimers();
    }
  });

  it("are given up after so many failures, and told again when somebody asks", async () => {
    const { told, wake } = await withHook([500, 500], { events: ["tag.moved"], attempts: 2 });
    await bench!.push("team/app", "1", "t");
    await wake();
    bench!.clock.advance(60_000);
    await wake();
    expect(await bench!.house.webhooks.state()).toEqual([
      { name: "hook", url: "http://hook.test/…", waiting: 0, dead: 1, lastError: "it answered 500" },
    ]);
    expect(await bench!.house.webhooks.retry()).toBe(1);
    await wake();
    expect(told.length).toBe(3);
  });

  it("are told after a restart of what happened before a crash", async () => {
    const { told } = await withHook([], { events: ["tag.moved", "artifact.denied", "artifact.pulled"] });
    const { directory, clock, records, config } = bench!;
    const stranger = { type: "User", id: "u2", name: "sven", groups: [] } as const;
    const digest = await bench!.push("team/app", "1", "t");
    const descriptor = (await bench!.store.repository("team/app").resolve(digest))!;
    const resource = await bench!.retention.evidence("team/app", descriptor);
    const act = { action: "artifact:pull", resource, context: { tag: "t" } } as const;
    await bench!.guard.perform({ ...act, principal: OWNER }, async () => null);
    await bench!.guard.perform({ ...act, principal: { ...stranger, groups: [] } }, async () => null);
    await bench!.crash();
    const again: RegistryEvent[] = [];
    bench = await openHouse({
      directory,
      clock,
      records,
      config: { webhooks: config.webhooks },
      post: async (_url, { body }) => {
        again.push(JSON.parse(body) as RegistryEvent);
        return { status: 200, retryAfter: undefined };
      },
    });
    // One may have gone out in time: nothing says that it is not told again.
    const all = (): RegistryEvent[] => {
      const events = [...told.map(({ event }) => event), ...again];
      return [...new Map(events.map((event) => [event.id, event])).values()];
    };
    await expect.poll(() => all().length).toBe(3);
    expect(
      all()
        .map(({ type }) => type.replace("dev.pratique.registry.", ""))
        .toSorted(),
    ).toEqual(["artifact.denied", "artifact.pulled", "tag.moved"]);
    expect(all().find(({ type }) => type.endsWith("pulled"))?.data).toMatchObject({ tag: "t", digest });
    const stored = await bench.database.registry.times("team/app");
    expect(stored.find((row) => row.digest === digest)?.pulledAt).toBe(clock.now().toISOString());
  });
});
