// Keys in a PKCS #11 token: softhsm through OpenSC's pkcs11-tool, both of Debian sid.
import { createPublicKey } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseKeyUri, tokenKeys, verifySignature, type KeyProvider, type RunTokenTool } from "@pratique/evidence";
import { runCommand } from "@pratique/sandbox";
import { afterEach, beforeEach, describe, expect, it, type TestContext } from "vitest";
import { ensureSidTree, execute, skipWithout, type SidTree } from "./peers/sid-tree.ts";

const MESSAGE = Buffer.from("what is signed");

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pratique-token-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function treeOrSkip(context: TestContext, name: string): Promise<SidTree> {
  const tree = await ensureSidTree(name);
  return typeof tree === "string" ? skipWithout(context, name, tree) : tree;
}

interface Bench {
  readonly provider: KeyProvider;
  /** What the tool was called with, beside the environment. */
  readonly calls: string[][];
  readonly scratch: string;
  readonly pinFile: string;
}

/** A token `pratique` with PIN 1234, and the tool that reaches it. */
async function openBench(context: TestContext): Promise<Bench> {
  const opensc = await treeOrSkip(context, "opensc");
  const softhsm = await treeOrSkip(context, "softhsm2");
  const libraries = `${opensc.libraryPath}:${softhsm.libraryPath}:${softhsm.libraryPath}/softhsm`;
  const tool = (tree: SidTree, program: string): string[] => [
    tree.loader,
    "--library-path",
    libraries,
    join(tree.root, "usr/bin", program),
  ];
  const configuration = join(directory, "softhsm2.conf");
  const scratch = join(directory, "scratch");
  const pinFile = join(directory, "pin");
  await mkdir(join(directory, "tokens"));
  await mkdir(scratch);
  await writeFile(configuration, `directories.tokendir = ${join(directory, "tokens")}\nobjectstore.backend = file\n`);
  await writeFile(pinFile, "1234\n", { mode: 0o600 });
  const environment = { SOFTHSM2_CONF: configuration };
  const module = join(softhsm.libraryPath, "softhsm/libsofthsm2.so");
  const made = await execute(
    [
      ...tool(opensc, "pkcs11-tool"),
      `--module=${module}`,
      "--init-token",
      "--slot-index=0",
      "--label=pratique",
      "--so-pin=5678",
    ],
    { env: environment },
  );
  expect(made).toMatchObject({ code: 0 });
  const pinned = await execute(
    [
      ...tool(opensc, "pkcs11-tool"),
      `--module=${module}`,
      "--token-label=pratique",
      "--login",
      "--login-type=so",
      "--so-pin=5678",
      "--init-pin",
      "--pin=1234",
    ],
    { env: environment },
  );
  expect(pinned).toMatchObject({ code: 0 });
  const calls: string[][] = [];
  const runTool: RunTokenTool = (command, args, options) => {
    calls.push([command, ...args]);
    const [program = "", ...before] = tool(opensc, command);
    return runCommand(program, [...before, ...args], options);
  };
  const provider = tokenKeys({ module, pinFile, environment, runTool, scratchDirectory: scratch });
  return { provider, calls, scratch, pinFile };
}

describe("a key in a token", () => {
  it("is made there, signs there, and leaves nothing behind", async (context) => {
    const { provider, calls, scratch } = await openBench(context);
    for (const algorithm of ["ecdsa-p256", "ecdsa-p384", "ed25519"] as const) {
      const uri = parseKeyUri(`pkcs11:token=pratique;object=${algorithm}%20key`);
      await expect(provider.open(uri)).rejects.toMatchObject({ code: "key.not-found" });
      const made = await provider.create!(uri, algorithm);
      expect(made.algorithm).toBe(algorithm);
      const key = await provider.open(uri);
      expect(key.keyId).toBe(made.keyId);
      const publicKey = createPublicKey(key.publicKeyPem);
      expect(verifySignature(publicKey, MESSAGE, await key.sign(MESSAGE))).toBe(true);
      await expect(provider.create!(uri, algorithm)).rejects.toMatchObject({ code: "key.exists" });
    }
    expect(await readdir(scratch)).toEqual([]);
    expect(calls.flat().join(" ")).not.toContain("1234");
  });

  it("is refused with the wrong PIN or an unknown token", async (context) => {
    const { provider, pinFile } = await openBench(context);
    const uri = parseKeyUri("pkcs11:token=pratique;object=release");
    const key = await provider.create!(uri, "ecdsa-p256");
    await expect(provider.open(parseKeyUri("pkcs11:token=other;object=release"))).rejects.toMatchObject({
      code: "key.refused",
    });
    await writeFile(pinFile, "9999");
    const refused: unknown = await key.sign(MESSAGE).catch((reason: unknown) => reason);
    expect(refused).toMatchObject({ code: "key.refused" });
    expect(String(refused)).toContain("CKR_PIN_INCORRECT");
    expect(JSON.stringify(refused) + String(refused)).not.toContain("9999");
  });
});
