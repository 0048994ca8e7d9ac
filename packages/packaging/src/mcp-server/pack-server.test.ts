// Servers from a server.json, wherever it is, to an image: the same in every home, and nothing left when it fails.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestOf, hexOf, silentLog } from "@pratique/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { zipOf } from "../archive/zip.fixture.ts";
import type { PackSourceOptions } from "../pack-source.ts";
import { openWorkbench, type Workbench } from "../workbench.fixture.ts";
import { debianBase } from "./debian-base.ts";
import { packServer } from "./pack-server.ts";
import { parseServerSource } from "./server-source.ts";

const MANIFEST = {
  manifest_version: "0.3",
  name: "say",
  version: "1.0.0",
  description: "Says",
  server: { type: "node", entry_point: "i.js", mcp_config: { command: "node", args: ["${__dirname}/i.js"] } },
};
const BUNDLE = zipOf([
  { path: "manifest.json", body: JSON.stringify(MANIFEST) },
  { path: "i.js", body: "console.log(1)", deflate: true },
]);

let bench: Workbench;
let web: Server;
let origin = "";
/** What the registry and the web answer, by path; a number redirects or fails. */
const answers = new Map<string, string | Buffer | { status: number; location?: string }>();

beforeAll(async () => {
  bench = await openWorkbench();
  web = createServer((request, response) => {
    const answer = answers.get(request.url ?? "") ?? { status: 404 };
    if (typeof answer === "string" || Buffer.isBuffer(answer)) return void response.end(answer);
    const { status, location } = answer;
    response.writeHead(status, location === undefined ? {} : { location }).end();
  }).listen(0, "127.0.0.1");
  await new Promise((done) => web.once("listening", done));
  origin = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  answers.set("/say.mcpb", BUNDLE);
  answers.set("/moved", { status: 302, location: "/say.mcpb" });
  answers.set("/away", { status: 302, location: "http://169.254.169.254/latest" });
  answers.set("/round", { status: 302, location: "/round" });
});
afterAll(async () => {
  web.close();
  await bench.close();
});

function described(more: object = {}): string {
  const package_ = {
    registryType: "mcpb",
    identifier: `${origin}/say.mcpb`,
    version: "1.0.0",
    fileSha256: hexOf(digestOf(BUNDLE)),
    ...more,
  };
  return JSON.stringify({ name: "com.example/say", description: "Says", version: "1.0.0", packages: [package_] });
}

async function pack(source: string, home: Workbench = bench): ReturnType<typeof packServer> {
  const parsed = parseServerSource(source);
  if (parsed.type === "directory") throw new Error("a directory is packed elsewhere");
  const cacheDirectory = join(home.home, "cache");
  const options: PackSourceOptions = {
    repository: (name) => home.repository(name),
    cacheDirectory,
    clock: home.clock,
    log: silentLog,
    base: debianBase({ node: "/bin/true" }),
  };
  const never = async (): Promise<never> => expect.unreachable();
  const tools = { runCommand: never, cacheDirectory, architecture: "amd64", mcpRegistry: origin, openImage: never };
  return await packServer(parsed, tools, options);
}

async function packJson(text: string): ReturnType<typeof packServer> {
  const path = join(bench.home, "server.json");
  await writeFile(path, text);
  return await pack(path);
}

describe("a server.json", () => {
  it("in a file, at an address and in the registry gives one image, which holds its very bytes", async () => {
    const text = described();
    answers.set("/server.json", text);
    answers.set(
      "/v0.1/servers/com.example%2Fsay/versions/1.0.0",
      JSON.stringify({ server: JSON.parse(text), _meta: {} }),
    );
    const packed = [
      await packJson(text),
      await pack(`${origin}/server.json`),
      await pack("registry:com.example/say@1.0.0"),
    ];
    expect(new Set(packed.map(({ descriptor }) => descriptor.digest)).size).toBe(1);
    expect(packed[0]).toMatchObject({ name: "say", version: "1.0.0", repository: "mcp/com.example/say", tag: "1.0.0" });
  });

  it("gives the same digest in another home at another time", async () => {
    const other = await openWorkbench();
    try {
      other.clock.advance(86_400_000);
      const path = join(bench.home, "two.mcpb");
      await writeFile(path, BUNDLE);
      const [one, two] = [await pack(path), await pack(path, other)];
      expect(two.descriptor.digest).toBe(one.descriptor.digest);
      expect(two.materials).toEqual(one.materials);
    } finally {
      await other.close();
    }
  });

  it("whose bundle lies behind a redirect is followed", async () => {
    expect((await packJson(described({ identifier: `${origin}/moved` }))).version).toBe("1.0.0");
  });

  it.each<[string, () => object, string]>([
    ["another checksum", () => ({ fileSha256: "0".repeat(64) }), "mcp-server.fetch-failed"],
    ["no checksum", () => ({ fileSha256: undefined }), "mcp-server.unverifiable"],
    ["a bundle that is not there", () => ({ identifier: `${origin}/none` }), "mcp-server.fetch-failed"],
    [
      "a bundle that redirects to a host without TLS",
      () => ({ identifier: `${origin}/away` }),
      "mcp-server.fetch-failed",
    ],
    ["a bundle that redirects for ever", () => ({ identifier: `${origin}/round` }), "mcp-server.fetch-failed"],
    ["an address without TLS", () => ({ identifier: "http://example.com/x.mcpb" }), "mcp-server.fetch-failed"],
    ["an address with a password", () => ({ identifier: "https://a:b@example.com/x" }), "mcp-server.fetch-failed"],
    ["an npm package that is a range", () => ({ registryType: "npm", version: "^1.0.0" }), "mcp-server.source-invalid"],
    [
      "an npm package that is an option",
      () => ({ registryType: "npm", identifier: "--x" }),
      "mcp-server.source-invalid",
    ],
  ])("with %s is refused, and leaves nothing", async (_, more, code) => {
    await expect(packJson(described(more()))).rejects.toMatchObject({ code });
    expect(await readdir(join(bench.home, "cache", "servers"))).toEqual([]);
  });

  it("that is too large, no JSON or not there is refused", async () => {
    await expect(packJson("x".repeat(300 * 1024))).rejects.toMatchObject({ code: "input.too-large" });
    await expect(packJson("{")).rejects.toMatchObject({ code: "mcp-server.invalid" });
    await expect(pack("/nowhere/server.json")).rejects.toMatchObject({ code: "mcp-server.source-invalid" });
    await expect(pack("registry:com.example/none")).rejects.toMatchObject({ code: "mcp-server.fetch-failed" });
  });
});

describe("packs of servers that run together", () => {
  it("do not touch each other's files", async () => {
    const path = join(bench.home, "many.mcpb");
    await writeFile(path, BUNDLE);
    const packed = await Promise.all(Array.from({ length: 8 }, () => pack(path)));
    expect(new Set(packed.map(({ descriptor }) => descriptor.digest)).size).toBe(1);
    expect(await readdir(join(bench.home, "cache", "servers"))).toEqual([]);
  });
});
