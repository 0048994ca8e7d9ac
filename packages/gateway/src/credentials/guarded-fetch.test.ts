// Where a server may send us for a login, and where it may not.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { discoverAuthorizationServer } from "./authorization-server.ts";
import { guardedFetch, type Resolve } from "./guarded-fetch.ts";

let trap: Server;
let port = 0;
let hits: string[] = [];
let answer: { status: number; headers: Record<string, string>; body: string };
beforeAll(async () => {
  trap = createServer((req, res) => {
    hits.push(req.url ?? "");
    res.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
  ({ port } = trap.address() as AddressInfo);
});
afterAll(() => void trap.close());
beforeEach(() => {
  hits = [];
  answer = { status: 200, headers: { "content-type": "application/json" }, body: "{}" };
});

const names: Readonly<Record<string, readonly string[]>> = {
  "mcp.example": ["93.184.216.34"],
  "corp.example": ["10.1.1.1"],
  "mixed.example": ["93.184.216.34", "127.0.0.1"],
  "mine.example": ["127.0.0.1"],
  "meta.example": ["169.254.169.254"],
};
const resolve: Resolve = async (host) =>
  names[host] ?? (/^[\d.]+$|:/.test(host) ? [host] : host === "localhost" ? ["127.0.0.1"] : []);

describe.each([
  ["a public server", "https://mcp.example/mcp"],
  ["a server whose name leads to this machine", "https://mine.example/mcp"],
  ["a server of which only one address is here", "https://mixed.example/mcp"],
])("%s", (_what, server) => {
  it.each([
    "http://127.0.0.1:PORT/x",
    "http://localhost:PORT/x",
    "https://127.0.0.1:PORT/x",
    "http://[::1]:PORT/x",
    "http://[::ffff:127.0.0.1]:PORT/x",
    "http://2130706433:PORT/x",
    "http://0x7f.1:PORT/x",
    "http://0.0.0.0:PORT/x",
    "http://169.254.169.254/latest/meta-data/",
    "https://169.254.169.254/latest/meta-data/",
    "https://meta.example/x",
    "https://[fd00:ec2::254]/x",
    "https://10.1.1.1/x",
    "https://corp.example/x",
    "http://mcp.example/x",
    "https://user:pass@mcp.example/x",
    "https://unknown.example/x",
    "ftp://mcp.example/x",
    "file:///etc/passwd",
    "data:application/json,{}",
  ])("does not send us to %s", async (target) => {
    const fetch = guardedFetch({ server: new URL(server), resolve });
    await expect(fetch(target.replace("PORT", String(port)))).rejects.toMatchObject({
      code: "gateway.address-refused",
    });
    expect(hits).toEqual([]);
  });
});

describe("a server on this machine", () => {
  const server = new URL("http://127.0.0.1:1/mcp");

  it("may use an authorization server on this machine, and none of a cloud's addresses", async () => {
    const fetch = guardedFetch({ server, resolve });
    expect((await fetch(`http://localhost:${port}/x`)).status).toBe(200);
    for (const target of ["http://169.254.169.254/x", "https://corp.example/x"])
      await expect(fetch(target)).rejects.toMatchObject({ code: "gateway.address-refused" });
  });

  it("is not followed where it redirects, and not read without end", async () => {
    const fetch = guardedFetch({ server, resolve });
    answer = { ...answer, status: 302, headers: { location: "http://169.254.169.254/x" } };
    expect((await fetch(`http://127.0.0.1:${port}/x`)).status).toBe(302);
    answer = { ...answer, status: 200, body: "x".repeat(600 * 1024) };
    await expect(fetch(`http://127.0.0.1:${port}/x`)).rejects.toMatchObject({ code: "input.too-large" });
  });

  it("does not lead discovery away by a redirect", async () => {
    answer = { ...answer, status: 307, headers: { location: "http://169.254.169.254/x" } };
    const url = `http://127.0.0.1:${port}/mcp`;
    const fetch = guardedFetch({ server: new URL(url), resolve });
    await expect(discoverAuthorizationServer({ server: "notes", url, fetch })).rejects.toMatchObject({
      code: "gateway.login-not-offered",
    });
    expect(hits.length).toBeGreaterThan(0);
  });
});

describe("an issuer of the configuration", () => {
  it("may be in the company's own network, and never at a cloud's metadata", async () => {
    const trusted = [
      "https://corp.example",
      "https://169.254.169.254",
      "http://127.0.0.1:PORT".replace("PORT", String(port)),
    ];
    const fetch = guardedFetch({ server: new URL("https://mcp.example/mcp"), trusted, resolve });
    await expect(fetch("https://169.254.169.254/x")).rejects.toMatchObject({ code: "gateway.address-refused" });
    expect((await fetch(`http://127.0.0.1:${port}/x`)).status).toBe(200);
  });
});

describe("what a hostile server says of itself", () => {
  const discover = async (metadata: unknown): Promise<unknown> => {
    answer.body = JSON.stringify(metadata);
    const url = `http://127.0.0.1:${port}/mcp`;
    const fetch = guardedFetch({ server: new URL(url), resolve });
    const resourceMetadata = `http://127.0.0.1:${port}/meta`;
    return await discoverAuthorizationServer({ server: "notes", url, resourceMetadata, fetch });
  };
  const own = () => `http://127.0.0.1:${port}`;

  it.each([
    [
      "the resource of another server",
      () => ({ resource: "https://bank.example/mcp", authorization_servers: [own()] }),
    ],
    ["a resource below its own path", () => ({ resource: `${own()}/mcp/deeper`, authorization_servers: [own()] })],
    ["another's path on its host", () => ({ resource: `${own()}/mc`, authorization_servers: [own()] })],
  ])("is not believed when it is %s", async (_what, metadata) => {
    await expect(discover(metadata())).rejects.toMatchObject({ code: "gateway.login-failed" });
  });

  it("does not lead to an authorization server inside", async () => {
    const metadata = { resource: `${own()}/mcp`, authorization_servers: ["http://169.254.169.254/"] };
    await expect(discover(metadata)).rejects.toMatchObject({ code: "gateway.address-refused" });
  });
});
