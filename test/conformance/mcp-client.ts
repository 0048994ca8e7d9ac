// The program that the MCP conformance suite drives as a client: the gateway's connection to servers, and nothing else.
//   MCP_CONFORMANCE_SCENARIO=NAME node test/conformance/mcp-client.ts URL
import { openUpstream, type Exchange, type InputRequest, type UpstreamPort } from "@pratique/gateway";
import { isJsonObject, silentLog, systemClock, type Json, type JsonObject } from "@pratique/core";

const { MCP_CONFORMANCE_SCENARIO: scenario = "", MCP_CONFORMANCE_CONTEXT: context = "{}" } = process.env;
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
    signal: AbortSignal.timeout(20_000),
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
async function callAsTold(server: UpstreamPort): Promise<void> {
  await server.list("tools");
  const { toolCalls } = JSON.parse(context) as { toolCalls?: { name: string; arguments: JsonObject }[] };
  for (const { name, arguments: args } of toolCalls ?? []) await call(server, name, args);
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

const SCENARIOS: Readonly<Record<string, (server: UpstreamPort) => Promise<unknown>>> = {
  "json-schema-ref-no-deref": (server) => server.list("tools"),
  "json-schema-2020-12-preservation": echoSchema,
  "http-standard-headers": useEverything,
  "http-custom-headers": callAsTold,
  "sep-2322-client-request-state": useRounds,
};

const server = openUpstream(
  {
    name: "conformance",
    isolated: true,
    cleared: true,
    verdicts: {},
    transport: { type: "http", url: process.argv[2] ?? "" },
  },
  "",
  { clock: systemClock, log: silentLog, info: { name: "pratique", version: "0" }, onEvent: () => undefined },
);
try {
  await server.facts();
  await (SCENARIOS[scenario] ?? callAll)(server);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await server.close();
}
