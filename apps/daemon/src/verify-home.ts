// Proves the log of a state directory without its daemon.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openLogKey, verifyLogDirectory } from "@pratique/audit";
import type { AuditVerifyResult } from "@pratique/contracts";

/** Recomputes the log of a state directory from its files. `vkey` may come from elsewhere: a copy that nobody here could change. */
export async function verifyHome(
  home: string,
  options: { vkey?: string; since?: string } = {},
): Promise<AuditVerifyResult> {
  const vkey = options.vkey ?? (await openLogKey(join(home, "keys", "log.pem"), "pratique.local/log")).vkey;
  const since = options.since === undefined ? {} : { since: await readFile(options.since, "utf8") };
  const report = await verifyLogDirectory({ directory: join(home, "log"), vkey, ...since });
  return { ...report, checks: [...report.checks] };
}
