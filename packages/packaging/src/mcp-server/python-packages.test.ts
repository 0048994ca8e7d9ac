// Python's part: which wheels, how they are laid out, how a server starts.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isPratiqueError } from "@pratique/core";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CommandResult, RunCommand } from "../run-command.ts";
import { openWorkbench, type Workbench } from "../workbench.fixture.ts";
import { zipOf } from "../archive/zip.fixture.ts";
import { isPythonDirectory, parseProject, readPythonDirectory, serverOfPythonDirectory } from "./python-directory.ts";
import { pythonStart } from "./python-start.ts";
import { checkRequirement, fetchWheels, platformTags } from "./python-wheels.ts";
import { serverFromPypi } from "./server-from-pypi.ts";
import { wheelOf } from "./servers.fixture.ts";
import { unpackWheels } from "./wheel-files.ts";

const TARGET = { minor: 11, glibcMinor: 36 };

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

describe("a requirement", () => {
  it.each(["mcp", "mcp>=1.0", "mcp[cli]~=1.2 ; python_version >= '3.10'", "a.b-c_d (>=1,<2)", "x==1.0+local"])(
    "is taken: %s",
    (text) => expect(checkRequirement(text, "s")).toBe(text),
  );

  it.each([
    "-r other.txt",
    "--index-url=x",
    "a @ https://x/a.whl",
    "git+https://x/a",
    "./a",
    "a; b @ c",
    "../a",
    "",
    "a\n-r b",
    "a>=1\n--no-index",
    "a; x\n-r b",
    "0;/",
  ])("is refused: %j", (text) =>
    expect(() => checkRequirement(text, "s")).toThrow(expect.objectContaining({ code: "mcp-server.unverifiable" })),
  );

  it("never becomes an option or a path, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (text) => {
        let taken = "taken";
        try {
          taken = checkRequirement(text, "s");
        } catch (error) {
          if (!isPratiqueError(error, "mcp-server.unverifiable")) throw error;
        }
        expect(taken).toMatch(/^[A-Za-z0-9][^@\n/\\]*$/);
      }),
      { numRuns: 3000 },
    );
  });
});

