// Puts the parts together that know what is wrong with what is stored.
import type { Trust } from "@pratique/evidence";
import { canonicalJson, digestOf, type Clock, type Log } from "@pratique/core";
import type { ContentStore, StoreObserver } from "@pratique/oci";
import type { Housekeeping } from "@pratique/registry";
import type { Database } from "@pratique/store";
import { Inventory, type AdvisoryDatabase } from "@pratique/vulnerabilities";
import { InventoryKeeper } from "./inventory-keeper.ts";
import { DaemonOpinion } from "./opinion.ts";

export interface VulnerabilitiesOptions {
  readonly database: Pick<Database, "inventory" | "registry">;
  /** Undefined when it cannot be opened. */
  readonly advisories: () => AdvisoryDatabase | undefined;
  readonly store: ContentStore;
  readonly house: Pick<Housekeeping, "flush">;
  readonly trust: Trust;
  readonly registry: string;
  /** Of the program. */
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: () => string;
}

/** What stands before there are desks: evidence asks it. */
export interface Vulnerabilities {
  readonly inventory: Inventory;
  readonly keeper: InventoryKeeper;
  readonly opinion: DaemonOpinion;
}

export function openVulnerabilities(options: VulnerabilitiesOptions): Vulnerabilities {
  const { database, advisories, store, house, trust, registry, version, clock, log, ids } = options;
  const inventory = new Inventory({ table: database.inventory, advisories, clock, ids });
  const signers = canonicalJson(JSON.parse(JSON.stringify([trust.keys, trust.identities ?? []])));
  const keeper = new InventoryKeeper({
    inventory,
    store,
    journal: database.registry,
    flush: () => house.flush(),
    trust,
    maker: `${version}-${digestOf(signers).slice(7, 19)}`,
    log,
  });
  const opinion = new DaemonOpinion({ advisories, inventory, keeper, registry, clock, log });
  return { inventory, keeper, opinion };
}

/** Tells the inventory of every change that `observer` is told of. */
export function alsoTelling(observer: StoreObserver, wake: () => void): StoreObserver {
  return {
    ready: (repository) => observer.ready(repository),
    receiving: (repository, upload, sizeBytes) => observer.receiving(repository, upload, sizeBytes),
    ended: (repository, upload) => observer.ended(repository, upload),
    stored: (repository, digest, sizeBytes) => observer.stored(repository, digest, sizeBytes),
    released: (repository, digest) => observer.released(repository, digest),
    async admit(change) {
      const end = await observer.admit(change);
      return (isDurable) => {
        end(isDurable);
        wake();
      };
    },
  };
}
