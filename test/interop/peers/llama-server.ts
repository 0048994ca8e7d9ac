// llama.cpp's server of Debian sid, run by sid's own loader.
import { randomBytes } from "node:crypto";
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ensureSidTree, skipWithout, type SidTree, type Skippable } from "./sid-tree.ts";

/** The path of a llama-server that can be run, or the test is skipped with the reason; in CI it fails. */
export async function llamaServerOrSkip(context: Skippable): Promise<string> {
  try {
    return await ensureLlamaServer();
  } catch (error) {
    return skipWithout(context, "llama-server", error instanceof Error ? error.message : String(error));
  }
}

/** Fetches and unpacks it on first use. */
export async function ensureLlamaServer(): Promise<string> {
  const tree = await ensureSidTree("llama.cpp-tools");
  if (typeof tree === "string") throw new Error(tree);
  const launcher = join(tree.root, "llama-server");
  const partial = `${launcher}.${randomBytes(6).toString("hex")}`;
  await writeFile(partial, await launcherOf(tree), { mode: 0o755 });
  await rename(partial, launcher);
  return launcher;
}

/** ggml looks for its back ends in a directory that does not exist here: the best one for this processor is named. */
async function launcherOf({ root, libraryPath, loader }: SidTree): Promise<string> {
  const backends = await readdir(join(libraryPath, "ggml/backends0"));
  const flags = await readFile("/proc/cpuinfo", "utf8");
  const wanted = ["haswell", "sse42", "x64", "armv8.0_1"].filter(
    (name) => name !== "haswell" || /\bavx2\b/.test(flags),
  );
  const backend = wanted.map((name) => `libggml-cpu-${name}.so`).find((file) => backends.includes(file));
  if (backend === undefined) throw new Error("sid's packages are laid out in another way");
  return [
    "#!/bin/sh",
    `export GGML_BACKEND_PATH='${libraryPath}/ggml/backends0/${backend}'`,
    `exec '${loader}' --library-path '${libraryPath}:${libraryPath}/llama' '${root}/usr/bin/llama-server' "$@"`,
    "",
  ].join("\n");
}
