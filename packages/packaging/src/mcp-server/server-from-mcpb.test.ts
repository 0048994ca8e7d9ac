// MCP bundles: every version and type, what is configured, what is secret, and what is refused.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { zipOf, type ZipFixtureEntry } from "../archive/zip.fixture.ts";
import { openWorkbench, type Workbench } from "../workbench.fixture.ts";
import type { FoundServer } from "./canonical-server.ts";
import { openBundle, serverFromMcpb } from "./server-from-mcpb.ts";
import { parseServerJson } from "./server-json.schema.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

const MANIFEST = {
  manifest_version: "0.3",
  name: "say",
  version: "1.0.0",
  description: "Says",
  author: { name: "Somebody" },
  server: {
    type: "node",
    entry_point: "server/index.js",
    mcp_config: { command: "node", args: ["${__dirname}/server/index.js"] },
  },
};
type Changes = Readonly<Record<string, unknown>>;

async function bundle(
  changes: Changes = {},
  files: readonly ZipFixtureEntry[] = [{ path: "server/index.js" }],
  after: Uint8Array = Buffer.alloc(0),
): Promise<string> {
  const path = join(bench.home, "b.mcpb");
  const zip = zipOf([{ path: "manifest.json", body: JSON.stringify({ ...MANIFEST, ...changes }) }, ...files]);
  await writeFile(path, Buffer.concat([zip, after]));
  return path;
}

async function read(path: string): Promise<FoundServer> {
  const cacheDirectory = join(bench.home, "cache");
  const open = await openBundle(path, cacheDirectory);
  const runCommand = async (): Promise<never> => expect.unreachable();
  const tools = { runCommand, cacheDirectory, architecture: "amd64" };
  return await serverFromMcpb(open, { architecture: "amd64", python: { minor: 11, glibcMinor: 36 } }, tools);
}

