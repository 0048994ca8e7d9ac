// Who is asked for approval at his own client, and what counts as his yes.
import type { JsonObject } from "@pratique/core";
import { describe, expect, it } from "vitest";
import type { Exchange, ExchangeNotification, InputRequest } from "../exchange/exchange.ts";
import { agent, owner } from "../gateway.fixture.ts";
import { waitingClient } from "./waiting-client.ts";

function exchangeOf(more: Partial<Exchange> & { capabilities?: JsonObject; answer?: JsonObject } = {}) {
  const { capabilities = { elicitation: {} }, answer = { action: "cancel" }, ...rest } = more;
  const asked: InputRequest[] = [];
  const told: ExchangeNotification[] = [];
  const exchange: Exchange = {
    method: "tools/call",
    params: {},
    headers: {},
    client: { era: "legacy", protocolVersion: "2025-11-25", capabilities },
    signal: new AbortController().signal,
    wantsProgress: true,
    notify: (notification) => void told.push(notification),
    ask: async (request) => {
      asked.push(request);
      return answer;
    },
    ...rest,
  };
  return { exchange, asked, told };
}

const person = { principal: owner, profile: undefined };
const workload = { principal: agent, profile: undefined };

describe("waitingClient", () => {
  it.each([
    [{ action: "accept", content: { approve: true } }, true],
    [{ action: "accept", content: { approve: false } }, false],
    [{ action: "accept", content: { approve: "true" } }, false],
    [{ action: "accept" }, undefined],
    [{ action: "decline" }, false],
    [{ action: "cancel" }, undefined],
    [{ action: "yes", content: { approve: true } }, undefined],
  ])("takes %j for %s", async (answer, expected) => {
    const { exchange, asked } = exchangeOf({ answer });
    expect(await waitingClient(person, exchange, { arguments: {} }).ask?.("May it?")).toBe(expected);
    expect(asked).toMatchObject([{ method: "elicitation/create", params: { mode: "form", message: "May it?" } }]);
  });

  it("asks no client of an agent, and none that takes no forms", () => {
    expect(waitingClient(workload, exchangeOf().exchange, { arguments: {} }).ask).toBeUndefined();
    for (const capabilities of [{}, { elicitation: { url: {} } }, { sampling: {} }])
      expect(waitingClient(person, exchangeOf({ capabilities }).exchange, { arguments: {} }).ask).toBeUndefined();
  });

  it("tells of the wait as progress that grows, when progress was asked for", () => {
    const { exchange, told } = exchangeOf();
    const { tell } = waitingClient(workload, exchange, { arguments: {} });
    tell?.("waiting");
    tell?.("still waiting");
    expect(told.map(({ method }) => method)).toEqual(["notifications/progress", "notifications/progress"]);
    const [first, second] = told.map(({ params }) => Number(params["progress"]));
    expect(second).toBeGreaterThan(first!);
    expect(second).toBeLessThan(1);
    const { exchange: quiet } = exchangeOf({ wantsProgress: false });
    expect(waitingClient(workload, quiet, { arguments: {} }).tell).toBeUndefined();
  });

  it("lets nobody be asked for what will not be sent", () => {
    const waiting = waitingClient(person, exchangeOf().exchange, { arguments: {}, isRefused: true });
    expect(waiting.signal.aborted).toBe(true);
  });

  it("shows arguments without secrets", () => {
    const { exchange } = exchangeOf();
    const args = { path: "a.txt", password: "correct horse" };
    expect(JSON.stringify(waitingClient(person, exchange, { arguments: args }).shown?.())).not.toContain("correct");
  });
});
