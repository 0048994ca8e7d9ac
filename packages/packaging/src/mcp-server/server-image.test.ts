// MCP servers as images: what is in the layers, what the config says, and what is refused.
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isJsonObject } from "@pratique/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gunzipStream } from "../archive/gzip.ts";
import { readTar } from "../archive/tar-reader.ts";
import { readArtifact, readConfigJson } from "../read-artifact.ts";
import type { RunCommand } from "../run-command.ts";
import { openWorkbench, type Workbench } from "../workbench.fixture.ts";
import { unpackArtifact } from "../unpack-artifact.ts";
import { debianBase } from "./debian-base.ts";
import { ociBase } from "./oci-base.ts";
import { parseServerJson } from "./server-json.schema.ts";

/** Any small binary will do where node itself is not the point. */
const BINARY = "/bin/true";
const SERVER_JSON = JSON.stringify({
  name: "com.example/echo",
  description: "Echoes",
  version: "2.0.0",
  packages: [
    {
      environmentVariables: [
        { name: "MODE", value: "quiet" },
        { name: "KEY", isSecret: true, default: "never" },
      ],
    },
  ],
  _meta: { "dev.pratique/tools": { echo: { readOnly: true } } },
});
const SERVER = {
  "server.json": SERVER_JSON,
  "server.ts":
    'import { shout } from "shout";\nimport { word } from "./word.ts";\nprocess.stdout.write(shout(word));\n',
  "word.ts": 'export const word: string = "hi";\n',
  "node_modules/shout/package.json": '{"name":"shout","version":"1.2.3","license":"ISC","main":"index.cjs"}',
  "node_modules/shout/index.cjs":
    'const os = require("node:os"); exports.shout = (text) => text.toUpperCase() + os.EOL;\n',
};

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

describe("an mcp-server", () => {
  it("becomes an image with its bundle, its verdicts and an unprivileged user", async () => {
    const repository = bench.repository("server/echo");
    const base = debianBase({ node: BINARY });
    const packed = await bench.pack(await bench.directory("echo", SERVER), { repository, base });
    expect(packed.components).toContainEqual({
      type: "library",
      name: "shout",
      version: "1.2.3",
      purl: "pkg:npm/shout@1.2.3",
      licences: ["ISC"],
    });
    expect(packed.components.map(({ name }) => name)).toContain("libc.so.6");
    const info = await readArtifact(repository, "1");
    expect(info).toMatchObject({
      kind: "mcp-server",
      name: "echo",
      command: ["/usr/local/bin/node", "/app/server.mjs"],
      env: { MODE: "quiet", NODE_ENV: "production" },
      tools: { echo: { readOnly: true } },
      serverJson: SERVER_JSON,
      annotations: { "io.modelcontextprotocol.server.name": "com.example/echo" },
    });
    expect(info).not.toHaveProperty("env.KEY");
    const config = await readConfigJson(repository, info);
    expect(config).toMatchObject({ os: "linux", config: { User: "65532:65532" }, rootfs: { type: "layers" } });
    expect(isJsonObject(config?.["rootfs"]) && config["rootfs"]["diff_ids"]).toHaveLength(2);
    const target = join(bench.home, "out-echo");
    const { files } = await unpackArtifact({ repository, ref: "1", directory: target });
    expect(files).toEqual(["app/server.json", "app/server.mjs"]);
    expect(await readFile(join(target, "app/server.mjs"), "utf8")).not.toContain(bench.home);
  });

  it("stands on a base with accounts, no shell, and everything that its binary needs", async () => {
    const repository = bench.repository("server/base");
    const base = debianBase({ node: BINARY });
    await bench.pack(await bench.directory("base", SERVER), { repository, base });
    const { layers } = await readArtifact(repository, "1");
    const entries = new Map<string, string>();
    const blob = await repository.openBlob(layers[0]!.digest);
    for await (const entry of readTar(
      gunzipStream(blob),
      { maxEntries: 1000, maxBytes: 2 ** 28 },
      { symlinks: true },
    )) {
      entries.set(entry.path, entry.type === "symlink" ? entry.target : entry.type);
    }
    expect(entries.get("lib64")).toBe("usr/lib64");
    expect(entries.get("usr/local/bin/node")).toBe("file");
    expect(entries.get("home/nonroot")).toBe("directory");
    expect([...entries.keys()].filter((path) => path.endsWith("libc.so.6"))).toHaveLength(1);
    expect([...entries.keys()].filter((path) => /\/(?:ba|da)?sh$/.test(path))).toEqual([]);
  });

  it("makes its base once for packs that run together, and takes it from the cache afterwards", async () => {
    const cacheDirectory = join(bench.home, "cache-once");
    const directory = await bench.directory("once", SERVER);
    const base = debianBase({ node: BINARY });
    const digests = await Promise.all(
      ["a", "b", "c"].map(async (name) => {
        const repository = bench.repository(`once/${name}`);
        return (await bench.pack(directory, { repository, base, cacheDirectory })).descriptor.digest;
      }),
    );
    expect(new Set(digests).size).toBe(1);
    const [made] = await readdir(join(cacheDirectory, "bases"));
    expect(await readdir(join(cacheDirectory, "bases", made!))).toEqual(["base.json", "layer.tar.gz"]);
  });

  it("makes a damaged cached base anew", async () => {
    const cacheDirectory = join(bench.home, "cache-damaged");
    const directory = await bench.directory("damaged", SERVER);
    const base = debianBase({ node: BINARY });
    await bench.pack(directory, { repository: bench.repository("damaged/one"), base, cacheDirectory });
    const [made] = await readdir(join(cacheDirectory, "bases"));
    const path = join(cacheDirectory, "bases", made!, "layer.tar.gz");
    const whole = await readFile(path);
    const damaged = Buffer.from(whole);
    damaged[1000]! ^= 1;
    await writeFile(path, damaged);
    // A store of its own, which does not have the layer yet.
    const other = await openWorkbench();
    await other.pack(directory, { repository: other.repository("damaged/two"), base, cacheDirectory });
    await other.close();
    expect((await readFile(path)).equals(whole)).toBe(true);
  });

  it("falls back to this machine's libraries when apt has none", async () => {
    const asked: string[] = [];
    const runCommand: RunCommand = async (command) => {
      asked.push(command);
      return { code: 100, stdout: Buffer.alloc(0), stderr: "E: Unable to locate package" };
    };
    const base = debianBase({ node: BINARY, runCommand });
    const directory = await bench.directory("no-apt", SERVER);
    const packed = await bench.pack(directory, { repository: bench.repository("server/no-apt"), base });
    expect(asked).toEqual(["apt-get"]);
    expect(packed.materials.some(({ uri }) => uri.endsWith("libc.so.6"))).toBe(true);
  });

  it("takes over the layers of another image as its base", async () => {
    const from = bench.repository("server/lower");
    await bench.pack(await bench.directory("lower", SERVER), { repository: from, base: debianBase({ node: BINARY }) });
    const lower = await readArtifact(from, "1");
    const config = await readConfigJson(from, lower);
    const base = ociBase({ repository: from, ref: "1", architecture: String(config?.["architecture"]) });
    const to = bench.repository("server/upper");
    await bench.pack(await bench.directory("upper", SERVER), { repository: to, base });
    expect((await readArtifact(to, "1")).layers.slice(0, 2)).toEqual(lower.layers);
    const wrong = ociBase({ repository: from, ref: "1", architecture: "riscv64" });
    await expect(
      bench.pack(await bench.directory("upper", SERVER), { repository: to, base: wrong }),
    ).rejects.toMatchObject({ code: "base.unavailable" });
  });
});

