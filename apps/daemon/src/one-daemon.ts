// One daemon a state directory, and how the CLI finds it.
import { readFile } from "node:fs/promises";
import { isPratiqueError } from "@pratique/core";
import { openDatabase, writeFileDurably, type Database } from "@pratique/store";
import { daemonErrors } from "./errors.ts";
import type { Home } from "./home.ts";
import type { Listener } from "./listener.ts";
import { DAEMON_VERSION } from "./version.ts";

/** The database's lock is the daemon's: one process a state directory. */
export async function openExclusive(home: Home): Promise<Database> {
  try {
    return await openDatabase({ file: home.databaseFile });
  } catch (cause) {
    if (!isPratiqueError(cause, "store.busy")) throw cause;
    throw daemonErrors("daemon.already-running", { home: home.directory, pid: await runningPid(home) }, { cause });
  }
}

async function runningPid(home: Home): Promise<string> {
  const text = await readFile(home.runtimeFile, "utf8").catch(() => "{}");
  const { pid } = JSON.parse(text) as { pid?: unknown };
  return typeof pid === "number" ? String(pid) : "unknown";
}

/** Tells the CLI where this daemon answers. */
export async function announce(home: Home, listener: Listener, startedAt: Date): Promise<void> {
  await writeFileDurably(
    home.runtimeFile,
    JSON.stringify({
      url: listener.url,
      pid: process.pid,
      startedAt: startedAt.toISOString(),
      version: DAEMON_VERSION,
    }),
    { mode: 0o600 },
  );
}
