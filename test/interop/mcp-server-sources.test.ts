// MCP servers packed from everything that they are published as, run in containers behind the gateway for a real client.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { digestOf, hexOf } from "@pratique/core";
import type { PackResult } from "@pratique/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { zipOf } from "../../packages/packaging/src/archive/zip.fixture.ts";
import { NODE_SERVER, PYTHON_SERVER, wheelOf } from "../../packages/packaging/src/mcp-server/servers.fixture.ts";
import { pratique, startDaemon, temporaryHome, type Daemon } from "../support/program.ts";
import { skipWithout, type Skippable } from "./peers/sid-tree.ts";

/** Published by the project that makes the protocol; small. */
const NPM_PACKAGE = "npm:@modelcontextprotocol/server-memory@2026.8.31";

let place: Awaited<ReturnType<typeof temporaryHome>>;
let daemon: Daemon | undefined;
let web: Server | undefined;
let missing: string | undefined;
const packed = new Map<string, PackResult>();
/** What pack wrote on standard error, by server. */
const refused = new Map<string, string>();

async function writeSources(): Promise<Record<string, string>> {
  const at = (path: string): string => join(place.home, "sources", path);
  const files: Record<string, string | Uint8Array> = {
    "wheels/dummy": "",
    "python/pyproject.toml": `[project]\nname = "say-dir"\nversion = "1.2.0"\ndescription = "Says"\ndependencies = ["say-helper>=1"]\n[project.scripts]\nsay-dir = "say_dir:main"\n`,
    "python/src/say_dir/__init__.py": PYTHON_SERVER.replace("import json", "import say_helper, json"),
    "node/package.json": JSON.stringify({ name: "say-node", version: "1.0.0", type: "module", main: "dist/index.js" }),
    "node/src/index.ts": `const word: string = "ts";\n${NODE_SERVER}`,
  };
  const helper = wheelOf("say-helper", "1.0.0", { "say_helper/__init__.py": "WORD = 'help'\n" });
  const server = wheelOf(
    "say-wheel",
    "2.0.0",
    { "say_wheel/__init__.py": PYTHON_SERVER },
    {
      metadata: "Summary: Says\nRequires-Dist: say-helper>=1\n\nmcp-name: com.example/say-wheel",
      entryPoints: "[console_scripts]\nsay-wheel = say_wheel:main\n",
    },
  );
  // Both would run `setup.py` when pip is left alone, whatever `--only-binary` says.
  for (const [name, url] of [
    ["say-source", `file://${at("evil")}`],
    ["say-git", "git+http://127.0.0.1:1/evil"],
  ] as const) {
    const wheel = wheelOf(name, "1.0.0", {}, { metadata: `Requires-Dist: evil @ ${url}` });
    files[`wheels/${wheel.file}`] = wheel.bytes;
  }
  files["evil/setup.py"] = `open(${JSON.stringify(at("it-ran"))}, "w").close()\n`;
  files[`wheels/${helper.file}`] = helper.bytes;
  files[`wheels/${server.file}`] = server.bytes;
  const manifest = {
    manifest_version: "0.3",
    name: "say-bundle",
    version: "3.0.0",
    description: "Says",
    author: { name: "Somebody" },
    server: {
      type: "node",
      entry_point: "server/index.mjs",
      mcp_config: {
        command: "node",
        args: ["${__dirname}/server/index.mjs", "--word", "${user_config.word}"],
        env: { MODE: "${user_config.mode}", KEY: "${user_config.key}" },
      },
    },
    user_config: {
      word: { type: "string", title: "Word", default: "hello" },
      mode: { type: "string", title: "Mode", default: "loud" },
      key: { type: "string", title: "Key", sensitive: true, required: true, default: "never-in-an-image" },
    },
  };
  const bundle = zipOf([
    { path: "manifest.json", body: JSON.stringify(manifest) },
    { path: "server/index.mjs", body: NODE_SERVER, deflate: true },
  ]);
  files["say.mcpb"] = bundle;
  web = createServer((_, response) => response.end(bundle)).listen(0, "127.0.0.1");
  await new Promise((done) => web!.once("listening", done));
  const identifier = `http://127.0.0.1:${(web.address() as AddressInfo).port}/say.mcpb`;
  const fileSha256 = hexOf(digestOf(bundle));
  const transport = { type: "stdio" };
  files["server.json"] = JSON.stringify({
    name: "com.example/say",
    description: "Says",
    version: "3.0.0",
    packages: [
      { registryType: "nuget", identifier: "Say", version: "3.0.0", transport },
      { registryType: "mcpb", identifier, version: "3.0.0", fileSha256, transport },
    ],
  });
  for (const [path, body] of Object.entries(files)) {
    await mkdir(join(at(path), ".."), { recursive: true });
    await writeFile(at(path), body);
  }
  return {
    memory: NPM_PACKAGE,
    wheel: "pypi:say-wheel==2.0.0",
    bundle: at("say.mcpb"),
    described: at("server.json"),
    python: at("python"),
    node: at("node"),
    wrapped: "image:packed/python:1.2.0",
  };
}

