// Proves the log of a state directory without its daemon.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openLogKey, verifyLogDirectory } from "@pratique/audit";
import type { AuditVerifyResult } from "@pratique/contracts";
import { daemonErrors } from "./errors.ts";

/** Recomputes the log of a state directory from its files. `vkey` may come from elsewhere: a copy that nobody here could change. */
export async function verifyHome(
  home: string,
  options: { vkey?: string; since?: string } = {},
): Promise<AuditVerifyResult> {
  const keyFile = join(home, "keys", "log.pem");
  // Opening a key makes a missing one, and whoever only looks makes nothing.
  if (options.vkey === undefined && !existsSync(keyFile)) throw daemonErrors("home.no-log", { home });
  const vkey = options.vkey ?? (await openLogKey(keyFile, "pratique.local/log")).vkey;
  const since = options.since === undefined ? {} : { since: await readCheckpoint(options.since) };
  const report = await verifyLogDirectory({ directory: join(home, "log"), vkey, ...since });
  return { ...report, checks: [...report.checks] };
}

async function readCheckpoint(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw daemonErrors("audit.no-checkpoint-file", { file, reason: (cause as Error).message }, { cause });
  }
}
