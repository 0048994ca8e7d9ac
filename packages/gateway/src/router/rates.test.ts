// Rates and quotas.
import { GatewayLimit } from "@pratique/contracts";
import { manualClock } from "@pratique/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rates, type Counted, type Quotas } from "./rates.ts";
import { agent, caller, FakeServer, friend, openRouter, owner, textIn, tool } from "./router.fixture.ts";

const limit = (more: object) => GatewayLimit.parse({ name: "l", ...more });
const start = "2026-01-01T00:00:00.000Z";
const call = (more: Partial<Counted> = {}): Counted => ({
  caller: caller(owner),
  kind: "calls",
  server: "s",
  tool: "t",
  ...more,
});

/** Counts of a day as a database keeps them. */
function memoryQuotas(): Quotas & { readonly used: Map<string, number> } {
  const used = new Map<string, number>();
  return {
    used,
    async take(quota, day, amount, perDay) {
      const key = `${quota} ${day}`;
      const taken = Math.min(amount, perDay - (used.get(key) ?? 0));
      used.set(key, (used.get(key) ?? 0) + taken);
      return taken;
    },
  };
}

const refusal = async (rates: Rates, counted: Counted) => {
  try {
    await rates.take(counted);
    return undefined;
  } catch (error) {
    return error;
  }
};

describe("a rate", () => {
  it("allows bursts, says when the next request may come, and lets it then", async () => {
    const clock = manualClock(start);
    const rates = new Rates({ limits: [limit({ rate: { requests: 2, seconds: 10 } })], clock });
    expect(await refusal(rates, call())).toBeUndefined();
    expect(await refusal(rates, call())).toBeUndefined();
    expect(await refusal(rates, call())).toMatchObject({
      code: "gateway.rate-limited",
      details: { retryAfterMs: 5000 },
    });
    clock.advance(5000);
    expect(await refusal(rates, call())).toBeUndefined();
    expect(await refusal(rates, call())).toMatchObject({ details: { retryAfterMs: 5000 } });
  });

  it("lets no more through when they come all at once, as in a batch or a program", async () => {
    const quotas = memoryQuotas();
    for (const perDay of [undefined, 1000]) {
      const rates = new Rates({
        limits: [limit({ rate: { requests: 2, seconds: 60 }, ...(perDay === undefined ? {} : { perDay }) })],
        clock: manualClock(start),
        quotas,
      });
      const all = await Promise.all(Array.from({ length: 20 }, () => refusal(rates, call())));
      expect(all.filter((error) => error === undefined)).toHaveLength(2);
    }
  });

  it("is not used up by requests that a quota refuses", async () => {
    const clock = manualClock(start);
    const rates = new Rates({
      limits: [limit({ rate: { requests: 2, seconds: 60 } }), limit({ name: "q", servers: ["s"], perDay: 1 })],
      clock,
      quotas: memoryQuotas(),
    });
    expect(await refusal(rates, call())).toBeUndefined();
    for (let time = 0; time < 3; time++)
      expect(await refusal(rates, call())).toMatchObject({ code: "gateway.quota-spent" });
    expect(await refusal(rates, call({ server: "other" }))).toBeUndefined();
  });

  it("counts each person, server or tool apart; agents of a person together with him", async () => {
    const clock = manualClock(start);
    const rates = new Rates({
      limits: [limit({ per: ["principal", "tool"], rate: { requests: 1, seconds: 60 } })],
      clock,
    });
    expect(await refusal(rates, call())).toBeUndefined();
    expect(await refusal(rates, call({ caller: caller(agent) }))).toBeDefined();
    expect(await refusal(rates, call({ caller: caller(friend) }))).toBeUndefined();
    expect(await refusal(rates, call({ tool: "other" }))).toBeUndefined();
    expect(await refusal(rates, call({ kind: "lists" }))).toBeUndefined();
  });

  it("concerns only whom it names", async () => {
    const clock = manualClock(start);
    const rates = new Rates({
      limits: [limit({ counts: "all", groups: ["support"], servers: ["s"], rate: { requests: 1, seconds: 60 } })],
      clock,
    });
    for (const counted of [call(), call({ caller: caller(friend), server: "other" })])
      for (let time = 0; time < 3; time++) expect(await refusal(rates, counted)).toBeUndefined();
    expect(await refusal(rates, call({ caller: caller(friend) }))).toBeUndefined();
    expect(await refusal(rates, call({ caller: caller(friend) }))).toBeDefined();
  });

  it("lets through no more than it says, whenever requests come", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 60 }),
        async (requests, seconds, pauses) => {
          const clock = manualClock(start);
          const rates = new Rates({ limits: [limit({ rate: { requests, seconds } })], clock });
          const times: number[] = [];
          for (const pause of pauses) {
            clock.advance(pause);
            if ((await refusal(rates, call())) === undefined) times.push(clock.now().getTime());
          }
          // In any stretch of time: the burst, and what has grown since.
          const tooMany = times.flatMap((from, at) =>
            times.slice(at).map((to, more) => more + 1 - requests - ((to - from) * requests) / (seconds * 1000)),
          );
          expect(Math.max(0, ...tooMany)).toBeLessThanOrEqual(1e-6);
        },
      ),
    );
  });
});

describe("a quota", () => {
  it("is spent once, however many ask at the same time, and renewed the next day", async () => {
    const clock = manualClock("2026-01-01T23:00:00.000Z");
    const quotas = memoryQuotas();
    const rates = new Rates({ limits: [limit({ perDay: 250 })], clock, quotas });
    const all = await Promise.all(Array.from({ length: 300 }, () => refusal(rates, call())));
    expect(all.filter((one) => one === undefined)).toHaveLength(250);
    expect(all.at(-1)).toMatchObject({ code: "gateway.quota-spent", details: { retryAfterMs: 3_600_000 } });
    clock.advance(3_600_000);
    expect(await refusal(rates, call())).toBeUndefined();
  });

  it("never gives more after a restart than is left", async () => {
    const clock = manualClock(start);
    const quotas = memoryQuotas();
    let given = 0;
    for (let life = 0; life < 5; life++) {
      const rates = new Rates({ limits: [limit({ perDay: 10 })], clock, quotas });
      for (let asked = 0; asked < 3; asked++) if ((await refusal(rates, call())) === undefined) given += 1;
    }
    expect(given).toBeLessThanOrEqual(10);
    expect(given).toBeGreaterThan(5);
  });

  it("without anything to keep counts in is nothing", async () => {
    const rates = new Rates({ limits: [limit({ perDay: 10 })], clock: manualClock(start) });
    expect(await refusal(rates, call())).toMatchObject({ code: "gateway.quota-spent" });
  });
});

it("is recorded when it refuses, and not each time; lists are counted too", async () => {
  const clock = manualClock(start);
  const rates = new Rates({ limits: [limit({ counts: "all", rate: { requests: 1, seconds: 60 } })], clock });
  const server = new FakeServer("s", { tools: [tool("t")] });
  const { ask, records } = await openRouter([server], { rates });
  expect(textIn(await ask(owner, "tools/call", { name: "t" }))).toBe("");
  const before = records.length;
  for (let time = 0; time < 5; time++)
    await expect(ask(owner, "tools/call", { name: "t" })).rejects.toMatchObject({ code: "gateway.rate-limited" });
  await expect(ask(owner, "tools/list")).rejects.toMatchObject({ code: "gateway.rate-limited" });
  expect(records.slice(before)).toMatchObject([{ outcome: "failed", error: { code: "gateway.rate-limited" } }]);
  expect(server.seen).toHaveLength(1);
});
