// Profiles, limits, traces and tools of the gateway, through the running program, its command and a collector.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { pratique, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

let place: Awaited<ReturnType<typeof temporaryHome>>;
let daemon: Daemon | undefined;
let remote: Server;
let collector: Server;
/** Bodies that came to the collector, by path. */
const collected: { readonly path: string; readonly body: string; readonly authorization: string | undefined }[] = [];
/** `_meta` of the calls that reached the server. */
const metas: unknown[] = [];

beforeAll(async () => {
  place = await temporaryHome();
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: "tickets", version: "1" });
    const inputSchema = z.object({ project: z.string(), q: z.string() });
    server.registerTool("search", { description: "Searches", inputSchema }, ({ project, q }, { mcpReq }) => {
      metas.push(mcpReq._meta);
      return { content: [{ type: "text", text: `${project}: ${q}` }] };
    });
    server.registerTool("close", { description: "Closes" }, () => ({ content: [{ type: "text", text: "closed" }] }));
    return server;
  });
  remote = createServer(async (req, res) => send(await handler.fetch(await webRequest(req)), res));
  collector = createServer(async (req, res) => {
    collected.push({
      path: req.url ?? "",
      body: (await bytesOf(req)).toString(),
      authorization: req.headers.authorization,
    });
    res.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  const tickets = { url: `${await listening(remote)}/mcp`, readOnlyTools: ["search"] };
  await writeFile(join(place.home, "collector.token"), "collector-token\n", { mode: 0o600 });
  const configuration = {
    gateway: {
      servers: { tickets },
      profiles: {
        support: {
          servers: { tickets: { tools: { search: { name: "find", arguments: { project: "ACME" } }, close: {} } } },
          access: "read-only",
        },
      },
      limits: [{ name: "few", tools: ["close"], rate: { requests: 2, seconds: 3600 } }],
      record: { arguments: "digest" },
    },
    telemetry: { otlp: { url: await listening(collector), tokenFile: "collector.token" } },
  };
  // JSON is YAML.
  await writeFile(join(place.home, "pratique.yaml"), JSON.stringify(configuration));
  daemon = await startDaemon(place.home);
});

afterAll(async () => {
  await daemon?.stop();
  await place.remove();
  for (const server of [remote, collector]) {
    server.closeAllConnections();
    server.close();
  }
});

describe("the command", () => {
  it("lists, shows and calls tools, all of them or those of a profile", async () => {
    const all = await pratique(["tools", "ls"], { home: place.home });
    expect(all.stdout).toMatch(/search +Searches/);
    const profile = await pratique(["tools", "ls", "--profile", "support", "--json"], { home: place.home });
    expect(profile.json<{ tools: { name: string }[] }>().tools.map(({ name }) => name)).toEqual(["find"]);
    const shown = await pratique(["tools", "inspect", "find", "--profile", "support"], { home: place.home });
    expect(shown.stdout).toMatch(/q +string +yes/);
    expect(shown.stdout).not.toContain("project");
    const called = await pratique(["tools", "call", "find", "q=tide", "--profile", "support"], { home: place.home });
    expect([called.code, called.stdout.trim()]).toEqual([0, "ACME: tide"]);
  });

  it("says which policy denies, with exit code 3", async () => {
    const denied = await pratique(["tools", "call", "close", "--profile", "support"], { home: place.home });
    expect([denied.code, denied.stdout.trim()]).toEqual([3, "denied: policy access.read-only forbids close"]);
  });

  it("sets a profile that counts at once and after a restart, and takes it back", async () => {
    const file = join(place.home, "wide.yaml");
    await writeFile(file, "servers: [tickets]\n");
    expect((await pratique(["profile", "set", "wide", file], { home: place.home })).code).toBe(0);
    await daemon?.stop();
    daemon = await startDaemon(place.home);
    const listed = await pratique(["profile", "ls"], { home: place.home });
    expect(listed.stdout).toMatch(/support +read-only +tickets +everybody +configuration/);
    expect(listed.stdout).toMatch(/wide +full +tickets +everybody +changed/);
    expect((await pratique(["profile", "show", "wide"], { home: place.home })).stdout).toContain("- tickets");
    expect((await pratique(["profile", "rm", "wide"], { home: place.home })).code).toBe(0);
    expect((await pratique(["profile", "rm", "support"], { home: place.home })).code).toBe(1);
  });
});

describe("a client", () => {
  it("is limited, and told when to come again", async () => {
    const client = await connect();
    for (let call = 0; call < 2; call++) await client.callTool({ name: "close" });
    await expect(client.callTool({ name: "close" })).rejects.toMatchObject({
      data: { code: "gateway.rate-limited", details: { limit: "few", retryAfterMs: expect.any(Number) } },
    });
    expect((await client.callTool({ name: "search", arguments: { project: "X", q: "y" } })).isError).not.toBe(true);
    await client.close();
  });

  it("has its trace go on to the server, the collector and the record", async () => {
    const client = await connect();
    metas.length = 0;
    const _meta = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, "acme/x": 1 };
    await client.callTool({ name: "search", arguments: { project: "X", q: "traced" }, _meta });
    await client.close();
    const [meta] = metas;
    expect(meta).toMatchObject({
      "acme/x": 1,
      traceparent: expect.stringMatching(`^00-${TRACE}-(?!00f067aa0ba902b7)`),
    });
    const records = await daemon!.client.records({ action: "tool:call", limit: 1 });
    expect(records[0]?.details).toMatchObject({ trace: TRACE, argumentsDigest: expect.stringMatching(/^sha256:/) });
    expect(records[0]?.details).not.toHaveProperty("arguments");
    await daemon?.stop();
    daemon = undefined;
    const spans = collected.filter(({ path }) => path === "/v1/traces");
    expect(spans[0]?.authorization).toBe("Bearer collector-token");
    const body = spans.map((one) => one.body).join("\n");
    expect(body).toContain(TRACE);
    for (const text of [
      "tools/call search",
      "mcp.method.name",
      "gen_ai.tool.name",
      "mcp.protocol.version",
      records[0]?.id ?? "?",
    ])
      expect(body).toContain(text);
    expect(body).not.toContain("traced");
    expect(collected.find(({ path }) => path === "/v1/metrics")?.body).toContain("mcp.server.operation.duration");
  });
});

async function connect(): Promise<Client> {
  const client = new Client({ name: "test", version: "0" });
  const headers = { authorization: `Bearer ${daemon!.token}` };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${daemon!.url}/mcp`), { requestInit: { headers } }));
  return client;
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function bytesOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function webRequest(req: IncomingMessage): Promise<Request> {
  const headers = Object.entries(req.headers).map(([name, value]): [string, string] => [name, String(value)]);
  const body = req.method === "POST" ? { body: await bytesOf(req) } : {};
  return new Request("http://remote.invalid/mcp", { method: req.method ?? "GET", headers, ...body });
}

function send(response: Response, res: ServerResponse): void {
  res.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) res.end();
  else Readable.fromWeb(response.body).pipe(res);
}
