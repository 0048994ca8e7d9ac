// Servers of the starter catalog from npm to a tool call in a container: packed, cleared, published, placed by name.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { parseCatalog, writeCatalogYaml } from "@pratique/catalog";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pratique, ROOT, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";

/** Small ones; the others are packed in the same way. */
const NAMES = ["everything", "memory", "sequential-thinking"];
const TIMEOUT_MS = 240_000;

let place: Awaited<ReturnType<typeof temporaryHome>>;
let daemon: Daemon;
let directory: string;
let upstream: Server;
const asked: string[] = [];

const run = (...args: string[]): ReturnType<typeof pratique> =>
  pratique(args, { home: place.home, env: { PRATIQUE_URL: daemon.url } });

async function configure(gateway: object): Promise<void> {
  await writeFile(join(place.home, "pratique.yaml"), JSON.stringify({ gateway }));
  await daemon.stop();
  daemon = await startDaemon(place.home);
}

beforeAll(async () => {
  place = await temporaryHome();
  directory = join(place.home, "catalog");
  await mkdir(directory);
  const starter = parseCatalog(await readFile(join(ROOT, "catalogs", "starter", "catalog.yaml")));
  const entries = starter.entries.filter(({ name }) => NAMES.includes(name));
  await writeFile(join(directory, "catalog.yaml"), writeCatalogYaml({ ...starter, entries }));
  upstream = createServer((req, res) => {
    asked.push(req.url ?? "");
    const server = {
      name: "com.example/far",
      description: "Far away",
      version: "1.0.0",
      remotes: [{ type: "streamable-http", url: "https://far.example.com/mcp" }],
    };
    const isSecond = (req.url ?? "").includes("cursor=next");
    const page = {
      servers: [{ server: isSecond ? { ...server, name: "com.example/farther" } : server }],
      metadata: isSecond ? {} : { nextCursor: "next" },
    };
    res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(page));
  });
  await new Promise<void>((done) => upstream.listen(0, "127.0.0.1", done));
  daemon = await startDaemon(place.home);
}, TIMEOUT_MS);

afterAll(async () => {
  await daemon.stop();
  upstream.close();
  await place.remove();
});

