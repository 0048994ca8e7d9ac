// What retention must never take away: what servers, runs and models that run now were made from.
import type { Gateway } from "@pratique/gateway";
import { isDigest, type Digest } from "@pratique/core";
import type { Database } from "@pratique/store";

const RUNS_LOOKED_AT = 1000;
const DIGEST = /sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})/g;

/** Digests by what needs them. A digest anywhere in a run or server counts: too many stay rather than one too few. */
export async function digestsInUse(
  database: Pick<Database, "runs" | "servers">,
  gateway: Pick<Gateway, "servers">,
): Promise<ReadonlyMap<Digest, string>> {
  const inUse = new Map<Digest, string>();
  const add = (value: unknown, why: string): void => {
    for (const [digest] of JSON.stringify(value).matchAll(DIGEST)) if (isDigest(digest)) inUse.set(digest, why);
  };
  for (const run of await database.runs.list(RUNS_LOOKED_AT)) {
    if (run.status === "running") add(run, `run ${run.id} needs it`);
  }
  for (const server of await database.servers.list()) add(server, `server ${server.name} needs it`);
  for (const server of gateway.servers()) add(server, `server ${server.name} needs it`);
  return inUse;
}
