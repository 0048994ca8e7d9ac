// A gateway over real HTTP with the default policies, real child processes behind it, and records kept in memory.
import { readFile, readdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import {
  Client,
  StreamableHTTPClientTransport,
  type CallToolResult,
  type ClientOptions,
} from "@modelcontextprotocol/client";
import { silentLog, systemClock, uuidv7 } from "@pratique/core";
import type { AuditRecord, Principal, UserPrincipal, WorkloadPrincipal } from "@pratique/contracts";
import { createGuard } from "@pratique/guard";
import { loadPolicySet, type PolicySet } from "@pratique/policy";
import { startProcess } from "@pratique/sandbox";
import { createGateway, type Gateway, type GatewayOptions, type ServerDefinition } from "./index.ts";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

export const owner: UserPrincipal = { type: "User", id: "owner", name: "Owner", groups: ["owner"] };
export const stranger: UserPrincipal = { type: "User", id: "stranger", name: "Stranger", groups: [] };
export const agent: WorkloadPrincipal = {
  type: "Workload",
  id: "spiffe://pratique.local/run/r1/agent/root",
  groups: [],
  actingFor: owner,
  run: "r1",
};

const PRINCIPALS: Readonly<Record<string, Principal>> = { owner, stranger, agent };

export interface GatewayFixture {
  readonly gateway: Gateway;
  readonly url: string;
  readonly records: AuditRecord[];
  /** A client that has connected; `era` forces a protocol revision. */
  connect(
    who: string,
    options?: { profile?: string; era?: "legacy" | "modern"; client?: ClientOptions },
  ): Promise<Client>;
  close(): Promise<void>;
}

export async function defaultPolicies(): Promise<PolicySet> {
  return loadPolicySet(await defaultPolicyFiles());
}

export async function defaultPolicyFiles(): Promise<{ schema: string; files: Record<string, string> }> {
  const directory = join(ROOT, "policies");
  const names = (await readdir(directory)).filter((name) => name.endsWith(".cedar"));
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(directory, name), "utf8")] as const),
  );
  const schema = await readFile(join(directory, "pratique.cedarschema"), "utf8");
  return { schema, files: Object.fromEntries(files) };
}

/** A server that is one of the fakes, run as a child process. Isolated and cleared as far as policy is told. */
export function fakeServer(
  name: string,
  script: string,
  args: readonly string[] = [],
  more: Partial<ServerDefinition> = {},
): ServerDefinition {
  const start = () =>
    startProcess({
      command: process.execPath,
      args: [join(ROOT, "test/fakes", script), ...args],
      env: { FAKE: "1" },
      cwd: tmpdir(),
    });
  return { name, isolated: true, cleared: true, verdicts: {}, transport: { type: "stdio", start }, ...more };
}

export async function openGateway(more: Partial<GatewayOptions> = {}): Promise<GatewayFixture> {
  const records: AuditRecord[] = [];
  const policySet = await defaultPolicies();
  const guard = createGuard({
    policy: () => policySet,
    clock: systemClock,
    log: silentLog,
    audit: {
      append: async (body) => {
        const record = { ...body, version: 1 as const, id: uuidv7(systemClock), sequence: records.length, time: "" };
        records.push(record);
        return record;
      },
    },
  });
  const info = { name: "pratique", version: "0" };
  const gateway = createGateway({ guard, clock: systemClock, log: silentLog, info, ...more });
  const server = createServer((req, res) => {
    const token = /^Bearer (\w+)$/.exec(req.headers.authorization ?? "")?.[1];
    const principal = token === undefined ? undefined : PRINCIPALS[token];
    const profile = /^\/mcp\/([^?]+)/.exec(req.url ?? "")?.[1];
    void gateway.handle(req, res, { principal, ...(profile === undefined ? {} : { profile }) });
  });
  const port = await listening(server);
  const url = `http://127.0.0.1:${port}/mcp`;
  const clients: Client[] = [];
  return {
    gateway,
    url,
    records,
    async connect(who, { profile, era = "legacy", client: clientOptions = {} } = {}) {
      const mode = era === "modern" ? { pin: "2026-07-28" } : ("legacy" as const);
      const client = new Client({ name: "test", version: "0" }, { versionNegotiation: { mode }, ...clientOptions });
      const address = new URL(profile === undefined ? url : `${url}/${profile}`);
      await client.connect(
        new StreamableHTTPClientTransport(address, { requestInit: { headers: { authorization: `Bearer ${who}` } } }),
      );
      clients.push(client);
      return client;
    },
    async close() {
      await Promise.allSettled(clients.map((client) => client.close()));
      await gateway.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

export function textOf(result: CallToolResult): string {
  return result.content.map((part) => (part.type === "text" ? part.text : part.type)).join();
}

/** A request as the web standard has it, for servers of the SDK. */
export async function webRequest(req: IncomingMessage): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const { method = "GET" } = req;
  const headers = Object.entries(req.headers).map(([name, value]): [string, string] => [name, String(value)]);
  const body = method === "POST" ? { body: Buffer.concat(chunks) } : {};
  return new Request("http://remote.invalid/mcp", { method, headers, ...body });
}

export async function sendResponse(response: Response, res: ServerResponse): Promise<void> {
  res.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body === null) return void res.end();
  await pipeline(Readable.fromWeb(response.body), res).catch(() => undefined);
}
