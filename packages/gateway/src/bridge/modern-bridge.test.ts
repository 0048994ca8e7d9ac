// Questions to clients of 2026-07-28: parked calls of servers of the older revisions, and sealed states of those of this one.
import type { JsonObject } from "@pratique/core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Exchange } from "../exchange/exchange.ts";
import { McpError } from "../exchange/mcp-error.ts";
import { messagesOf, openFront, type FrontFixture, type ModernOptions } from "../front/front.fixture.ts";
import { PARKED_PER_PRINCIPAL } from "../front/front-limits.ts";

let fixture: FrontFixture;

beforeAll(async () => {
  fixture = await openFront();
});
afterAll(() => fixture.close());
beforeEach(() => {
  fixture.router.exchanges.length = 0;
});

const FORM = { method: "elicitation/create", params: { message: "Name?", requestedSchema: { type: "object" } } };
const SAMPLE = { method: "sampling/createMessage", params: { messages: [], maxTokens: 1 } };
const can = { elicitation: {}, sampling: {}, roots: {} };
const ada = { action: "accept", content: { name: "Ada" } };

interface Told {
  readonly status: number;
  readonly result: JsonObject;
  readonly error: { readonly code: number; readonly message: string; readonly data?: JsonObject };
}

async function call(params: JsonObject = {}, options: ModernOptions = {}): Promise<Told> {
  const request = { name: "t", arguments: { a: 1, b: 2 }, ...params };
  const response = await fixture.modern("tools/call", request, { capabilities: can, ...options });
  const message = (await messagesOf(response)).at(-1);
  return { status: response.status, ...message } as unknown as Told;
}

const codeOf = ({ error }: Told): unknown => error.data?.["code"];

/** Asks once and says what it heard. */
const askName = async (exchange: Exchange) => {
  const { content } = await exchange.ask(FORM);
  return { content: [{ type: "text", text: JSON.stringify(content) }] };
};

