// What runs now, and from which artifacts.
import type { Workload } from "@pratique/contracts";
import type { Gateway } from "@pratique/gateway";
import type { Inference } from "@pratique/inference";
import type { Database } from "@pratique/store";
import type { Machinery } from "../machinery.ts";

export interface WorkloadSources {
  readonly database: Pick<Database, "runs">;
  readonly gateway: Pick<Gateway, "servers">;
  readonly inference: Pick<Inference, "running">;
  readonly machinery: Pick<Machinery, "sandboxes">;
}

const RUNS_LOOKED_AT = 1000;
const DIGEST = /sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})/g;

/** One for each artifact that a workload uses. */
export async function runningWorkloads({
  database,
  gateway,
  inference,
  machinery,
}: WorkloadSources): Promise<Workload[]> {
  const workloads: Workload[] = [];
  for (const { id, agent, agentDigest, status, body } of await database.runs.list(RUNS_LOOKED_AT)) {
    if (status !== "running") continue;
    const digests = new Set([...(agentDigest === null ? [] : [agentDigest]), ...(body.match(DIGEST) ?? [])]);
    for (const digest of digests) workloads.push({ type: "run", name: `${id} (${agent})`, digest });
  }
  for (const { name, digest } of gateway.servers()) {
    if (digest !== undefined) workloads.push({ type: "server", name, digest });
  }
  for (const { model, digest } of inference.running()) workloads.push({ type: "engine", name: model, digest });
  for (const { name, digest } of machinery.sandboxes()) {
    if (digest !== undefined) workloads.push({ type: "sandbox", name, digest });
  }
  return workloads;
}
