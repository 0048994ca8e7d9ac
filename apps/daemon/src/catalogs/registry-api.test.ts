// Who may read the registry's API, and what each of them sees.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ServerEntry, type AuditRecord, type Principal } from "@pratique/contracts";
import { silentLog, systemClock } from "@pratique/core";
import { createGuard } from "@pratique/guard";
import type { PolicySet } from "@pratique/policy";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { installationDirectory } from "../installation.ts";
import { readPolicySet } from "../policy-files.ts";
import type { Catalogs } from "./catalogs.ts";
import { createRegistryApi, isEditorOrigin } from "./registry-api.ts";

const owner: Principal = { type: "User", id: "user-1", name: "olga", groups: ["owner"] };
const stranger: Principal = { type: "User", id: "user-2", name: "sven", groups: [] };
const entry = (name: string): ServerEntry =>
  ServerEntry.parse({
    name,
    version: "1.0.0",
    network: { hosts: [] },
    remote: { url: `https://${name}.example.com/mcp` },
  });

let policies: PolicySet;
let server: Server | undefined;
const records: string[] = [];

beforeAll(async () => {
  policies = await readPolicySet(join(installationDirectory(), "policies"));
});
afterEach(() => {
  server?.close();
  records.length = 0;
});

async function ask(
  path: string,
  o: { principal?: Principal; anonymous?: Principal; origin?: string; method?: string; set?: PolicySet } = {},
): Promise<{ status: number; body: unknown; headers: Headers }> {
  const append = async (body: Omit<AuditRecord, "version" | "id" | "sequence" | "time">): Promise<AuditRecord> => {
    records.push(`${body.action} ${body.outcome}`);
    return { ...body, version: 1, id: "r", sequence: 0, time: "2026-01-01T00:00:00Z" };
  };
  const guard = createGuard({ policy: () => o.set ?? policies, audit: { append }, clock: systemClock, log: silentLog });
  const catalog = { name: "c", version: "1", other: {}, entries: [entry("one"), entry("two")] };
  const catalogs: Pick<Catalogs, "inForce"> = { inForce: async () => [{ place: "c", catalog }] };
  const api = createRegistryApi({
    catalogs,
    guard,
    anonymous: o.anonymous,
    addressOf: () => undefined,
    log: silentLog,
  });
  server = createServer((req, res) => void api(req, res, new URL(req.url ?? "/", "http://localhost"), o.principal));
  await new Promise<void>((done) => server?.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: o.method ?? "GET",
    ...(o.origin === undefined ? {} : { headers: { origin: o.origin } }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? undefined : JSON.parse(text), headers: answer.headers };
}

describe("the registry's API", () => {
  it("wants somebody, unless the configuration lets anybody read", async () => {
    expect(await ask("/v0.1/servers")).toMatchObject({ status: 401 });
    expect(await ask("/v0.1/servers", { anonymous: owner })).toMatchObject({
      status: 200,
      body: { metadata: { count: 2 } },
    });
  });

  it("shows each principal what policy lets him list, with one record for the list", async () => {
    expect(await ask("/v0.1/servers", { principal: owner })).toMatchObject({ body: { metadata: { count: 2 } } });
    expect(records).toEqual(["tool:list done"]);
    expect(await ask("/v0.1/servers", { principal: stranger })).toMatchObject({ status: 200, body: { servers: [] } });
    const one = encodeURIComponent("dev.pratique.local/one");
    expect(await ask(`/v0.1/servers/${one}/versions/latest`, { principal: stranger })).toMatchObject({ status: 404 });
  });

  it.each([
    ["/v0.1/servers/dev.pratique.local%2Fone/versions", 200],
    ["/v0.1/servers/dev.pratique.local%2Fone/versions/1.0.0", 200],
    ["/v0/servers/dev.pratique.local%2Fone", 200],
    ["/v0.1/servers/dev.pratique.local%2Fone/versions/2.0.0", 404],
    ["/v0.1/servers/%E0%A4%A/versions", 404],
    ["/v0.1/servers?limit=0", 400],
    ["/v0.1/publish", 404],
    ["/v0.1/health", 200],
  ])("%s: %d", async (path, status) => {
    expect(await ask(path, { principal: owner })).toMatchObject({ status });
  });

  it("is only read", async () => {
    expect(await ask("/v0.1/servers", { principal: owner, method: "DELETE" })).toMatchObject({ status: 405 });
  });

  it("lets an editor's own page read it, and no page of the web", async () => {
    const { headers } = await ask("/v0.1/servers", { principal: owner, origin: "vscode-file://vscode-app" });
    expect(headers.get("access-control-allow-origin")).toBe("vscode-file://vscode-app");
    const foreign = await ask("/v0.1/servers", { principal: owner, origin: "https://evil.example" });
    expect(foreign.headers.get("access-control-allow-origin")).toBe(null);
    for (const origin of ["null", "http://localhost:3000", "https://vscode-file.example", undefined]) {
      expect(isEditorOrigin(origin)).toBe(false);
    }
  });
});
