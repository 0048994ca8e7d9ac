// Directories: sources by their lock files, root file systems by what is installed.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { catalogueDirectory, type CatalogueDirectoryOptions } from "./catalogue-directory.ts";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "pratique-catalogue-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const write = async (files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [path, body] of Object.entries(files)) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), body);
  }
};

const found = async (options?: CatalogueDirectoryOptions): Promise<string[]> =>
  (await catalogueDirectory(home, options)).components.map(
    ({ purl, scope }) => `${purl}${scope === "development" ? " (development)" : ""}`,
  );

const npmLock = {
  lockfileVersion: 3,
  packages: {
    "": { name: "root", version: "1.0.0" },
    "packages/own": { version: "1.0.0" },
    "node_modules/a": { version: "1.0.0", integrity: `sha512-${Buffer.alloc(64, 1).toString("base64")}` },
    "node_modules/a/node_modules/@s/b": { version: "2.0.0", dev: true, license: "MIT" },
    "node_modules/own": { link: true, resolved: "packages/own" },
  },
};

describe("a lock file", () => {
  it.each<[string, string, string[]]>([
    ["package-lock.json", JSON.stringify(npmLock), ["pkg:npm/%40s/b@2.0.0 (development)", "pkg:npm/a@1.0.0"]],
    [
      "package-lock.json",
      JSON.stringify({
        lockfileVersion: 1,
        dependencies: { a: { version: "1.0.0", dependencies: { b: { version: "2.0.0" } } } },
      }),
      ["pkg:npm/a@1.0.0", "pkg:npm/b@2.0.0"],
    ],
    [
      "pnpm-lock.yaml",
      "lockfileVersion: '9.0'\npackages:\n  '@s/a@1.0.0':\n    resolution: {integrity: sha512-AQ==}\n  b@2.0.0(c@1.0.0):\n    resolution: {}\n  c@file:x:\n    resolution: {}\n",
      ["pkg:npm/%40s/a@1.0.0", "pkg:npm/b@2.0.0"],
    ],
    [
      "pnpm-lock.yaml",
      "lockfileVersion: 5.4\npackages:\n  /a/1.0.0_b@2.0.0:\n    dev: true\n",
      ["pkg:npm/a@1.0.0 (development)"],
    ],
    [
      "yarn.lock",
      '# yarn lockfile v1\n\n\n"@s/a@^1.0.0", "@s/a@~1.0.0":\n  version "1.0.1"\n  integrity sha512-AQ==\n  dependencies:\n    b "^2"\n\nx@npm:b@^2:\n  version "2.0.0"\n',
      ["pkg:npm/%40s/a@1.0.1", "pkg:npm/b@2.0.0"],
    ],
    [
      "yarn.lock",
      '__metadata:\n  version: 8\n\n"a@npm:^1.0.0":\n  version: 1.0.0\n  resolution: "a@npm:1.0.0"\n\n"own@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "own@workspace:."\n',
      ["pkg:npm/a@1.0.0"],
    ],
    [
      "requirements.txt",
      "# c\nFoo_Bar==1.0 ; python_version>'3'\nx[y]==2.0 \\\n  --hash=sha256:00\n-r other.txt\n",
      ["pkg:pypi/foo-bar@1.0", "pkg:pypi/x@2.0"],
    ],
    ["requirements-dev.txt", "pytest===8.0\n", ["pkg:pypi/pytest@8.0 (development)"]],
    [
      "poetry.lock",
      '[[package]]\nname = "a"\nversion = "1.0"\ngroups = ["main"]\n\n[[package]]\nname = "b"\nversion = "2.0"\ngroups = ["dev"]\n',
      ["pkg:pypi/a@1.0", "pkg:pypi/b@2.0 (development)"],
    ],
    [
      "uv.lock",
      'version = 1\n[[package]]\nname = "own"\nversion = "0"\nsource = { editable = "." }\n[[package]]\nname = "a"\nversion = "1.0"\nsource = { registry = "https://pypi.org/simple" }\n',
      ["pkg:pypi/a@1.0"],
    ],
    [
      "Pipfile.lock",
      '{"default":{"a":{"version":"==1.0"}},"develop":{"b":{"version":"==2.0"}}}',
      ["pkg:pypi/a@1.0", "pkg:pypi/b@2.0 (development)"],
    ],
    [
      "Cargo.lock",
      '[[package]]\nname = "serde"\nversion = "1.0.200"\nsource = "registry+https://x"\n',
      ["pkg:cargo/serde@1.0.200"],
    ],
    [
      "go.mod",
      "module m\nrequire golang.org/x/a v1.0.0 // indirect\nrequire (\n\tgolang.org/x/b v1.1.0\n\tgolang.org/x/c v1.2.0\n)\nreplace golang.org/x/b => golang.org/y/b v1.1.1\nreplace golang.org/x/c => ../c\n",
      ["pkg:golang/golang.org/x/a@v1.0.0", "pkg:golang/golang.org/y/b@v1.1.1"],
    ],
    [
      "Gemfile.lock",
      "GEM\n  remote: x\n  specs:\n    rake (13.0.6)\n      dep (1)\n\nPATH\n  specs:\n    own (1.0)\n",
      ["pkg:gem/rake@13.0.6"],
    ],
    ["composer.lock", '{"packages":[{"name":"s/y","version":"v6.4.0"}]}', ["pkg:composer/s/y@6.4.0"]],
    [
      "gradle.lockfile",
      "# c\norg.a:b:1.0=runtimeClasspath\norg.c:d:2.0=testRuntimeClasspath\nempty=\n",
      ["pkg:maven/org.a/b@1.0", "pkg:maven/org.c/d@2.0 (development)"],
    ],
  ])("%s lists what was resolved", async (name, body, expected) => {
    await write({ [name]: body });
    expect(await found()).toEqual(expected);
  });

  it("counts in sources only, and not where somebody else's lies", async () => {
    await write({ "package-lock.json": JSON.stringify(npmLock) });
    expect(await found({ as: "root" })).toEqual([]);
    await write({ "app/node_modules/x/yarn.lock": '"z@^1":\n  version "1.0.0"\n' });
    expect(await found()).toHaveLength(2);
  });

  it("that is damaged is said", async () => {
    await write({
      "package-lock.json": "{",
      "uv.lock": "=",
      "requirements.txt": "flask>=2\n",
      "pnpm-lock.yaml": "a: &a [*a]\n",
    });
    const { components, unread } = await catalogueDirectory(home);
    expect(components).toEqual([]);
    expect(unread.map(({ path }) => path)).toEqual([
      "package-lock.json",
      "pnpm-lock.yaml",
      "requirements.txt",
      "uv.lock",
    ]);
  });
});