describe("a bundle", () => {
  it.each(["0.1", "0.2", "0.3", "0.4"])("of version %s starts where it says", async (manifest_version) => {
    const { server } = await read(await bundle({ manifest_version }));
    expect(server.metadata).toMatchObject({ runtime: "node", args: ["/app/bundle/server/index.js"] });
    expect(server.files.map(({ path }) => path)).toContain("app/bundle/server/index.js");
  });

  it("of the time when it was called DXT is one", async () => {
    const found = await read(await bundle({ manifest_version: undefined, dxt_version: "0.1" }));
    expect(found.server.name).toBe("dev.pratique.local/say");
  });

  it("asks for what is configured, takes defaults, and keeps no secret", async () => {
    const { server, notes } = await read(
      await bundle({
        server: {
          ...MANIFEST.server,
          mcp_config: {
            command: "node",
            args: [
              "${__dirname}/server/index.js",
              "${user_config.count}",
              "${user_config.dirs}",
              "--url=${user_config.host}/x",
            ],
            env: {
              KEY: "${user_config.key}",
              HEADER: "Bearer ${user_config.key}",
              LEVEL: "${user_config.level}",
              HOME_DIR: "${HOME}/x",
            },
          },
        },
        user_config: {
          key: { type: "string", title: "Key", sensitive: true, required: true, default: "s3cret" },
          level: { type: "string", title: "Level", default: "info" },
          count: { type: "number", title: "Count", default: 3 },
          dirs: { type: "directory", title: "Directories", multiple: true, default: ["${HOME}/Desktop"] },
          host: { type: "string", title: "Host", required: true },
        },
      }),
    );
    expect(server.metadata.args).toEqual(["/app/bundle/server/index.js", "3"]);
    expect(server.metadata.env).toEqual({ LEVEL: "info", HOME_DIR: "/home/nonroot/x" });
    expect(server.metadata.serverJson).not.toContain("s3cret");
    const [first] = parseServerJson(Buffer.from(server.metadata.serverJson)).packages;
    const byName = new Map(first?.environmentVariables?.map((one) => [one.name, one]));
    expect(byName.get("KEY")).toMatchObject({ isSecret: true, isRequired: true });
    expect(byName.get("HEADER")).toMatchObject({ isSecret: true, value: "Bearer {key}" });
    expect(first?.packageArguments).toHaveLength(3);
    expect(notes.filter((note) => note.includes("left out"))).toHaveLength(2);
  });

  it("takes what it overrides on Linux", async () => {
    const mcp_config = {
      ...MANIFEST.server.mcp_config,
      env: { A: "1", B: "1" },
      platform_overrides: { linux: { env: { B: "2" } }, win32: { command: "node.exe" } },
    };
    const { server } = await read(await bundle({ server: { ...MANIFEST.server, mcp_config } }));
    expect(server.metadata.env).toEqual({ A: "1", B: "2" });
  });

  it("with a Python server finds what it brings along", async () => {
    const server = {
      type: "python",
      entry_point: "server/main.py",
      mcp_config: { command: "python", args: ["server/main.py"], env: { PYTHONPATH: "${__dirname}/server/lib" } },
    };
    const files = [
      { path: "server/main.py" },
      { path: "server/lib/a/__init__.py" },
      { path: "server/venv/lib/python3.11/site-packages/b.py" },
    ];
    const found = await read(await bundle({ server }, files));
    expect(found.server.metadata).toMatchObject({ runtime: "python", args: ["/app/bundle/server/main.py"] });
    expect(found.server.metadata.env["PYTHONPATH"]?.split(":")).toEqual(
      expect.arrayContaining(["/app/bundle/server/lib", "/app/bundle/server/venv/lib/python3.11/site-packages"]),
    );
  });

  it("lists the packages that lie in it, with where they will lie", async () => {
    const { components } = await read(
      await bundle({}, [
        { path: "server/index.js" },
        { path: "node_modules/@a/b/package.json", body: '{"name":"@a/b","version":"1.2.3","license":"MIT"}' },
        { path: "server/lib/x-1.0.dist-info/METADATA", body: "Name: x\nVersion: 1.0\n" },
        { path: "package-lock.json", body: '{"packages":{"node_modules/not-here":{"version":"1.0.0"}}}' },
      ]),
    );
    expect(components).toMatchObject([
      { purl: "pkg:npm/%40a/b@1.2.3", licences: ["MIT"], locations: ["app/bundle/node_modules/@a/b/package.json"] },
      { purl: "pkg:pypi/x@1.0", locations: ["app/bundle/server/lib/x-1.0.dist-info/METADATA"] },
    ]);
  });

  it("of type uv starts its file on the image's Python, and one of type binary starts itself", async () => {
    const uv = { type: "uv", entry_point: "src/server.py" };
    const files = [{ path: "src/server.py" }, { path: "pyproject.toml", body: '[project]\nname = "x"\n' }];
    const python = await read(await bundle({ manifest_version: "0.4", server: uv }, files));
    expect(python.server.metadata).toMatchObject({ runtime: "python", args: ["/app/bundle/src/server.py"] });
    const server = {
      type: "binary",
      entry_point: "bin/x",
      mcp_config: { command: "${__dirname}/bin/x", args: ["--y"] },
    };
    const native = await read(await bundle({ server }, [{ path: "bin/x", body: await readFile("/bin/true") }]));
    expect(native.server.metadata).toMatchObject({ runtime: "native", args: ["/app/bundle/bin/x", "--y"] });
    expect(native.server.files.find(({ path }) => path.endsWith("bin/x"))?.mode).toBe(0o755);
  });

  it("with a signature behind it that does not hold is refused", async () => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(3);
    const after = Buffer.concat([Buffer.from("MCPB_SIG_V1"), length, Buffer.from("sig"), Buffer.from("MCPB_SIG_END")]);
    await expect(bundle({}, undefined, after).then(read)).rejects.toMatchObject({ code: "mcpb.bad-signature" });
  });

  it("has the same files, whichever directory it was unpacked in", async () => {
    const [one, other] = [await read(await bundle()), await read(await bundle())];
    expect(one.server.files.map(({ path, digest, mode }) => [path, digest, mode])).toEqual(
      other.server.files.map(({ path, digest, mode }) => [path, digest, mode]),
    );
  });
});

describe("a bundle is refused", () => {
  const of = (changes: object): Changes => ({ server: { ...MANIFEST.server, ...changes } });
  it.each<[string, Changes, string]>([
    ["of a version to come", { manifest_version: "0.9" }, "mcpb.invalid"],
    ["of no version", { manifest_version: undefined }, "mcpb.invalid"],
    ["with a field of another type", { version: 1 }, "mcpb.invalid"],
    ["with an entry point that is not in it", of({ entry_point: "x.js" }), "mcpb.invalid"],
    ["with an entry point outside of it", of({ entry_point: "../../x.js" }), "mcpb.invalid"],
    ["for other systems", { compatibility: { platforms: ["darwin", "win32"] } }, "mcpb.invalid"],
    ["of type uv before there was that", of({ type: "uv" }), "mcpb.invalid"],
    ["without how it starts", of({ mcp_config: undefined }), "mcpb.invalid"],
    ["with a program that is none", of({ type: "binary" }), "mcpb.invalid"],
  ])("%s", async (_, changes, code) => {
    await expect(bundle(changes).then(read)).rejects.toMatchObject({ code });
  });

  it("without a manifest, with a link in it, or when it is no archive", async () => {
    const path = join(bench.home, "c.mcpb");
    await writeFile(path, zipOf([{ path: "a" }]));
    await expect(read(path)).rejects.toMatchObject({ code: "mcpb.invalid" });
    await expect(bundle({}, [{ path: "l", body: "/etc", mode: 0o120777 }]).then(read)).rejects.toMatchObject({
      code: "archive.unsafe",
    });
    await writeFile(path, "MCPB_SIG_V1MCPB_SIG_END");
    await expect(read(path)).rejects.toMatchObject({ code: "archive.damaged" });
  });
});
