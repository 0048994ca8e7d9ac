// What servers say between the lines, and how much of it.
import { createServer, type ServerResponse } from "node:http";
import { afterEach, beforeEach, expect, it } from "vitest";
import { fakeServer, listening, openGateway, textOf, type GatewayFixture } from "./gateway.fixture.ts";
import { LISTENS_PER_PRINCIPAL } from "./front/front-limits.ts";
import { LIST_BYTES_LIMIT, LIST_LIMIT, LIST_PAGES_LIMIT } from "./limits.ts";

let fixture: GatewayFixture;
beforeEach(async () => void (fixture = await openGateway()));
afterEach(() => fixture.close());

it.each(["legacy", "modern"] as const)("passes no secret in errors and progress to a %s client", async (era) => {
  fixture.gateway.addServer(fakeServer("sly", "mcp-hostile.ts", ["sly"], { verdicts: { sly: { readOnly: true } } }));
  const client = await fixture.connect("agent", { era });
  const progress: unknown[] = [];
  const said: unknown[] = [
    await client.callTool({ name: "sly" }, { onprogress: (step) => void progress.push(step) }),
    await client.readResource({ uri: "sly://y" }).catch((error: unknown) => error),
    await client.getPrompt({ name: "p" }).catch((error: unknown) => error),
  ].map((value) => (value instanceof Error ? { ...value, message: value.message } : value));
  expect(progress).toHaveLength(1);
  expect(JSON.stringify([said, progress, fixture.records])).not.toMatch(/ghp_|forged|policy\.denied/);
  expect(JSON.stringify(said[0])).toContain("the server answered -32000");
  expect(JSON.stringify(progress)).toContain("github-token");
});

it("shows no control character of a server that fails to start", async () => {
  fixture.gateway.addServer({
    ...fakeServer("broken", "mcp-good.ts"),
    transport: {
      type: "stdio",
      start: () => Promise.reject(new Error(`\u001b]0;owned\u0007 ghp_${"A1b2".repeat(9)}`)),
    },
  });
  const client = await fixture.connect("owner");
  await client.listTools();
  expect(fixture.gateway.servers()[0]?.error).toMatch(/^\]0;owned «github-token:\w+»$/);
});

it("lists no secret, no control character and no word in the gateway's name", async () => {
  fixture.gateway.addServer(fakeServer("sly", "mcp-hostile.ts", ["sly"]));
  const client = await fixture.connect("owner");
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(["sly", "progress"]);
  const { resources } = await client.listResources();
  expect(resources.map(({ uri }) => uri)).toEqual(["sly://y"]);
  const { prompts } = await client.listPrompts();
  expect(prompts.map(({ name }) => name)).toEqual(["p"]);
  expect(JSON.stringify([tools, resources, prompts])).not.toMatch(/ghp_|forged|\\u00/);
});

it("stops asking a server whose list has no end", async () => {
  fixture.gateway.addServer(fakeServer("endless", "mcp-hostile.ts", ["endless"]));
  const client = await fixture.connect("owner");
  const { tools } = await client.listTools();
  expect(tools.length).toBeGreaterThan(10);
  const pages = Number(textOf(await client.callTool({ name: tools[0]?.name ?? "" })));
  // Asked for once to greet the client, and once to list.
  expect(pages).toBeLessThanOrEqual(2 * (Math.min(LIST_PAGES_LIMIT, LIST_BYTES_LIMIT / 60_000) + 1));
  expect(tools.length).toBeLessThanOrEqual(LIST_LIMIT);
});

it.each(["application/json", "text/event-stream"])(
  "takes no message without end from a server over HTTP (%s)",
  async (type) => {
    let sentBytes = 0;
    let isCut = false;
    const pour = (res: ServerResponse): void => {
      const chunk = "y".repeat(65_536);
      res.writeHead(200, { "content-type": type });
      res.write(type === "application/json" ? '{"jsonrpc":"2.0","id":0,"result":{"x":"' : 'data: {"x":"');
      const more = (): void => {
        while (!res.destroyed && sentBytes < 2 ** 27 && res.write(chunk)) sentBytes += chunk.length;
        if (sentBytes >= 2 ** 27) res.end();
      };
      res.on("drain", more);
      res.on("close", () => (isCut = !res.writableFinished));
      more();
    };
    const remote = createServer((req, res) => void req.resume().on("end", () => pour(res)));
    const url = `http://127.0.0.1:${await listening(remote)}/mcp`;
    fixture.gateway.addServer({
      name: "remote",
      isolated: true,
      cleared: true,
      verdicts: {},
      transport: { type: "http", url },
    });
    const client = await fixture.connect("owner");
    expect((await client.listTools()).tools).toEqual([]);
    await expect.poll(() => isCut, { timeout: 15_000 }).toBe(true);
    expect(sentBytes).toBeLessThan(2 ** 26);
    // It is tried again meanwhile, and fails again.
    await expect.poll(() => fixture.gateway.servers()[0]).toMatchObject({ state: "failed", tools: 0 });
    remote.closeAllConnections();
    remote.close();
  },
);

it("lets one principal listen so often and no more, and others all the same", async () => {
  fixture.gateway.addServer(fakeServer("a", "mcp-good.ts"));
  const heard = { owner: 0, agent: 0 };
  const listen = (who: keyof typeof heard) =>
    fixture.connect(who, {
      era: "modern",
      client: {
        listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => void (heard[who] += 1) } },
      },
    });
  for (let count = 0; count < LISTENS_PER_PRINCIPAL + 3; count++) await listen("owner");
  await listen("agent");
  await fixture.gateway.removeServer("a");
  await expect.poll(() => heard).toEqual({ owner: LISTENS_PER_PRINCIPAL, agent: 1 });
});

it("tells a modern client only of the servers that its profile shows", async () => {
  fixture.gateway.addServer(fakeServer("a", "mcp-good.ts"));
  fixture.gateway.addServer(fakeServer("b", "mcp-good.ts"));
  const heard: string[] = [];
  const listening = (profile: string) => ({
    profile,
    era: "modern" as const,
    client: {
      listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: () => void heard.push(profile) } },
    },
  });
  await fixture.connect("owner", listening("a"));
  await fixture.connect("owner", listening("b"));
  await fixture.connect("owner", listening("a+b"));
  await fixture.gateway.removeServer("b");
  await expect.poll(() => heard.toSorted()).toEqual(["a+b", "b"]);
  await fixture.gateway.removeServer("a");
  await expect.poll(() => heard.toSorted()).toEqual(["a", "a+b", "a+b", "b"]);
});
