// Asks a cleared server for its tools once: alone in a sandbox, without network and secrets, and gone afterwards.
import type { ServerEntry } from "@pratique/contracts";
import type { JsonObject, Clock, Log } from "@pratique/core";
import { openUpstream } from "@pratique/gateway";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import type { ContainerDriver } from "@pratique/sandbox";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { ToolProbe } from "./catalog-adds.ts";

const MEMORY_BYTES = 512 * 1024 * 1024;
const PIDS = 128;

export interface ToolProbeOptions {
  readonly artifacts: Artifacts;
  readonly guard: Guard;
  readonly containers: () => Promise<ContainerDriver | undefined>;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Undefined where nothing isolates it: then it is not started. */
export function toolProbe({ artifacts, guard, containers, version, clock, log }: ToolProbeOptions): ToolProbe {
  return async (principal, found, name, entry) => {
    const driver = await containers();
    if (driver === undefined) return undefined;
    const resource = await artifacts.resource(found);
    const { digest } = found.descriptor;
    allowedOrThrow(await guard.perform({ principal, action: "artifact:run", resource }, async () => undefined));
    const sandbox = {
      type: "Sandbox",
      id: name,
      digest,
      attributes: { driver: driver.id, isolated: true },
    } as const;
    const act = { principal, action: "sandbox:create", resource: sandbox, details: { tools: "listed" } } as const;
    return allowedOrThrow(
      await guard.perform(act, async () => {
        const image = await driver.ensureImage(found.repository, found.descriptor);
        const upstream = openUpstream(
          {
            name,
            digest,
            isolated: true,
            cleared: true,
            verdicts: {},
            transport: {
              type: "stdio",
              start: () =>
                driver.start({
                  name,
                  image,
                  labels: { "dev.pratique.digest": digest },
                  memoryBytes: MEMORY_BYTES,
                  pids: PIDS,
                  cpus: 1,
                  network: "none",
                  env: standIns(entry),
                  ...fixedArguments(entry),
                  writable: entry.writable,
                }),
            },
          },
          "",
          { clock, log, info: { name: "pratique", version }, onEvent: () => undefined },
        );
        try {
          await upstream.facts();
          const { items } = await upstream.list("tools");
          return items.map((tool): JsonObject => tool);
        } finally {
          await upstream.close();
        }
      }),
    );
  };
}

/** Many servers do not start without their secrets, and none of them may be had for this. */
function standIns({ env, secrets }: ServerEntry): Record<string, string> {
  const fixed = Object.entries(env).filter(([, value]) => !value.includes("{{"));
  const named = secrets.flatMap((secret) => (secret.env === undefined ? [] : [[secret.env, "not-a-secret"] as const]));
  return Object.fromEntries([...fixed, ...named]);
}

function fixedArguments({ image }: ServerEntry): { args?: string[] } {
  const args = (image?.command ?? []).filter((one) => !one.includes("{{"));
  return args.length === 0 ? {} : { args };
}
