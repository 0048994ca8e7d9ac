// Puts the parts together that know what is wrong with what is stored.
import type { Trust } from "@pratique/evidence";
import { canonicalJson, digestOf, type Clock, type Log } from "@pratique/core";
import type { ContentStore, StoreObserver } from "@pratique/oci";
import type { Housekeeping } from "@pratique/registry";
import type { Database } from "@pratique/store";
import { Inventory, type AdvisoryDatabase } from "@pratique/vulnerabilities";
import type { Advisories } from "../advisories/open-advisories.ts";
import { InventoryKeeper } from "./inventory-keeper.ts";
import { DaemonOpinion } from "./opinion.ts";

export interface VulnerabilitiesOptions {
  readonly database: Pick<Database, "inventory" | "registry">;
  readonly advisories: Pick<Advisories, "database">;
  readonly store: ContentStore;
  readonly house: Pick<Housekeeping, "flush" | "announce">;
  readonly trust: Trust;
  readonly registry: string;
  /** Of the program. */
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: () => string;
  readonly onClose: (close: () => Promise<void>) => void;
}

/** What stands before there are desks: evidence asks it. */
export interface Vulnerabilities {
  /** What it was made with. */
  readonly options: VulnerabilitiesOptions;
  readonly inventory: Inventory;
  readonly keeper: InventoryKeeper;
  readonly opinion: DaemonOpinion;
}

export function openVulnerabilities(options: VulnerabilitiesOptions): Vulnerabilities {
  const { database, store, house, trust, registry, version, clock, log, ids, onClose } = options;
  const advisories = (): AdvisoryDatabase => options.advisories.database;
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
  onClose(() => keeper.close());
  return { options, inventory, keeper, opinion };
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
