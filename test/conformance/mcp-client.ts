// What the MCP conformance suite drives as a client: the gateway's connection to servers, and nothing else.
import { openUpstream, type Exchange, type InputRequest, type UpstreamPort } from "@pratique/gateway";
import { isJsonObject, isPratiqueError, silentLog, systemClock, type Json, type JsonObject } from "@pratique/core";
import { conformanceAuth, type ConformanceAuth } from "./auth-client.ts";

export interface ScenarioFacts {
  readonly scenario: string;
  readonly url: string;
  /** MCP_CONFORMANCE_CONTEXT */
  readonly context: JsonObject;
}

/** A login more often than this is a loop. */
const LOGINS = 3;
const CAPABILITIES: JsonObject = { roots: {}, sampling: {}, elicitation: { form: {}, url: {} } };

/** A person who agrees to everything and fills in nothing: what has a default is sent with it (SEP-1034). */
async function agree({ params }: InputRequest): Promise<JsonObject> {
  const { requestedSchema } = params;
  const properties = isJsonObject(requestedSchema) ? requestedSchema["properties"] : undefined;
  const defaults = Object.entries(isJsonObject(properties) ? properties : {}).flatMap(([name, schema]) =>
    isJsonObject(schema) && schema["default"] !== undefined ? [[name, schema["default"]] as const] : [],
  );
  return { action: "accept", content: Object.fromEntries(defaults) };
}

function exchange(method: string, params: JsonObject): Exchange {
  return {
    method,
    params,
    headers: {},
    client: {
      era: "modern",
      protocolVersion: "2026-07-28",
      capabilities: CAPABILITIES,
      info: { name: "conformance", version: "1" },
    },
    signal: AbortSignal.timeout(60_000),
    wantsProgress: true,
    notify: () => undefined,
    ask: agree,
  };
}

const call = (server: UpstreamPort, name: string, args: JsonObject = {}, more: JsonObject = {}): Promise<JsonObject> =>
  server.send(exchange("tools/call", { name, arguments: args, ...more }));

async function callAll(server: UpstreamPort): Promise<void> {
  const { items } = await server.list("tools");
  for (const tool of items) await call(server, String(tool["name"]), { a: 2, b: 3, region: "eu", query: "x" });
}

/** What the scenario wants called, as it says. */
async function callAsTold(server: UpstreamPort, { context }: ScenarioFacts): Promise<void> {
  await server.list("tools");
  const { toolCalls } = context;
  for (const told of Array.isArray(toolCalls) ? toolCalls : [])
    if (isJsonObject(told) && isJsonObject(told["arguments"]))
      await call(server, String(told["name"]), told["arguments"]);
}

async function useEverything(server: UpstreamPort): Promise<void> {
  await callAll(server);
  for (const { uri = "" } of (await server.list("resources")).items)
    await server.send(exchange("resources/read", { uri }));
  for (const { name = "" } of (await server.list("prompts")).items)
    await server.send(exchange("prompts/get", { name }));
}

/** A tool that wants input gets it with a second request, as revision 2026-07-28 has it. */
async function callInRounds(server: UpstreamPort, name: string, between?: () => Promise<unknown>): Promise<void> {
  const { resultType, inputRequests, requestState } = await call(server, name);
  await between?.();
  if (resultType !== "input_required" || !isJsonObject(inputRequests)) return;
  const answers = Object.keys(inputRequests).map(
    (key) => [key, { action: "accept", content: { confirmed: true } }] as const,
  );
  const state: Record<string, Json> = requestState === undefined ? {} : { requestState };
  await call(server, name, {}, { inputResponses: Object.fromEntries(answers), ...state });
}

async function useRounds(server: UpstreamPort): Promise<void> {
  await server.list("tools");
  await callInRounds(server, "test_mrtr_echo_state", () => call(server, "test_mrtr_unrelated"));
  await callInRounds(server, "test_mrtr_no_state");
  await callInRounds(server, "test_mrtr_no_result_type");
}

async function echoSchema(server: UpstreamPort): Promise<void> {
  const { items } = await server.list("tools");
  const { inputSchema } = items.find(({ name }) => name === "json_schema_2020_12_tool") ?? {};
  await call(server, "json_schema_echo", { schema: inputSchema });
}

/** Lists and calls, also where rights are missing that only a call needs. */
async function useWithLogins(server: UpstreamPort, account: ConformanceAuth): Promise<void> {
  await withLogins(server, account, () => server.facts());
  await withLogins(server, account, () => server.send(exchange("tools/list", {})));
  await withLogins(server, account, () => call(server, "test-tool"));
}

/** As a person does who is told that a login is needed, and who loses patience. */
async function withLogins(server: UpstreamPort, account: ConformanceAuth, act: () => Promise<unknown>): Promise<void> {
  for (let logins = 0; ; logins++) {
    try {
      await act();
      return;
    } catch (error) {
      if (!isPratiqueError(error, "gateway.authorization-needed") || !isJsonObject(error.details) || logins >= LOGINS)
        throw error;
      await account.login(String(error.details["url"]));
      server.retry?.();
    }
  }
}

const SCENARIOS: Readonly<Record<string, (server: UpstreamPort, facts: ScenarioFacts) => Promise<unknown>>> = {
  "json-schema-ref-no-deref": (server) => server.list("tools"),
  "json-schema-2020-12-preservation": echoSchema,
  "http-standard-headers": useEverything,
  "http-custom-headers": callAsTold,
  "sep-2322-client-request-state": useRounds,
};

/** Plays one scenario. @throws what went wrong, which the suite may want to see */
export async function playScenario(facts: ScenarioFacts): Promise<void> {
  const { scenario, url, context } = facts;
  const account = scenario.startsWith("auth/") ? await conformanceAuth(url, scenario, context) : undefined;
  const server = openUpstream(
    {
      name: "conformance",
      isolated: true,
      cleared: true,
      verdicts: {},
      transport: { type: "http", url, ...(account === undefined ? {} : { auth: account.auth }) },
    },
    "",
    { clock: systemClock, log: silentLog, info: { name: "pratique", version: "0" }, onEvent: () => undefined },
  );
  try {
    if (account !== undefined) await useWithLogins(server, account);
    else {
      await server.facts();
      await (SCENARIOS[scenario] ?? callAll)(server, facts);
    }
  } finally {
    await server.close();
    await account?.close();
  }
}