beforeAll(async () => {
  place = await temporaryHome();
  const sources = await writeSources();
  const packaging = { wheels: join(place.home, "sources/wheels"), offline: true };
  await writeFile(join(place.home, "pratique.yaml"), JSON.stringify({ packaging }));
  daemon = await startDaemon(place.home);
  const { checks } = await daemon.client.doctor();
  const engine = checks.find(({ name }) => name === "container engine");
  if (engine?.state !== "ok") {
    missing = engine?.detail ?? "doctor does not look for one";
    return;
  }
  for (const [name, source] of Object.entries(sources)) {
    const kind = name === "python" || name === "node" ? ["--kind", "mcp-server"] : [];
    const version = name === "python" ? ":1.2.0" : "";
    const result = await pratique(["pack", source, `packed/${name}${version}`, "--json", ...kind], place);
    if (result.code !== 0) {
      refused.set(name, result.stderr);
      continue;
    }
    const answer = result.json<PackResult>();
    // The daemon comes back at another port.
    packed.set(name, { ...answer, reference: answer.reference.slice(answer.reference.indexOf("/") + 1) });
    await daemon.client.sign(answer.reference);
    await daemon.client.clear(answer.reference);
  }
  await daemon.stop();
  const servers = Object.fromEntries([...packed].map(([name, { reference }]) => [name, { reference }]));
  await writeFile(join(place.home, "pratique.yaml"), JSON.stringify({ packaging, gateway: { servers } }));
  daemon = await startDaemon(place.home);
}, 600_000);

afterAll(async () => {
  await daemon?.stop();
  web?.close();
  await place.remove();
});

async function withClient<T>(name: string, context: Skippable, use: (client: Client) => Promise<T>): Promise<T> {
  if (missing !== undefined) skipWithout(context, "container engine", missing);
  if (name === "memory" && /fetch-failed|does not answer|ENOTFOUND|ECONNREFUSED/.test(refused.get(name) ?? "")) {
    skipWithout(context, "the npm registry", refused.get(name) ?? "");
  }
  expect(refused.get(name)).toBeUndefined();
  const client = new Client({ name: "interop", version: "0" }, { versionNegotiation: { mode: "legacy" } });
  const headers = { authorization: `Bearer ${daemon!.token}` };
  try {
    const url = new URL(`${daemon!.url}/mcp/${name}`);
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }));
    return await use(client);
  } finally {
    await client.close();
  }
}

const toolsOf = async (client: Client): Promise<string[]> =>
  (await client.listTools()).tools.map(({ name }) => name).toSorted();

describe("a server that is", () => {
  it("an npm package with its tree answers from a container", async (context) => {
    await withClient("memory", context, async (client) => {
      expect(await toolsOf(client)).toEqual(expect.arrayContaining(["create_entities", "read_graph"]));
    });
    expect(packed.get("memory")!.components).toBeGreaterThan(50);
  });

  it.for(["wheel", "bundle", "described", "python", "node", "wrapped"])(
    "%s answers from a container",
    async (name, context) => {
      await withClient(name, context, async (client) => expect(await toolsOf(client)).toEqual(["say"]));
    },
  );

  it("a bundle is started with what it configures, and knows no secret", async (context) => {
    if (missing !== undefined) skipWithout(context, "container engine", missing);
    const { annotations, reference } = await daemon!.client.inspect(packed.get("described")!.reference);
    expect(annotations).toMatchObject({ "io.modelcontextprotocol.server.name": "com.example/say" });
    expect(JSON.stringify(await daemon!.client.inspect(reference))).not.toContain("never-in-an-image");
  });

  it.for(["say-source", "say-git"])(
    "a wheel that needs source code is refused, and none of it runs: %s",
    async (name) => {
      const result = await pratique(["pack", `pypi:${name}==1.0.0`, "--json"], place);
      expect(result.stderr).toContain("mcp-server.needs-build");
      expect(await readdir(join(place.home, "sources"))).not.toContain("it-ran");
    },
  );

  it("an image keeps its layers, and says what is not minimal in it", async (context) => {
    if (missing !== undefined) skipWithout(context, "container engine", missing);
    const from = await daemon!.client.inspect(packed.get("python")!.reference);
    const to = await daemon!.client.inspect(packed.get("wrapped")!.reference);
    expect(to.layers.map(({ digest }) => digest)).toEqual(from.layers.map(({ digest }) => digest));
    expect(packed.get("wrapped")!.notes.join()).not.toContain("shell");
  });
});
