// A store of secrets over a real database, for tests.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Principal, SecretsConfig } from "@pratique/contracts";
import { manualClock, silentLog, type ManualClock } from "@pratique/core";
import { openDatabase, type Database } from "@pratique/store";
import type { z } from "zod";
import type { KeyringEntry, OpenEntry } from "./keys/keyring-place.ts";
import { openSecrets } from "./open-secrets.ts";
import type { SecretStore } from "./secret-store.ts";

export interface SecretHouse {
  readonly home: string;
  readonly database: Database;
  readonly clock: ManualClock;
  /** A store as another daemon on the same database would open it. */
  open(config?: z.input<typeof SecretsConfig>, openEntry?: OpenEntry): Promise<SecretStore>;
  close(): Promise<void>;
}

export async function secretHouse(): Promise<SecretHouse> {
  const home = await mkdtemp(join(tmpdir(), "pratique-secrets-"));
  const database = await openDatabase({ file: join(home, "pratique.db") });
  const clock = manualClock();
  return {
    home,
    database,
    clock,
    open: (config = {}, openEntry = noKeyring) =>
      openSecrets({
        config: SecretsConfig.parse(config),
        home,
        table: database.secrets,
        clock,
        log: silentLog,
        openEntry,
      }),
    async close() {
      await database.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** A machine without a keyring. */
export const noKeyring: OpenEntry = async () => {
  throw new Error("Couldn't access platform storage");
};

/** A keyring that holds what is put into `entries`. */
export function memoryKeyring(entries: Map<string, string>): OpenEntry {
  return async (service, account): Promise<KeyringEntry> => {
    const key = `${service} ${account}`;
    return {
      getPassword: async () => entries.get(key) ?? null,
      setPassword: async (value) => void entries.set(key, value),
      deletePassword: async () => entries.delete(key),
    };
  };
}

export const ada: Principal = { type: "User", id: "ada", name: "Ada", groups: [] };
export const grace: Principal = { type: "User", id: "grace", name: "Grace", groups: [] };
export const adasAgent: Principal = {
  type: "Workload",
  id: "spiffe://pratique.local/run/1/agent/root",
  groups: [],
  actingFor: ada,
};
