// Puts the servers of `gateway.servers` behind the gateway at start-up. One that fails does not stop the others.
import { describeError, type Log } from "@pratique/core";
import type { Config, GatewayReferenceConfig, ServerEntry, UserPrincipal } from "@pratique/contracts";
import type { Gateway } from "@pratique/gateway";
import type { Artifacts } from "../artifacts/artifacts.ts";
import { planLaunch, type LaunchPlan } from "./launch-plan.ts";
import { placeEntry, type EntrySource } from "./place-entry.ts";
import type { ServerAuths } from "../secrets/open-logins.ts";
import type { Servers } from "./servers.ts";

export interface ConfiguredServersParts {
  readonly owner: UserPrincipal;
  readonly artifacts: Artifacts;
  readonly servers: Servers;
  readonly gateway: Gateway;
  readonly catalogs: EntrySource;
  readonly auths: ServerAuths;
  readonly log: Log;
}

export type ServerConfig = Config["gateway"]["servers"][string];

export async function placeConfiguredServers(config: Config, parts: ConfiguredServersParts): Promise<void> {
  for (const [name, server] of Object.entries(config.gateway.servers)) {
    try {
      await placeServer(name, server, parts);
    } catch (error) {
      parts.log.error("a configured server is not available", { server: name, ...describeError(error) });
    }
  }
}

/** Places one as the configuration describes it. @throws what placing it throws */
export async function placeServer(name: string, server: ServerConfig, parts: ConfiguredServersParts): Promise<void> {
  const { owner, servers, artifacts, gateway } = parts;
  if ("url" in server) {
    const verdicts = Object.fromEntries(server.readOnlyTools.map((tool) => [tool, { readOnly: true }]));
    await servers.requireListed({ url: server.url });
    // Somebody else's process: not in our container, and the owner's own configuration stands for its clearance.
    servers.reserve(name);
    const auth = parts.auths.ofConfig(name, server.url, server.auth);
    const scope = server.auth?.scope ?? "shared";
    const transport = { type: "http", url: server.url, auth } as const;
    gateway.addServer({ name, isolated: true, cleared: true, verdicts, scope, transport });
    return;
  }
  if ("entry" in server) {
    const { entry, catalog } = await parts.catalogs.entry(server.entry);
    await placeEntry(parts, owner, { name, entry, catalog, values: server.config, overrides: server });
  } else {
    const plan = planReference(name, server);
    await servers.place(owner, await artifacts.find(server.reference), { name, allowUnisolated: false, plan });
  }
  if (server.learn) servers.learn(name, "deny");
}

/** What the configuration says is all that is said of it. */
function planReference(name: string, server: GatewayReferenceConfig): LaunchPlan {
  const { network, secrets, scope = "shared", life = "long-lived", idleStopSeconds, ...rest } = server;
  const { env, volumes, writable, limits, transport } = rest;
  const files = "/run/secrets/";
  const entry: Pick<ServerEntry, "secrets" | "network" | "scope" | "life"> = {
    network: { hosts: [...network] },
    scope,
    life,
    secrets: Object.entries(secrets).map(([place, secret]) => ({
      name: secret,
      required: true,
      scope,
      ...(place.startsWith(files) ? { file: place.slice(files.length) } : { env: place }),
    })),
  };
  return planLaunch({
    name,
    env,
    volumes,
    writable,
    limits,
    transport,
    ...entry,
    ...(idleStopSeconds === undefined ? {} : { idleStopSeconds }),
  });
}
