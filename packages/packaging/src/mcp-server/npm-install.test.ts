// npm's part: only what it can check, no script, no git.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RunCommand } from "../run-command.ts";
import { npmInstall, writeNpmRoot } from "./npm-install.ts";
import { parseNpmLock } from "./npm-lock.ts";

const SHA512 = `sha512-${Buffer.alloc(64, 1).toString("base64")}`;
const lockOf = (packages: object): string =>
  JSON.stringify({ lockfileVersion: 3, packages: { "": { name: "packed-server" }, ...packages } });

describe("a lock", () => {
  it("gives every package with the strongest checksum", () => {
    const sha1 = `sha1-${Buffer.alloc(20).toString("base64")}`;
    const [a, b] = parseNpmLock(
      lockOf({
        "node_modules/a": { version: "1.0.0", integrity: `${sha1} ${SHA512}`, license: "MIT", hasInstallScript: true },
        "node_modules/a/node_modules/@s/b": { version: "2.0.0", inBundle: true },
      }),
      "npm:a@1.0.0",
    );
    expect(a).toMatchObject({ name: "a", digest: { sha512: "01".repeat(64) }, licence: "MIT", hasInstallScript: true });
    expect(b).toMatchObject({ name: "@s/b", digest: {} });
  });

  it.each([
    ["a git repository", { version: "1.0.0", resolved: "git+ssh://git@host/a.git#abc" }],
    ["a URL, also one with a checksum", { version: "1.0.0", resolved: "https://host/a.tgz", integrity: SHA512 }],
    ["a file", { version: "1.0.0", resolved: "file:../a.tgz", integrity: SHA512 }],
    ["a linked directory", { resolved: "../a", link: true }],
    ["something without a checksum", { version: "1.0.0" }],
    ["something with sha1 alone", { version: "1.0.0", integrity: "sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA=" }],
  ])("with %s is refused", (_, entry) => {
    expect(() => parseNpmLock(lockOf({ "node_modules/a": entry }), "npm:a@1.0.0")).toThrow(
      expect.objectContaining({ code: "mcp-server.unverifiable" }),
    );
  });

  it("with a package outside of node_modules is refused", () => {
    expect(() => parseNpmLock(lockOf({ "../a": { version: "1.0.0", integrity: SHA512 } }), "npm:a@1.0.0")).toThrow(
      expect.objectContaining({ code: "mcp-server.unverifiable" }),
    );
  });
});

describe("an install", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "pratique-npm-"));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const install = (runCommand: RunCommand): ReturnType<typeof npmInstall> =>
    npmInstall("npm:a@1.0.0", { runCommand, registry: "https://registry.example", architecture: "amd64", directory });

  it("resolves first, checks, and only then unpacks; never with scripts", async () => {
    await writeNpmRoot(directory, "a", "1.0.0");
    const calls: (readonly string[])[] = [];
    const found = await install(async (command, args, { cwd }) => {
      calls.push([command, ...args]);
      await writeFile(
        join(cwd ?? "", "package-lock.json"),
        lockOf({ "node_modules/a": { version: "1.0.0", integrity: SHA512 } }),
      );
      return { code: 0, stdout: Buffer.alloc(0), stderr: "" };
    });
    expect(calls.map(([command, verb, flag]) => [command, verb, flag])).toEqual([
      ["npm", "install", "--package-lock-only"],
      ["npm", "ci", "--ignore-scripts"],
    ]);
    for (const call of calls) {
      expect(call).toEqual(
        expect.arrayContaining([
          "--ignore-scripts",
          "--git=/nonexistent/git",
          "--registry=https://registry.example",
          "--cpu=x64",
        ]),
      );
    }
    expect(found.packages.map(({ name }) => name)).toEqual(["a"]);
  });

  it("unpacks nothing when the lock holds what cannot be checked", async () => {
    const verbs: string[] = [];
    const unsafe = install(async (_, args, { cwd }) => {
      verbs.push(args[0] ?? "");
      await writeFile(
        join(cwd ?? "", "package-lock.json"),
        lockOf({ "node_modules/a": { version: "1", resolved: "git+https://x/a" } }),
      );
      return { code: 0, stdout: Buffer.alloc(0), stderr: "" };
    });
    await expect(unsafe).rejects.toMatchObject({ code: "mcp-server.unverifiable" });
    expect(verbs).toEqual(["install"]);
  });

  it.each([
    ["npm error code E404\nnpm error 404 Not Found - GET https://x/a", "mcp-server.fetch-failed", /404 Not Found/],
    ["npm error code EALLOWGIT\nnpm error fetching git is not allowed", "mcp-server.unverifiable", /git/],
    ["npm error spawn /nonexistent/git ENOENT", "mcp-server.unverifiable", /git/],
  ])("that fails says why: %s", async (stderr, code, message) => {
    const failing = install(async () => ({ code: 1, stdout: Buffer.alloc(0), stderr }));
    await expect(failing).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
