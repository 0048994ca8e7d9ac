// What stands between clients and servers: secret guard, drift guard, interceptors.
import type { Config, UserPrincipal } from "@pratique/contracts";
import type { Clock, Log } from "@pratique/core";
import { openInterceptors, SecretGuard, type Gateway, type GatewayOptions } from "@pratique/gateway";
import type { Guard } from "@pratique/guard";
import type { KnownSecrets } from "@pratique/secrets";
import type { Database } from "@pratique/store";
import type { Home } from "../home.ts";
import { AllowanceDesk } from "./allowance-desk.ts";
import { DriftDesk } from "./drift-desk.ts";

export interface OpenShieldOptions {
  readonly config: Config;
  readonly home: Home;
  readonly database: Database;
  readonly known: KnownSecrets;
  /** Built file of the thread of WebAssembly interceptors; undefined where the source itself runs. */
  readonly wasmHost: string | undefined;
  readonly guard: Guard;
  readonly owner: UserPrincipal;
  readonly clock: Clock;
  readonly log: Log;
  readonly onClose: (close: () => Promise<void>) => void;
}

export interface Shield {
  readonly options: Pick<GatewayOptions, "screen" | "drift" | "interceptors">;
  readonly allowances: AllowanceDesk;
  readonly drift: DriftDesk;
  /** The gateway that is told of changes. */
  begin(gateway: Gateway): void;
}

export async function openShield(options: OpenShieldOptions): Promise<Shield> {
  const { config, database, known, guard, owner, clock, log, onClose } = options;
  let gateway: Gateway | undefined;
  const onChange = (): void => gateway?.changed();
  const allowances = await AllowanceDesk.open({ table: database.secretAllowances, guard, clock, onChange });
  const drift = await DriftDesk.open({
    config: config.gateway.drift,
    table: database.serverPins,
    guard,
    owner,
    clock,
    log,
    onChange,
  });
  onClose(() => drift.close());
  const screen = new SecretGuard({
    config: config.gateway.secretGuard,
    held: known,
    isAllowed: (fingerprint) => allowances.has(fingerprint),
  });
  const interceptors = await openInterceptors(config.gateway.interceptors, {
    directory: options.home.directory,
    wasmHost: options.wasmHost,
    log,
  });
  if (interceptors !== undefined) onClose(() => interceptors.close());
  return {
    options: { screen, drift: drift.drift, ...(interceptors === undefined ? {} : { interceptors }) },
    allowances,
    drift,
    begin: (made) => void (gateway = made),
  };
}
