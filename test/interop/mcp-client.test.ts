// The official MCP client, of both eras, against the running program: as somebody's editor or agent connects to /mcp.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport, type CallToolResult } from "@modelcontextprotocol/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXAMPLES, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";
import { skipWithout, type Skippable } from "./peers/sid-tree.ts";

const REFERENCE = "voyage/harbour:1.0.0";
const ERAS = ["legacy", "modern"] as const;

let place: Awaited<ReturnType<typeof temporaryHome>>;
let daemon: Daemon | undefined;
/** Why there is no container engine, when there is none. */
let missing: string | undefined;

/** Packs, signs and clears the server, writes it into the configuration, and starts the daemon anew. */
beforeAll(async () => {
  place = await temporaryHome();
  daemon = await startDaemon(place.home);
  const { checks } = await daemon.client.doctor();
  const engine = checks.find(({ name }) => name === "container engine");
  if (engine?.state !== "ok") {
    missing = engine?.detail ?? "doctor does not look for one";
    return;
  }
  const packed = await daemon.client.pack({ directory: join(EXAMPLES, "harbour"), reference: REFERENCE });
  await daemon.client.sign(packed.reference);
  const { cleared } = await daemon.client.clear(packed.reference);
  if (!cleared) throw new Error(`${REFERENCE} is not cleared`);
  await daemon.stop();
  const configuration = { gateway: { servers: { harbour: { reference: REFERENCE } } } };
  // JSON is YAML.
  await writeFile(join(place.home, "pratique.yaml"), JSON.stringify(configuration));
  daemon = await startDaemon(place.home);
});

afterAll(async () => {
  await daemon?.stop();
  await place.remove();
});

function running(context: Skippable): Daemon {
  if (missing !== undefined) skipWithout(context, "container engine", missing);
  if (daemon === undefined) throw new Error("the daemon did not start");
  return daemon;
}

async function withClient<T>(
  { url, era, token }: { url: string; era: (typeof ERAS)[number]; token?: string },
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const mode = era === "modern" ? { pin: "2026-07-28" } : ("legacy" as const);
  const client = new Client({ name: "interop", version: "0" }, { versionNegotiation: { mode } });
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  try {
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
    return await use(client);
  } finally {
    await client.close();
  }
}

function textOf({ content }: CallToolResult): string {
  return content.map((part) => (part.type === "text" ? part.text : part.type)).join();
}

describe.each(ERAS)("the official client in %s mode", (era) => {
  it.for(["/mcp", "/mcp/harbour"])("lists tools at %s and gets an answer, which is recorded", async (path, context) => {
    const { url, token, client: control } = running(context);
    await withClient({ url: url + path, era, token }, async (client) => {
      expect(client.getProtocolEra()).toBe(era);
      const names = (await client.listTools()).tools.map(({ name }) => name);
      expect(names.toSorted()).toEqual(["get_weather", "list_harbours", "read_note", "write_note"]);
      const [before] = await control.records({ action: "tool:call", limit: 1 });
      const answer = await client.callTool({ name: "get_weather", arguments: { city: "Oslo" } });
      expect(textOf(answer)).toBe(`{"city":"Oslo","sky":"rain","temp_c":7}`);
      const [record] = await control.records({ action: "tool:call", limit: 1 });
      expect(record?.id).not.toBe(before?.id);
      expect(record).toMatchObject({
        decision: "allow",
        outcome: "done",
        resource: { type: "Tool", id: "harbour/get_weather", digest: expect.stringMatching(/^sha256:/) },
        details: { arguments: { city: "Oslo" } },
      });
      expect(answer._meta?.["dev.pratique/decision"]).toMatchObject({ allow: true, record: record?.id });
    });
  });

  it("finds no tools at the address of a server that is not there", async (context) => {
    const { url, token } = running(context);
    const tools = await withClient({ url: `${url}/mcp/nobody`, era, token }, (client) => client.listTools());
    expect(tools.tools).toEqual([]);
  });

  it.for([undefined, "prq_wrong"])("is answered with 401 when its token is %s", async (token, context) => {
    const { url } = running(context);
    const connected = withClient({ url: `${url}/mcp`, era, ...(token === undefined ? {} : { token }) }, (client) =>
      client.listTools(),
    );
    await expect(connected).rejects.toMatchObject({ message: expect.stringMatching(/401|unauthorized/i) });
    const response = await fetch(`${url}/mcp`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: "{}",
    });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
  });
});
