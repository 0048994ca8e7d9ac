// The port over the official client, against the official server; the gateway's marks are put on by hand.
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { DECISION_META, mcpToolPort } from "./mcp-tool-port.ts";

const signal = new AbortController().signal;
let tokens: Set<string | null>;

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: "harbour", version: "1.0.0" });
  server.registerTool(
    "echo",
    { description: "Says it again", inputSchema: z.object({ text: z.string() }) },
    ({ text }) => ({
      content: [
        { type: "text", text },
        { type: "image", data: "AA==", mimeType: "image/png" },
      ],
    }),
  );
  server.registerTool("write_note", { inputSchema: z.object({}) }, () => ({
    content: [{ type: "text", text: "denied: policy no-writes forbids write_note" }],
    isError: true,
    _meta: { [DECISION_META]: { decision: "deny", policy: "no-writes" } },
  }));
  return server;
});

const serve: typeof fetch = (input, init) => {
  const request = new Request(input, init);
  tokens.add(request.headers.get("authorization"));
  return handler.fetch(request);
};

beforeEach(() => (tokens = new Set()));

const open = () => mcpToolPort({ url: "http://127.0.0.1:7340/mcp/harbour", token: "run-token", fetch: serve });

describe("tools of the gateway", () => {
  it("are listed with their schemas, under the run's token", async () => {
    const port = await open();
    expect(await port.list()).toMatchObject([
      { name: "echo", description: "Says it again", inputSchema: { type: "object", required: ["text"] } },
      { name: "write_note", description: "" },
    ]);
    await port.close();
    expect([...tokens]).toEqual(["Bearer run-token"]);
  });

  it("give their text, and name what is no text", async () => {
    const port = await open();
    expect(await port.call("echo", { text: "ahoy" }, signal)).toEqual({
      text: "ahoy\n[image image/png]",
      isError: false,
    });
    await port.close();
  });

  it("tell a denial from an error of the tool", async () => {
    const port = await open();
    expect(await port.call("write_note", {}, signal)).toEqual({
      text: "denied: policy no-writes forbids write_note",
      isError: true,
      decision: "deny",
      policy: "no-writes",
    });
    const wrong = await port.call("echo", { text: 1 }, signal);
    expect(wrong.isError).toBe(true);
    expect(wrong.decision).toBeUndefined();
    expect((await port.call("nothing", {}, signal)).isError).toBe(true);
    await port.close();
  });

  it("are unreachable where nobody serves them", async () => {
    const refused = mcpToolPort({ url: "http://127.0.0.1:1/mcp", token: "t" });
    await expect(refused).rejects.toMatchObject({ code: "agent.tools-unreachable" });
  });
});
