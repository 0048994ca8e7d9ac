// Opens the store of secrets and its desk. Nothing of a back end is reached before a secret is needed.
import { hostname } from "node:os";
import type { Config } from "@pratique/contracts";
import { describeError, type Clock, type Log } from "@pratique/core";
import type { Guard } from "@pratique/guard";
import { Leases, openSecrets, SecretUse, type SecretStore } from "@pratique/secrets";
import type { Database } from "@pratique/store";
import type { Home } from "../home.ts";
import { SecretDesk } from "./secret-desk.ts";

export interface OpenSecretDeskOptions {
  readonly config: Config;
  readonly home: Home;
  readonly database: Database;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: () => string;
}

export interface OpenedSecrets {
  readonly store: SecretStore;
  readonly use: SecretUse;
  readonly leases: Leases;
  readonly desk: SecretDesk;
  /** Makes all values known to the secret guard, once the daemon is ready. */
  learn(): void;
}

export async function openSecretDesk(options: OpenSecretDeskOptions): Promise<OpenedSecrets> {
  const { config, home, database, guard, clock, log, ids } = options;
  const store = await openSecrets({
    config: config.secrets,
    home: home.directory,
    table: database.secrets,
    clock,
    log,
  });
  return {
    store,
    use: new SecretUse({ guard, source: store }),
    leases: new Leases({ table: database.leases, clock, holder: `${hostname()} ${ids()}` }),
    desk: new SecretDesk({ store, guard }),
    learn: () =>
      void store.learnAll().catch((error: unknown) => {
        log.warn("secrets cannot be made known to the secret guard", describeError(error));
      }),
  };
}
