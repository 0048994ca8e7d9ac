// The official SDK 1, which knows the older revisions alone, over both of its transports, in front of a server of 2026-07-28.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { afterAll, beforeAll, expect, it } from "vitest";
import { overStdio, serveBehindGateway, type Served } from "../conformance/mcp-behind-gateway.ts";

let served: Served;

beforeAll(async () => {
  served = await serveBehindGateway(overStdio("modern"));
});
afterAll(() => served.close());

it.each(["HTTP+SSE", "Streamable HTTP"])(
  "answers questions, hears changes and sees progress over %s",
  async (transport) => {
    const capabilities = { elicitation: {}, sampling: {}, roots: {} };
    const client = new Client({ name: "old", version: "1" }, { capabilities });
    client.setRequestHandler(ElicitRequestSchema, async () => ({
      action: "accept",
      content: { name: "Ada", color: "red" },
    }));
    client.setRequestHandler(CreateMessageRequestSchema, async () => ({
      role: "assistant",
      model: "m",
      content: { type: "text", text: "hi" },
    }));
    client.setRequestHandler(ListRootsRequestSchema, async () => ({ roots: [{ uri: "file:///here" }] }));
    const { promise: changed, resolve: change } = Promise.withResolvers<void>();
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => change());
    await client.connect(
      (transport === "HTTP+SSE"
        ? new SSEClientTransport(new URL("/sse", served.url))
        : new StreamableHTTPClientTransport(new URL(served.url))) as never,
    );
    expect((await client.listTools()).tools.length).toBeGreaterThan(20);
    const call = async (name: string) => JSON.stringify(await client.callTool({ name, arguments: {} }));
    expect(await call("test_input_required_result_multi_round")).toContain("Ada likes red");
    expect(await call("test_input_required_result_multiple_inputs")).toContain("All inputs are here");
    expect(await call("test_input_required_result_list_roots")).toContain("file:///here");
    const seen: number[] = [];
    await client.callTool({ name: "test_tool_with_progress", arguments: {} }, undefined, {
      onprogress: ({ progress }) => void seen.push(progress),
    });
    expect(seen).toEqual([0, 50, 100]);
    await client.callTool({ name: "test_trigger_tool_change", arguments: {} });
    await changed;
    await client.close();
  },
);
