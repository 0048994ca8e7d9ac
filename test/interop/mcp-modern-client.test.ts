// The official SDK 2 as a client of 2026-07-28, in front of a server that knows the older revisions alone.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { overStdio, serveBehindGateway, type Served } from "../conformance/mcp-behind-gateway.ts";

let served: Served;

beforeAll(async () => {
  served = await serveBehindGateway(overStdio("legacy"));
});
afterAll(() => served.close());

it("answers what the server asks with requests, and sees progress and changes", async () => {
  const { promise: changed, resolve: change } = Promise.withResolvers<void>();
  const client = new Client(
    { name: "new", version: "1" },
    {
      versionNegotiation: { mode: { pin: "2026-07-28" } },
      capabilities: { elicitation: {}, sampling: {}, roots: {} },
      listChanged: { tools: { onChanged: () => change() } },
    },
  );
  client.setRequestHandler("elicitation/create", async () => ({
    action: "accept",
    content: { name: "Ada", color: "red" },
  }));
  client.setRequestHandler("sampling/createMessage", async () => ({
    role: "assistant",
    model: "m",
    content: { type: "text", text: "hi" },
  }));
  client.setRequestHandler("roots/list", async () => ({ roots: [{ uri: "file:///here" }] }));
  await client.connect(new StreamableHTTPClientTransport(new URL(served.url)));
  const call = async (name: string) => JSON.stringify(await client.callTool({ name, arguments: {} }));
  expect(await call("test_input_required_result_multi_round")).toContain("Ada likes red");
  expect(await call("test_input_required_result_multiple_inputs")).toContain("All inputs are here");
  expect(await call("test_input_required_result_list_roots")).toContain("file:///here");
  const seen: number[] = [];
  await client.callTool(
    { name: "test_tool_with_progress", arguments: {} },
    { onprogress: ({ progress }) => void seen.push(progress) },
  );
  expect(seen).toEqual([0, 50, 100]);
  await client.callTool({ name: "test_trigger_tool_change", arguments: {} });
  await changed;
  const plain = new Client({ name: "plain", version: "1" }, { versionNegotiation: { mode: { pin: "2026-07-28" } } });
  await plain.connect(new StreamableHTTPClientTransport(new URL(served.url)));
  await expect(plain.callTool({ name: "test_missing_capability", arguments: {} })).rejects.toMatchObject({
    code: -32_021,
  });
  await plain.close();
  await client.close();
});
