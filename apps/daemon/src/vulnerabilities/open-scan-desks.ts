// The desks over what is known: scans, where things are used, statements, and telling of changes.
import type { Principal } from "@pratique/contracts";
import type { Clock, Log } from "@pratique/core";
import type { SigningKey, Trust } from "@pratique/evidence";
import type { Guard } from "@pratique/guard";
import type { Housekeeping } from "@pratique/registry";
import type { Inventory } from "@pratique/vulnerabilities";
import type { Advisories } from "../advisories/open-advisories.ts";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { ScanDesks } from "../control/scan-operations.ts";
import { ChangeTeller } from "./change-teller.ts";
import type { InventoryKeeper } from "./inventory-keeper.ts";
import { ScanDesk } from "./scan-desk.ts";
import { VexDesk } from "./vex-desk.ts";
import { WhereUsedDesk } from "./where-used-desk.ts";
import { runningWorkloads, type WorkloadSources } from "./workloads.ts";

export interface ScanDesksOptions extends WorkloadSources {
  readonly inventory: Inventory;
  readonly keeper: InventoryKeeper;
  readonly advisories: Advisories;
  readonly artifacts: Artifacts;
  readonly house: Pick<Housekeeping, "announce">;
  readonly guard: Guard;
  readonly key: SigningKey;
  readonly trust: Trust;
  readonly owner: Principal;
  readonly registry: string;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: () => string;
}

export interface Scanning extends ScanDesks {
  readonly teller: ChangeTeller;
}

export function openScanDesks(options: ScanDesksOptions): Scanning {
  const { advisories: known } = options;
  const advisories = () => known.database;
  const workloads = () => runningWorkloads(options);
  const teller = new ChangeTeller({ ...options, workloads });
  known.desk.onChange(() => teller.notify());
  return {
    scans: new ScanDesk({ ...options, advisories }),
    whereUsed: new WhereUsedDesk({ ...options, workloads }),
    vex: new VexDesk({ ...options, advisories }),
    teller,
  };
}