describe("a server of an older revision that asks", () => {
  beforeEach(() => {
    fixture.router.respond = askName;
  });

  it("waits until the retry brings the answer, and is called once", async () => {
    const first = await call();
    expect(first.result).toMatchObject({ resultType: "input_required", inputRequests: { "input-1": FORM } });
    expect(fixture.front.parked).toBe(1);
    const { requestState } = first.result;
    const second = await call({ requestState, inputResponses: { "input-1": ada, extra: {} } }, { id: 2 });
    expect(second.result).toMatchObject({ resultType: "complete", content: [{ text: '{"name":"Ada"}' }] });
    expect(fixture.router.exchanges).toHaveLength(1);
    expect(fixture.front.parked).toBe(0);
  });

  it("takes the same arguments in another order for the same request", async () => {
    const { requestState } = (await call()).result;
    const retry = await call({ arguments: { b: 2, a: 1 }, requestState, inputResponses: { "input-1": ada } });
    expect(retry.result).toMatchObject({ resultType: "complete" });
  });

  it("asks again for what is missing, and keeps what was answered", async () => {
    fixture.router.respond = async (exchange) => {
      const [form, sample] = await Promise.all([exchange.ask(FORM), exchange.ask(SAMPLE)]);
      return { content: [], structuredContent: { form, sample } };
    };
    const first = await call();
    expect(Object.keys(first.result["inputRequests"] ?? {})).toEqual(["input-1", "input-2"]);
    const second = await call({ requestState: first.result["requestState"], inputResponses: { "input-1": ada } });
    expect(Object.keys(second.result["inputRequests"] ?? {})).toEqual(["input-2"]);
    const said = { role: "assistant", content: { type: "text", text: "hi" }, model: "m" };
    const third = await call({ requestState: second.result["requestState"], inputResponses: { "input-2": said } });
    expect(third.result["structuredContent"]).toEqual({ form: ada, sample: said });
  });

  it("asks round by round", async () => {
    fixture.router.respond = async (exchange) => {
      await exchange.ask(FORM);
      await exchange.ask(FORM);
      return { content: [] };
    };
    const first = await call();
    const second = await call({ requestState: first.result["requestState"], inputResponses: { "input-1": ada } });
    expect(second.result["requestState"]).not.toBe(first.result["requestState"]);
    const third = await call({ requestState: second.result["requestState"], inputResponses: { "input-2": ada } });
    expect(third.result).toMatchObject({ resultType: "complete" });
  });

  it("refuses what is not meant for it, each with a word of its own", async () => {
    const { requestState } = (await call()).result;
    const retry = { requestState, inputResponses: { "input-1": ada } };
    const [head, at, tail] = [
      String(requestState).slice(0, -9),
      String(requestState).at(-9),
      String(requestState).slice(-8),
    ];
    const altered = head + (at === "A" ? "B" : "A") + tail;
    expect(codeOf(await call({ ...retry, requestState: altered }))).toBe("gateway.state-invalid");
    expect(codeOf(await call({ ...retry, requestState: 7 }))).toBe("gateway.state-invalid");
    expect(codeOf(await call(retry, { who: "eve" }))).toBe("gateway.state-foreign");
    expect(codeOf(await call(retry, { path: "/mcp/other" }))).toBe("gateway.state-foreign");
    expect(codeOf(await call({ ...retry, arguments: { a: 2, b: 2 } }))).toBe("gateway.state-mismatch");
    const bad = { requestState, inputResponses: { "input-1": { action: "perhaps" } } };
    expect(codeOf(await call(bad))).toBe("gateway.bad-input");
    expect((await call(retry)).result).toMatchObject({ resultType: "complete" });
    expect(codeOf(await call(retry))).toBe("gateway.state-used");
  });

  it("lets one of two retries at the same time through", async () => {
    const { requestState } = (await call()).result;
    const retry = { requestState, inputResponses: { "input-1": ada } };
    const answers = await Promise.all([call(retry), call(retry), call(retry)]);
    expect(answers.filter(({ result }) => result !== undefined)).toHaveLength(1);
    expect(answers.flatMap((told) => (told.error === undefined ? [] : [codeOf(told)]))).toEqual([
      "gateway.state-used",
      "gateway.state-used",
    ]);
  });

  it("does not wait for ever", async () => {
    const { requestState } = (await call()).result;
    const parked = fixture.router.exchanges.at(-1);
    fixture.clock.advance(11 * 60_000);
    expect(codeOf(await call({ requestState, inputResponses: { "input-1": ada } }))).toBe("gateway.state-gone");
    expect(parked?.signal.aborted).toBe(true);
    fixture.clock.advance(5 * 60_000);
    expect(codeOf(await call({ requestState }))).toBe("gateway.state-expired");
  });

  it("holds no more calls of one principal than it may", async () => {
    const one = { who: "many" };
    for (let count = 0; count < PARKED_PER_PRINCIPAL; count++) expect((await call({}, one)).error).toBeUndefined();
    expect(codeOf(await call({}, one))).toBe("gateway.too-many-parked");
    expect(fixture.router.exchanges.at(-1)?.signal.aborted).toBe(true);
    expect((await call({}, { who: "other" })).error).toBeUndefined();
    fixture.clock.advance(11 * 60_000);
    expect((await call({}, one)).error).toBeUndefined();
  });

  it("hands on what the server told meanwhile, with the token of the retry", async () => {
    fixture.router.respond = async (exchange) => {
      const asked = exchange.ask(FORM);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      exchange.notify({ method: "notifications/progress", params: { progress: 1 } });
      await asked;
      return { content: [] };
    };
    const { requestState } = (await call({}, { meta: { progressToken: "a" } })).result;
    const retry = { name: "t", arguments: { a: 1, b: 2 }, requestState, inputResponses: { "input-1": ada } };
    const response = await fixture.modern("tools/call", retry, { capabilities: can, meta: { progressToken: "b" } });
    expect(await messagesOf(response)).toMatchObject([{ params: { progress: 1, progressToken: "b" } }, { result: {} }]);
  });

  it("gives the outcome to a retry that comes when the server has gone on without", async () => {
    fixture.router.respond = async (exchange) => {
      void exchange.ask(FORM).catch(() => undefined);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      return { content: [{ type: "text", text: "without you" }] };
    };
    const { requestState } = (await call()).result;
    const retry = await call({ requestState, inputResponses: { "input-1": ada } });
    expect(retry.result).toMatchObject({ content: [{ text: "without you" }] });
  });
});

