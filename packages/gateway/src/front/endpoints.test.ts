// The gateway's paths, and nobody else's.
import { expect, it } from "vitest";
import { mcpEndpoint } from "./endpoints.ts";

it.each([
  ["/mcp", { endpoint: "mcp" }],
  ["/mcp/a%20b", { endpoint: "mcp", profile: "a b" }],
  ["/sse", { endpoint: "sse" }],
  ["/sse/team", { endpoint: "sse", profile: "team" }],
  ["/messages", { endpoint: "messages" }],
  ["/.well-known/oauth-protected-resource", { endpoint: "metadata" }],
  ["/.well-known/oauth-protected-resource/mcp/team", { endpoint: "metadata" }],
])("knows %s", (path, facts) => expect(mcpEndpoint(path)).toEqual(facts));

it.each(["/", "/mcpx", "/ssex", "/messages/x", "/v1/models", "/.well-known/oauth-protected-resource/v2"])(
  "leaves %s to others",
  (path) => expect(mcpEndpoint(path)).toBeUndefined(),
);

it("refuses a profile that is no percent-encoding", () => {
  expect(() => mcpEndpoint("/mcp/%E0%A4%A")).toThrow("percent-encoding");
});