describe("a directory", () => {
  it("is not left by links, and says the same each time", async () => {
    await write({
      "a/package.json": '{"name":"a","version":"1.0.0"}',
      ".git/package.json": '{"name":"g","version":"1.0.0"}',
    });
    await symlink("/", join(home, "out"));
    await symlink("../a/package.json", join(home, "a/again.json"));
    await symlink(home, join(home, "a/circle"));
    const once = await catalogueDirectory(home);
    expect(once.components.map(({ name }) => name)).toEqual(["a"]);
    expect(await catalogueDirectory(home)).toEqual(once);
  });

  it("leaves out what it is told to", async () => {
    await write({
      "a/package.json": '{"name":"a","version":"1.0.0"}',
      "b/package.json": '{"name":"b","version":"1.0.0"}',
    });
    expect(await found({ exclude: new Set(["a"]) })).toEqual(["pkg:npm/b@1.0.0"]);
  });

  it("with more than allowed is refused", async () => {
    await write({ a: "", b: "", c: "" });
    await expect(catalogueDirectory(home, { limits: { maxEntries: 2 } })).rejects.toMatchObject({
      code: "catalogue.too-large",
    });
  });

  it.runIf(existsSync("/var/lib/dpkg/status"))("of a Debian machine has the packages that dpkg lists", async () => {
    const format = "${Package} ${Version} ${Architecture} ${source:Package} ${source:Version} ${db:Status-Status}\\n";
    const listed = execFileSync("dpkg-query", ["-W", `-f=${format}`], { encoding: "utf8", maxBuffer: 1e8 });
    const lines = listed
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.replace(/ installed$/, ""));
    await write({ "var/lib/dpkg/status": await readFile("/var/lib/dpkg/status", "utf8") });
    const { components } = await catalogueDirectory(home, { as: "root" });
    const own = components.map(({ name, version, purl, source }) =>
      [name, version, new URLSearchParams(purl.split("?")[1]).get("arch"), source?.name, source?.version].join(" "),
    );
    expect(own.sort()).toEqual(lines.sort());
  });
});
