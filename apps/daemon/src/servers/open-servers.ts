// Opens what runs servers: how they are placed, launched, watched and looked at.
import { mkdir, readdir, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Config, UserPrincipal } from "@pratique/contracts";
import type { Clock, Log } from "@pratique/core";
import type { Gateway } from "@pratique/gateway";
import type { Guard } from "@pratique/guard";
import type { ContainerDriver } from "@pratique/sandbox";
import type { ServerAuths } from "../secrets/open-logins.ts";
import type { SecretUse } from "@pratique/secrets";
import type { Artifacts } from "../artifacts/artifacts.ts";
import { daemonErrors } from "../errors.ts";
import type { Home } from "../home.ts";
import { AddedServers } from "./added-servers.ts";
import { placeConfiguredServers } from "./configured-servers.ts";
import type { EntrySource } from "./place-entry.ts";
import { ServerDesk } from "./server-desk.ts";
import { ServerLauncher } from "./server-launcher.ts";
import { ServerLogs } from "./server-logs.ts";
import { Servers } from "./servers.ts";

export interface OpenServersOptions {
  readonly config: Config;
  readonly home: Home;
  /** HOME of the process. */
  readonly userHome: string | undefined;
  readonly artifacts: Artifacts;
  readonly gateway: Gateway;
  readonly guard: Guard;
  readonly secrets: SecretUse;
  readonly auths: ServerAuths;
  readonly containers: () => Promise<ContainerDriver | undefined>;
  readonly nodeExecutable: string;
  readonly owner: UserPrincipal;
  /** The catalogs in force, where there are any. */
  readonly catalogs?: EntrySource & {
    requireListed(what: { readonly digest: string } | { readonly url: string }): Promise<void>;
  };
  readonly clock: Clock;
  readonly log: Log;
}

export interface OpenedServers {
  readonly servers: Servers;
  readonly desk: ServerDesk;
  /** Those of the configuration, then those that were added. */
  placeAll(): Promise<void>;
}

const SOCKET = /^server-[0-9a-f]{8}\.sock$/;

export async function openServers(options: OpenServersOptions): Promise<OpenedServers> {
  const { config, home, userHome, artifacts, gateway, guard, secrets, catalogs, owner, clock, log } = options;
  const { writablePaths, egress } = config.gateway;
  await sweepSockets(home.run);
  const logs = new ServerLogs(clock);
  const launcher = new ServerLauncher({
    guard,
    secrets,
    mounts: { homeDirectory: userHome ?? homedir(), forbidden: [home.directory], writable: writablePaths },
    networks: egress.networks,
    runDirectory: home.run,
    logs,
    clock,
    log,
  });
  const servers = new Servers({
    artifacts,
    gateway,
    guard,
    containers: options.containers,
    launcher,
    ...(catalogs === undefined ? {} : { requireListed: (what) => catalogs.requireListed(what) }),
    nodeExecutable: options.nodeExecutable,
    cacheDirectory: home.cache,
    log,
  });
  const placing = { owner, artifacts, servers, gateway, auths: options.auths, catalogs: catalogs ?? noCatalog, log };
  const added = await AddedServers.open(join(home.directory, "servers.json"));
  const desk = new ServerDesk({ guard, gateway, placing, added, logs });
  const placeAll = async (): Promise<void> => {
    await placeConfiguredServers(config, placing);
    await desk.placeAdded();
  };
  return { servers, desk, placeAll };
}

const noCatalog: EntrySource = {
  entry: async (name) => {
    throw daemonErrors("server.not-placeable", { name, reason: "no catalog is configured" });
  },
};

/** What a daemon left that was killed. */
async function sweepSockets(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const stale = (await readdir(directory)).filter((name) => SOCKET.test(name));
  await Promise.all(stale.map((name) => rm(join(directory, name), { force: true })));
}
