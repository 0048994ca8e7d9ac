// The gateway as the configuration wants it.
import { join } from "node:path";
import type { Config } from "@pratique/contracts";
import type { Clock, Log } from "@pratique/core";
import { createGateway, type Gateway, type GatewayOptions } from "@pratique/gateway";
import type { Guard } from "@pratique/guard";
import type { Database } from "@pratique/store";
import type { Home } from "../home.ts";
import { DAEMON_VERSION } from "../version.ts";
import { openGatewayKey } from "./gateway-key.ts";
import { Profiles } from "./profiles.ts";
import { openTelemetry } from "./telemetry.ts";
import { ToolDesk } from "./tool-desk.ts";

export interface OpenGatewayParts {
  readonly config: Config;
  readonly home: Home;
  readonly database: Database;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  readonly url: string;
  /** What other parts of the daemon put into it. */
  readonly options: Partial<GatewayOptions>;
  onClose(close: () => Promise<void>): void;
}

export interface OpenedGateway {
  readonly gateway: Gateway;
  readonly profiles: Profiles;
  readonly tools: ToolDesk;
}

export async function openGateway(parts: OpenGatewayParts): Promise<OpenedGateway> {
  const { config, home, database, guard, clock, log, url } = parts;
  const { limits, record, resultLimitBytes } = config.gateway;
  const traced = await openTelemetry(config.telemetry, home, log);
  if (traced !== undefined) parts.onClose(() => traced.close());
  const profiles = await Profiles.open({
    configured: config.gateway.profiles,
    table: database.profiles,
    guard,
    clock,
    log,
    url,
  });
  if (limits.some(({ perDay }) => perDay !== undefined))
    await database.quotas.forgetBefore(clock.now().toISOString().slice(0, 10));
  const gateway = createGateway({
    guard,
    clock,
    log,
    info: { name: "pratique", version: DAEMON_VERSION },
    profiles: () => profiles.inForce,
    limits,
    quotas: database.quotas,
    recordArguments: record.arguments,
    resultLimitBytes,
    key: await openGatewayKey(join(home.keys, "gateway.key")),
    ...(traced === undefined ? {} : { telemetry: traced.telemetry }),
    ...parts.options,
  });
  parts.onClose(() => gateway.close());
  profiles.onChange(() => gateway.changed());
  return { gateway, profiles, tools: new ToolDesk(gateway) };
}