describe("a server that cannot be packed", () => {
  const pack = async (name: string, files: Record<string, string>) =>
    bench.pack(await bench.directory(name, files), {
      repository: bench.repository(`bad/${name}`),
      base: debianBase({ node: BINARY }),
    });

  it("has no entry point", async () => {
    await expect(pack("no-entry", { "server.json": SERVER_JSON })).rejects.toMatchObject({
      code: "mcp-server.no-entry",
    });
  });

  it("has no base", async () => {
    const directory = await bench.directory("no-base", SERVER);
    await expect(bench.pack(directory)).rejects.toMatchObject({ code: "mcp-server.no-base" });
  });

  it.each([
    ["imports what is not installed", 'import "absent-package";'],
    ["imports a file that is not there", 'import "./absent.ts";'],
    ["is not valid code", "const = ;"],
  ])("%s", async (name, code) => {
    const files = { "server.json": SERVER_JSON, "server.ts": code };
    await expect(pack(name.replaceAll(" ", "-"), files)).rejects.toMatchObject({ code: "mcp-server.bundle-failed" });
  });

  it("reaches for files outside of its directory", async () => {
    const secret = await bench.directory("secret", {
      "key.json": '{"key":"s3cret"}',
      "node_modules/p/key.json": '{"key":"s3cret"}',
      "node_modules/p/package.json": '{"name":"p","version":"1.0.0"}',
    });
    for (const path of ["key.json", "node_modules/p/key.json"]) {
      const files = {
        "server.json": SERVER_JSON,
        "server.ts": `import k from ${JSON.stringify(join(secret, path))};\nconsole.log(k);`,
      };
      await expect(pack("outside", files)).rejects.toMatchObject({ code: "mcp-server.bundle-failed" });
    }
  });

  it("takes a workspace package that is linked into its node_modules", async () => {
    const linked = await bench.directory("workspace", {
      "package.json": '{"name":"linked","version":"0.0.1","main":"i.js"}',
      "i.js": "module.exports = 1;",
    });
    const directory = await bench.directory("links", {
      "server.json": SERVER_JSON,
      "server.ts": 'import one from "linked";\nconsole.log(one);',
    });
    await mkdir(join(directory, "node_modules"));
    await symlink(linked, join(directory, "node_modules/linked"));
    const packed = await bench.pack(directory, {
      repository: bench.repository("server/links"),
      base: debianBase({ node: BINARY }),
    });
    expect(packed.components).toContainEqual({
      type: "library",
      name: "linked",
      version: "0.0.1",
      purl: "pkg:npm/linked@0.0.1",
    });
  });
});

describe("server.json", () => {
  const valid = { name: "com.example/x", description: "d", version: "1.0.0" };
  it.each([
    ["no JSON", "{"],
    ["no name", JSON.stringify({ ...valid, name: undefined })],
    ["a name that is not reverse-DNS/name", JSON.stringify({ ...valid, name: "x" })],
    ["a version range", JSON.stringify({ ...valid, version: "^1.0.0" })],
    ["the version latest", JSON.stringify({ ...valid, version: "latest" })],
    [
      "a verdict of another shape",
      JSON.stringify({ ...valid, _meta: { "dev.pratique/tools": { t: { readonly: true } } } }),
    ],
  ])("is refused with %s", (_, text) => {
    expect(() => parseServerJson(Buffer.from(text))).toThrow(expect.objectContaining({ code: "mcp-server.invalid" }));
  });
});