describe("a client that cannot", () => {
  it("is told which capability it lacks when the server fails for it", async () => {
    fixture.router.respond = askName;
    const told = await call({}, { capabilities: { sampling: {} } });
    expect([told.status, told.error.code, told.error.data]).toEqual([
      400,
      -32_021,
      { requiredCapabilities: { elicitation: {} } },
    ]);
    fixture.router.respond = async (exchange) =>
      await exchange.ask(SAMPLE).catch(() => ({ content: [], isError: true }));
    expect((await call({}, { capabilities: {} })).error.data).toEqual({ requiredCapabilities: { sampling: {} } });
  });

  it("hears nothing of it when the server does without", async () => {
    let code: unknown;
    fixture.router.respond = async (exchange) => {
      await exchange
        .ask({ ...FORM, params: { ...FORM.params, mode: "url" } })
        .catch((error: McpError) => (code = error.code));
      return { content: [] };
    };
    expect((await call()).result).toMatchObject({ resultType: "complete" });
    expect(code).toBe(-32_602);
  });

  it("is asked nothing in a request that no question may interrupt", async () => {
    fixture.router.respond = askName;
    const response = await fixture.modern("completion/complete", { ref: {} }, { capabilities: can });
    expect((await messagesOf(response))[0]).toMatchObject({ error: { code: -32_601 } });
  });
});

describe("a server of this revision", () => {
  it("gets its own state back, and its client never sees it", async () => {
    fixture.router.respond = async ({ params }) =>
      params["requestState"] === undefined
        ? { resultType: "input_required", inputRequests: { k: FORM }, requestState: "its own" }
        : { content: [], structuredContent: { state: params["requestState"], got: params["inputResponses"] } };
    const first = await call();
    expect(first.result["requestState"]).not.toContain("its own");
    const retry = { requestState: first.result["requestState"], inputResponses: { k: ada } };
    expect((await call(retry)).result["structuredContent"]).toEqual({ state: "its own", got: { k: ada } });
    expect(codeOf(await call(retry, { who: "eve" }))).toBe("gateway.state-foreign");
    expect(codeOf(await call({ ...retry, name: "u" }, { headers: { "mcp-name": "u" } }))).toBe(
      "gateway.state-mismatch",
    );
    fixture.clock.advance(16 * 60_000);
    expect(codeOf(await call(retry))).toBe("gateway.state-expired");
  });

  it("may ask without a state", async () => {
    fixture.router.respond = async ({ params }) =>
      params["inputResponses"] === undefined
        ? { resultType: "input_required", inputRequests: { k: FORM } }
        : { content: [] };
    expect((await call()).result).toMatchObject({ resultType: "input_required" });
    expect((await call({ inputResponses: { k: ada } })).result).toMatchObject({ resultType: "complete" });
  });

  it("is reached through another replica that has the key, and through none that has not", async () => {
    const stateKey = new Uint8Array(32).fill(7);
    const [one, two, other] = [await openFront({ stateKey }), await openFront({ stateKey }), await openFront()];
    const params = { name: "t", arguments: {} };
    one.router.respond = async () => ({ resultType: "input_required", requestState: "s" });
    const [first] = await messagesOf(await one.modern("tools/call", params));
    const { requestState } = first!["result"] as JsonObject;
    const second = await messagesOf(await two.modern("tools/call", { ...params, requestState }));
    expect(second[0]).toMatchObject({ result: { resultType: "complete" } });
    expect(two.router.exchanges[0]?.params["requestState"]).toBe("s");
    const third = await messagesOf(await other.modern("tools/call", { ...params, requestState }));
    expect(third[0]).toMatchObject({ error: { data: { code: "gateway.state-invalid" } } });
    await Promise.all([one.close(), two.close(), other.close()]);
  });
});

describe("a server of 2025-11-25 that sends its client to a page first", () => {
  const elicitations = [{ mode: "url", elicitationId: "e", url: "https://x.example/", message: "Log in" }];

  it("is called again once its client has been there", async () => {
    let isThere = false;
    fixture.router.respond = async ({ params }) => {
      if (!isThere) throw new McpError(-32_042, "Log in", { elicitations });
      return { content: [], structuredContent: params };
    };
    const capabilities = { elicitation: { url: {} } };
    const first = await call({}, { capabilities });
    expect(first.result["inputRequests"]).toEqual({
      "input-1": {
        method: "elicitation/create",
        params: { mode: "url", url: "https://x.example/", message: "Log in" },
      },
    });
    isThere = true;
    const retry = { requestState: first.result["requestState"], inputResponses: { "input-1": { action: "accept" } } };
    expect((await call(retry, { capabilities })).result["structuredContent"]).toEqual({
      name: "t",
      arguments: { a: 1, b: 2 },
    });
    isThere = false;
    expect((await call({}, { capabilities: can })).error.data).toEqual({
      requiredCapabilities: { elicitation: { url: {} } },
    });
  });
});
