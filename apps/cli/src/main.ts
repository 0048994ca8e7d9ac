// The `pratique` command: finds the state directory and the daemon, and runs one command.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { openClient } from "@pratique/client";
import type { Context } from "./kit/command.ts";
import { runProgram, usageError } from "./kit/run-command.ts";
import { processTerminal } from "./kit/terminal.ts";
import { TREE } from "./tree.ts";
import { VERSION } from "./version.ts";

const DEFAULT_URL = "http://127.0.0.1:7340";

function homeDirectory(given: string | undefined): string {
  if (given === "") throw usageError("--home needs a directory, and what was given is empty", "name one: --home DIR");
  const named = given ?? process.env["PRATIQUE_HOME"];
  if (named !== undefined && named !== "") return resolve(named);
  return join(process.env["XDG_DATA_HOME"] ?? join(homedir(), ".local", "share"), "pratique");
}

function readTrimmed(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return undefined;
  }
}

function findDaemon(home: string): string {
  const named = process.env["PRATIQUE_URL"];
  if (named !== undefined && named !== "") return checkedUrl(named);
  const running = readTrimmed(join(home, "daemon.json"));
  if (running === undefined) return DEFAULT_URL;
  try {
    const { url } = JSON.parse(running) as { url?: unknown };
    return typeof url === "string" ? url : DEFAULT_URL;
  } catch {
    return DEFAULT_URL;
  }
}

function checkedUrl(named: string): string {
  if (!/^https?:\/\//.test(named) || !URL.canParse(named))
    throw usageError(`PRATIQUE_URL is \`${named}\`, which is no address`, "write it as http://127.0.0.1:7340");
  return named.replace(/\/+$/, "");
}

/** The owner token goes to loopback only: PRATIQUE_URL may name somebody else's daemon. */
function findToken(home: string, url: string): string | undefined {
  const named = process.env["PRATIQUE_TOKEN"];
  if (named !== undefined && named !== "") return named;
  const { hostname } = new URL(url);
  if (!["127.0.0.1", "localhost", "[::1]"].includes(hostname)) return undefined;
  return readTrimmed(join(home, "token"));
}

const interrupt = new AbortController();
const PATIENCE_MS = 2000;
let interruptedAt: number | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // Ctrl-C reaches every process of the group, and the launcher passes it on: the second one soon after is the same.
  process.on(signal, () => {
    if (interruptedAt !== undefined && performance.now() - interruptedAt > PATIENCE_MS) process.exit(130);
    interruptedAt ??= performance.now();
    interrupt.abort();
  });
}

const terminal = processTerminal();

function context(global: { json: boolean; home: string | undefined }): Context {
  const home = homeDirectory(global.home);
  return {
    terminal,
    json: global.json,
    home,
    environment: process.env,
    workingDirectory: process.cwd(),
    daemonUrl: async () => findDaemon(home),
    client: async () => {
      const url = findDaemon(home);
      return openClient({ url, token: findToken(home, url) });
    },
    interrupted: interrupt.signal,
  };
}

// A closed pipe (`pratique ls | head`) is the reader's choice, not a failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

process.exitCode = await runProgram(
  { tree: TREE, version: VERSION, terminal, context, interrupted: interrupt.signal },
  process.argv.slice(2),
);
