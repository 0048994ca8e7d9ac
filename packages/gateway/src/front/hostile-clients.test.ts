// Clients that mean harm: what they send is refused or bounded, and others do not notice.
import { connect } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { messagesOf, openFront, type FrontFixture } from "./front.fixture.ts";

let fixture: FrontFixture;

beforeAll(async () => {
  fixture = await openFront({ sessionLimit: 300, sessionsPerPrincipal: 100 });
});
afterAll(() => fixture.close());

const initialize = {
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "t", version: "0" } },
};

it("holds no more sessions than it may, however many are opened", async () => {
  for (let batch = 0; batch < 20; batch++)
    await Promise.all(
      Array.from({ length: 25 }, (_, count) => fixture.post(initialize, {}, `u${count % 4}`).then((res) => res.text())),
    );
  expect(fixture.front.sessions).toBeLessThanOrEqual(300);
});

it.each([
  ["no JSON", "{", {}, 400],
  ["an array that nests", `${"[".repeat(100_000)}${"]".repeat(100_000)}`, {}, 400],
  ["an object that nests", `${'{"a":'.repeat(100)}1${"}".repeat(100)}`, {}, 400],
  ["a string", '"x"', {}, 400],
  ["null", "null", {}, 400],
  ["another version of JSON-RPC", JSON.stringify({ ...initialize, jsonrpc: "1.0" }), {}, 400],
  ["an id that is an object", JSON.stringify({ ...initialize, id: {} }), {}, 400],
  ["an id that is giant", JSON.stringify({ ...initialize, id: "x".repeat(100_000) }), {}, 400],
  ["a method that is giant", JSON.stringify({ ...initialize, method: "x".repeat(100_000) }), {}, 400],
  ["params that are a list", JSON.stringify({ ...initialize, params: [] }), {}, 400],
  ["a form", "a=b", { "content-type": "application/x-www-form-urlencoded" }, 415],
  ["plain text", JSON.stringify(initialize), { "content-type": "text/plain" }, 415],
  ["JSON of another name", JSON.stringify(initialize), { "content-type": "application/jsonx" }, 415],
  ["a foreign origin", JSON.stringify(initialize), { origin: "https://evil.example" }, 403],
  ["an origin that is none", JSON.stringify(initialize), { origin: "null" }, 403],
  ["more than it may", `"${"x".repeat(5_000_000)}"`, {}, 413],
])("refuses %s", async (_what, body, headers, status) => {
  const answer = await fixture.post(body, headers).then(
    (response) => response.status,
    // The connection may end before all of a body is sent.
    () => 413,
  );
  expect(answer).toBe(status);
});

it("answers nobody who is unknown, and says where to ask", async () => {
  const response = await fetch(fixture.url, { method: "POST", body: "{}" });
  expect(response.status).toBe(401);
  const { host, origin } = new URL(fixture.url);
  expect(response.headers.get("www-authenticate")).toBe(
    `Bearer realm="pratique", resource_metadata="http://${host}/.well-known/oauth-protected-resource/mcp"`,
  );
  const metadata = await fetch(`${origin}/.well-known/oauth-protected-resource/mcp`);
  expect(await metadata.json()).toMatchObject({ resource: fixture.url, bearer_methods_supported: ["header"] });
});

it("lets a page of this machine ask and read, and no other", async () => {
  const origin = "http://localhost:6274";
  const headers = { origin, "access-control-request-headers": "authorization, mcp-param-x, cookie" };
  const asked = await fetch(fixture.url, { method: "OPTIONS", headers });
  expect([asked.status, asked.headers.get("access-control-allow-headers")]).toEqual([
    204,
    "authorization, mcp-param-x",
  ]);
  const told = await fixture.post(initialize, { origin });
  expect(told.headers.get("access-control-allow-origin")).toBe(origin);
  expect((await fetch(fixture.url, { method: "OPTIONS", headers: { origin: "https://evil.example" } })).status).toBe(
    403,
  );
});

it("does not wait for a body that does not come, nor leave anything of it", async () => {
  const { hostname, port, host } = new URL(fixture.url);
  const socket = connect(Number(port), hostname);
  const head = `POST /mcp HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ada\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`;
  socket.write(head);
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.destroy();
  expect((await messagesOf(await fixture.post(initialize)))[0]).toMatchObject({ id: 1 });
});

it("takes keys of objects for nothing but keys", async () => {
  const text =
    '{"name":"t","arguments":{"__proto__":{"polluted":1},"constructor":{"x":1}},"_meta":{"__proto__":{"progressToken":1},"a":1}}';
  const params = JSON.parse(text) as Record<string, unknown>;
  const response = await fixture.post(initialize);
  await response.text();
  const session = { "mcp-session-id": response.headers.get("mcp-session-id") ?? "" };
  const body = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":${text}}`;
  expect((await messagesOf(await fixture.post(body, session)))[0]).toMatchObject({ id: 2 });
  const exchange = fixture.router.exchanges.at(-1)!;
  expect(JSON.stringify(exchange.params)).toBe(JSON.stringify(params));
  expect(exchange.wantsProgress).toBe(false);
  expect({}).not.toHaveProperty("polluted");
});