describe("wheels", () => {
  it("are for the image's glibc and every older one (PEP 600)", () => {
    const tags = platformTags(TARGET, "arm64");
    expect(tags[0]).toBe("manylinux_2_36_aarch64");
    expect(tags).toContain("manylinux_2_17_aarch64");
    expect(tags.slice(-4)).toEqual([
      "manylinux2014_aarch64",
      "manylinux2010_aarch64",
      "manylinux1_aarch64",
      "linux_aarch64",
    ]);
    expect(tags.join()).not.toContain("2_37");
  });

  const answered =
    (result: Partial<CommandResult>): RunCommand =>
    async () => ({ code: 1, stdout: Buffer.alloc(0), stderr: "", ...result });

  it.each([
    ["ERROR: Could not find a version that satisfies the requirement a==9", "mcp-server.fetch-failed", /satisfies/],
    ["pratique: no process may be started", "mcp-server.needs-build", /source code/],
    ["/usr/bin/python3: No module named pip", "mcp-server.fetch-failed", /python3-pip/],
    ["pratique: python3 here is 3.12", "mcp-server.fetch-failed", /3\.12/],
  ])("that cannot be had say why: %s", async (stderr, code, message) => {
    const directory = await bench.directory("no-wheels", {});
    const o = { runCommand: answered({ stderr }), target: TARGET, architecture: "amd64", index: undefined, directory };
    await expect(fetchWheels(["a==9"], "pypi:a==9", o)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it("are asked for without sources, options or cache, and a source distribution is none", async () => {
    const directory = await bench.directory("sdist", {});
    let asked: readonly string[] = [];
    const runCommand: RunCommand = async (_, args) => {
      asked = args;
      await writeFile(join(directory, "wheels", "a-1.0.tar.gz"), "");
      return { code: 0, stdout: Buffer.alloc(0), stderr: "" };
    };
    const index = { indexUrl: "https://index.example/simple", findLinks: undefined, noIndex: false };
    const o = { runCommand, target: TARGET, architecture: "amd64", index, directory };
    await expect(fetchWheels(["a==1.0"], "pypi:a==1.0", o)).rejects.toMatchObject({ code: "mcp-server.needs-build" });
    expect(asked).toEqual(
      expect.arrayContaining([
        "--only-binary=:all:",
        "--python-version=3.11",
        "--index-url=https://index.example/simple",
      ]),
    );
    expect(asked.slice(-2)).toEqual(["--", "a==1.0"]);
  });

  it("go where the image's Python looks, less their headers, scripts and manuals", async () => {
    const directory = await bench.directory("layout", {});
    const body = "x";
    const bytes = zipOf([
      { path: "a/__init__.py", body },
      { path: "a-1.0.data/purelib/b.py", body },
      { path: "a-1.0.data/platlib/c.so", body },
      { path: "a-1.0.data/data/share/a/d.txt", body },
      { path: "a-1.0.data/data/share/man/man1/a.1", body },
      { path: "a-1.0.data/scripts/a", body },
      { path: "a-1.0.data/headers/a.h", body },
    ]);
    await writeFile(join(directory, "a.whl"), bytes);
    const wheel = { path: join(directory, "a.whl"), name: "a", version: "1.0", sha256: "00" };
    const { files } = await unpackWheels([wheel], { directory, minor: 11, own: "A" });
    const site = "usr/local/lib/python3.11/dist-packages";
    expect(files.map(({ path, role }) => [path, role])).toEqual(
      [`${site}/a/__init__.py`, `${site}/b.py`, `${site}/c.so`, "usr/local/share/a/d.txt"].map((path) => [path, "app"]),
    );
  });

  it("that leave their directory are refused", async () => {
    const directory = await bench.directory("leaves", {});
    for (const path of ["../x", "a-1.0.data/data/../../x"]) {
      await writeFile(join(directory, "a.whl"), zipOf([{ path, body: "x" }]));
      const wheel = { path: join(directory, "a.whl"), name: "a", version: "1.0", sha256: "00" };
      await expect(unpackWheels([wheel], { directory, minor: 11 })).rejects.toMatchObject({ code: "archive.unsafe" });
    }
  });
});

describe("a server from an index", () => {
  const pip =
    (...wheels: readonly ReturnType<typeof wheelOf>[]): RunCommand =>
    async (_, __, { cwd }) => {
      await mkdir(join(cwd ?? "", "wheels"), { recursive: true });
      for (const { file, bytes } of wheels) await writeFile(join(cwd ?? "", "wheels", file), bytes);
      return { code: 0, stdout: Buffer.alloc(0), stderr: "" };
    };
  const read = (runCommand: RunCommand): ReturnType<typeof serverFromPypi> =>
    serverFromPypi({ name: "say_it", version: "1.0" }, TARGET, {
      runCommand,
      cacheDirectory: join(bench.home, "cache"),
      architecture: "amd64",
    });

  it("is its wheel and those it needs, with the name that it states", async () => {
    const own = wheelOf(
      "say-it",
      "1.0",
      { "say_it/__init__.py": "def main(): pass\n" },
      {
        metadata: "Summary: Says\nLicense-Expression: MIT\n\n<!-- mcp-name: com.example/say -->",
        entryPoints: "[console_scripts]\nsay-it = say_it:main\n",
      },
    );
    const other = wheelOf("help.er", "2.0", { "helper.py": "" }, {});
    const found = await read(pip(own, { ...other, file: "help.er-2.0-py3-none-any.whl" }));
    expect(found.server).toMatchObject({
      name: "com.example/say",
      version: "1.0",
      description: "Says",
      metadata: { runtime: "python", args: ["/opt/pratique/start"], licence: "MIT" },
    });
    expect(found.components.map(({ purl }) => purl)).toEqual(["pkg:pypi/help-er@2.0", "pkg:pypi/say-it@1.0"]);
    expect(found.materials).toHaveLength(2);
    expect(new Set(found.server.files.map(({ role }) => role))).toEqual(
      new Set(["entry", "app", "dependency", "description"]),
    );
    await found.close();
  });

  it("that says nowhere how it starts is refused", async () => {
    await expect(read(pip(wheelOf("say-it", "1.0", { "say_it/__init__.py": "" })))).rejects.toMatchObject({
      code: "mcp-server.no-entry",
    });
  });
});

describe("a command", () => {
  it.each([
    ["of the package's name", { other: "a:b", "my-server": "c:d" }, "from c import d as start"],
    ["that is the only one", { other: "a:b.c" }, "from a import b as start"],
    ["that looks like a server's", { tool: "a:b", "x-mcp": "c:d" }, "from c import d as start"],
  ])("%s starts the server", async (_, commands, line) => {
    const start = pythonStart("my_server", commands, []);
    const chunks: Uint8Array[] = [];
    for await (const chunk of start?.files[0]?.open() ?? []) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toContain(line);
  });

  it("that is none gives way to a package with __main__", () => {
    expect(pythonStart("my-server", {}, ["other", "my_server"])?.args).toEqual(["-m", "my_server"]);
    expect(pythonStart("my-server", { x: "import os; os:system" }, [])).toBeUndefined();
  });
});

describe("a directory with a Python project", () => {
  it("is one without a package.json", async () => {
    expect(await isPythonDirectory(await bench.directory("p1", { "pyproject.toml": "" }))).toBe(true);
    expect(await isPythonDirectory(await bench.directory("p2", { "pyproject.toml": "", "package.json": "{}" }))).toBe(
      false,
    );
    expect(await isPythonDirectory(await bench.directory("p3", { "server.json": "{}" }))).toBe(false);
  });

  it("starts with its script, from src when it has one", async () => {
    const directory = await bench.directory("p4", {
      "pyproject.toml":
        '[project]\nname = "say"\nversion = "1.0"\nlicense = "MIT"\n[project.scripts]\nsay = "say:main"\n',
      "src/say/__init__.py": "def main(): pass\n",
    });
    const source = await readPythonDirectory(directory);
    const found = await serverOfPythonDirectory(source, TARGET, { cacheDirectory: join(bench.home, "cache") });
    expect(found.server.metadata).toMatchObject({
      args: ["/opt/pratique/start"],
      env: { PYTHONPATH: "/app/src:/app" },
    });
    expect(found.server.name).toBe("dev.pratique.local/say");
    await found.close();
  });

  it("starts with a file when it declares nothing, and not at all without one", async () => {
    const tools = { cacheDirectory: join(bench.home, "cache") };
    const plain = await readPythonDirectory(await bench.directory("p5", { "server.py": "" }));
    const found = await serverOfPythonDirectory(plain, TARGET, tools);
    expect(found.server.metadata.args).toEqual(["/app/server.py"]);
    await found.close();
    const none = await readPythonDirectory(await bench.directory("p6", { "pyproject.toml": "", "a.py": "" }));
    await expect(serverOfPythonDirectory(none, TARGET, tools)).rejects.toMatchObject({ code: "mcp-server.no-entry" });
  });

  it("with a dependency that is a URL is refused before anything is fetched", async () => {
    const toml = '[project]\nname = "x"\ndependencies = ["a @ https://evil.example/a.whl"]\n';
    const source = await readPythonDirectory(await bench.directory("p7", { "pyproject.toml": toml, "server.py": "" }));
    const runCommand: RunCommand = async () => expect.unreachable();
    await expect(
      serverOfPythonDirectory(source, TARGET, { runCommand, cacheDirectory: join(bench.home, "cache") }),
    ).rejects.toMatchObject({ code: "mcp-server.unverifiable" });
  });

  it("with a broken pyproject.toml is refused", () => {
    expect(() => parseProject("= [", "x")).toThrow(expect.objectContaining({ code: "mcp-server.source-invalid" }));
  });
});