describe("the starter catalog", () => {
  it(
    "is packed from npm, signed and cleared, and each server lists its tools in a container",
    async () => {
      const packed = await run("catalog", "pack", directory, "--json");
      expect(packed.stderr).toBe("");
      const results = packed.json<{ name: string; cleared: boolean; tools: number }[]>();
      expect(results.map(({ name, cleared }) => [name, cleared])).toEqual(NAMES.map((name) => [name, true]));
      expect(results.every(({ tools }) => tools > 0)).toBe(true);
    },
    TIMEOUT_MS,
  );

  it(
    "is published, placed by name, and a tool of each answers",
    async () => {
      const published = await run("catalog", "publish", directory, "--json");
      expect(published.code).toBe(0);
      const { reference } = published.json<{ reference: string }>();
      const servers = Object.fromEntries(NAMES.map((name) => [name, { entry: name }]));
      await configure({ catalog: reference.replace(/^[^/]+\//, ""), catalogOnly: true, servers });
      const client = new Client({ name: "test", version: "0" });
      await client.connect(
        new StreamableHTTPClientTransport(new URL(`${daemon.url}/mcp`), {
          requestInit: { headers: { authorization: `Bearer ${daemon.token}` } },
        }),
      );
      const call = async (name: string, args: Record<string, unknown>): Promise<string> =>
        JSON.stringify(await client.callTool({ name, arguments: args }));
      // The first call starts its server; a list shows what is known by then.
      await expect.poll(async () => (await client.listTools()).tools.length, { timeout: 60_000 }).toBeGreaterThan(20);
      expect(await call("echo", { message: "ahoy" })).toContain("ahoy");
      const entity = { name: "ship", entityType: "thing", observations: ["it floats"] };
      expect(await call("create_entities", { entities: [entity] })).toContain("it floats");
      expect(await call("read_graph", {})).toContain("it floats");
      const thought = { thought: "think", nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 };
      expect(await call("sequentialthinking", thought)).toContain("thoughtNumber");
      await client.close();
    },
    TIMEOUT_MS,
  );

  it("is all that clients find in the registry's API, with a token only", async () => {
    expect((await fetch(`${daemon.url}/v0.1/servers`)).status).toBe(401);
    const headers = { authorization: `Bearer ${daemon.token}` };
    const answer = await fetch(`${daemon.url}/v0.1/servers?version=latest&limit=2`, { headers });
    const { servers, metadata } = (await answer.json()) as {
      servers: { server: { name: string } }[];
      metadata: { nextCursor: string };
    };
    expect(servers.map(({ server }) => server.name)).toEqual([
      "io.github.modelcontextprotocol/server-everything",
      "io.github.modelcontextprotocol/server-memory",
    ]);
    const next = await fetch(`${daemon.url}/v0.1/servers?limit=2&cursor=${metadata.nextCursor}`, { headers });
    expect(await next.json()).toMatchObject({ metadata: { count: 1 } });
    const one = encodeURIComponent("io.github.modelcontextprotocol/server-memory");
    for (const path of [`/v0.1/servers/${one}/versions/latest`, `/v0/servers/${one}/versions/2026.8.31`]) {
      const found = await fetch(`${daemon.url}${path}`, { headers });
      expect(await found.json()).toMatchObject({ server: { packages: [{ registryType: "oci" }] } });
    }
    expect((await fetch(`${daemon.url}/v0.1/servers/none%2Fnone/versions`, { headers })).status).toBe(404);
    expect((await fetch(`${daemon.url}/v0.1/servers`, { method: "POST", headers })).status).toBe(405);
    const page = { ...headers, origin: "https://evil.example" };
    expect((await fetch(`${daemon.url}/v0.1/servers`, { headers: page })).status).toBe(403);
  });
});

describe("a new version", () => {
  it(
    "that widens what a server may do is published only once somebody has accepted it",
    async () => {
      const file = join(directory, "catalog.yaml");
      const { entries, ...head } = parseCatalog(await readFile(file));
      const [first, ...rest] = entries;
      const wide = {
        ...head,
        version: "1.1.0",
        entries: [{ ...first!, network: { hosts: ["evil.example:443"] } }, ...rest],
      };
      await writeFile(file, writeCatalogYaml(wide));
      const review = await run("catalog", "review", directory);
      expect(review).toMatchObject({ code: 3, stdout: expect.stringContaining("may reach evil.example:443") });
      const refused = await run("catalog", "publish", directory);
      expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining("catalog.widens") });
      expect((await run("catalog", "review", directory, "--accept")).code).toBe(0);
      expect((await run("catalog", "publish", directory)).code).toBe(0);
      const diff = await run("catalog", "diff", "catalogs/starter:1.0.0", "catalogs/starter:latest", "--exit-code");
      expect(diff).toMatchObject({ code: 1, stdout: expect.stringContaining("evil.example:443") });
    },
    TIMEOUT_MS,
  );

  it("says something else only under another version", async () => {
    const file = join(directory, "catalog.yaml");
    await writeFile(file, (await readFile(file, "utf8")).replace("title: Memory", "title: Another"));
    const refused = await run("catalog", "publish", directory);
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("catalog.version-exists") });
  });
});

describe("only what a catalog lists", () => {
  it("is placed where the configuration says so", async () => {
    const { port } = upstream.address() as AddressInfo;
    await configure({
      catalog: "catalogs/starter:latest",
      catalogOnly: true,
      servers: {
        memory: { entry: "memory" },
        rogue: { url: `http://127.0.0.1:${port}/mcp` },
        unknown: { entry: "unknown" },
      },
    });
    const { servers } = await daemon.client.status();
    expect(servers.map(({ name }) => name)).toEqual(["memory"]);
    expect(daemon.log()).toContain("catalog.not-listed");
    expect(daemon.log()).toContain("catalog.unknown-entry");
  });
});

describe("a registry", () => {
  it("is imported page by page, and the next time only what changed since", async () => {
    const { port } = upstream.address() as AddressInfo;
    const source = `http://127.0.0.1:${port}`;
    const first = await run("catalog", "import", "registry", source, "--into", directory, "--json");
    expect(first.json()).toMatchObject({ added: ["far", "farther"] });
    expect(asked.at(-1)).not.toContain("updated_since");
    const second = await run("catalog", "import", "registry", source, "--into", directory, "--json");
    expect(second.json()).toMatchObject({ added: [], changed: ["far", "farther"] });
    expect(asked.at(-1)).toContain("updated_since=");
  });
});
