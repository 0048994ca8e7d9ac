// Everything between a client and a tool: the shield, the gateway, logins, catalogs, and what runs servers.
import type { Config, UserPrincipal } from "@pratique/contracts";
import type { Clock, Log } from "@pratique/core";
import type { Guard } from "@pratique/guard";
import type { ContainerDriver } from "@pratique/sandbox";
import type { Database } from "@pratique/store";
import type { Artifacts } from "../artifacts/artifacts.ts";
import { Catalogs } from "../catalogs/catalogs.ts";
import type { Home } from "../home.ts";
import { builtFile } from "../installation.ts";
import { openLogins, type OpenedLogins } from "../secrets/open-logins.ts";
import type { OpenedSecrets } from "../secrets/open-secret-desk.ts";
import { openServers, type OpenedServers } from "../servers/open-servers.ts";
import { openShield, type Shield } from "../shield/open-shield.ts";
import { openGateway, type OpenedGateway } from "./open-gateway.ts";

export interface ToolAccessParts {
  readonly config: Config;
  readonly home: Home;
  /** HOME of the process. */
  readonly userHome: string | undefined;
  readonly installation: string;
  readonly nodeExecutable: string;
  readonly database: Database;
  readonly secrets: OpenedSecrets;
  readonly artifacts: Artifacts;
  readonly containers: () => Promise<ContainerDriver | undefined>;
  readonly owner: UserPrincipal;
  /** Of this daemon, on loopback. */
  readonly url: string;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  onClose(close: () => Promise<void>): void;
}

export interface ToolAccess {
  readonly shield: Shield;
  readonly opened: OpenedGateway;
  readonly logins: OpenedLogins;
  readonly catalogs: Catalogs;
  readonly toolServers: OpenedServers;
}

export async function openToolAccess(parts: ToolAccessParts): Promise<ToolAccess> {
  const { config, installation, secrets, artifacts, log } = parts;
  const wasmHost = builtFile(installation, "wasm-host.js");
  const programHost = builtFile(installation, "program-host.js");
  const onClose = (close: () => Promise<void>): void => parts.onClose(close);
  const shield = await openShield({ ...parts, known: secrets.store.known, wasmHost, onClose });
  const opened = await openGateway({ ...parts, options: { ...shield.options, programHost } });
  const { gateway } = opened;
  shield.begin(gateway);
  const logins = openLogins({ ...parts, gateway });
  const catalogs = new Catalogs({ config: config.gateway, artifacts, log });
  const { auths } = logins;
  const toolServers = await openServers({ ...parts, catalogs, gateway, secrets: secrets.use, auths });
  return { shield, opened, logins, catalogs, toolServers };
}
