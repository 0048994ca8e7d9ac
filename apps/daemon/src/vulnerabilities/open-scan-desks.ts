// The desks over what is known: scans, where things are used, statements, and telling of changes.
import type { Principal } from "@pratique/contracts";
import type { SigningKey } from "@pratique/evidence";
import type { Guard } from "@pratique/guard";
import type { Advisories } from "../advisories/open-advisories.ts";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { ScanDesks } from "../control/scan-operations.ts";
import { ChangeTeller } from "./change-teller.ts";
import type { Vulnerabilities } from "./open-vulnerabilities.ts";
import { ScanDesk } from "./scan-desk.ts";
import { VexDesk } from "./vex-desk.ts";
import { WhereUsedDesk } from "./where-used-desk.ts";
import { runningWorkloads, type WorkloadSources } from "./workloads.ts";

export interface ScanDesksOptions extends Omit<WorkloadSources, "database"> {
  readonly known: Vulnerabilities;
  readonly advisories: Advisories;
  readonly artifacts: Artifacts;
  readonly database: WorkloadSources["database"];
  readonly guard: Guard;
  readonly key: SigningKey;
  readonly owner: Principal;
}

export interface Scanning extends ScanDesks {
  /** Catches up, in the background. */
  start(): void;
}

export function openScanDesks({ known, advisories: feeds, ...rest }: ScanDesksOptions): Scanning {
  const { inventory, keeper, options } = known;
  const { onClose, ...common } = options;
  const all = { ...common, ...rest, inventory, keeper };
  const advisories = () => feeds.database;
  const workloads = () => runningWorkloads(rest);
  const teller = new ChangeTeller({ ...all, workloads });
  onClose(() => teller.close());
  feeds.desk.onChange(() => teller.notify());
  return {
    scans: new ScanDesk({ ...all, advisories }),
    whereUsed: new WhereUsedDesk({ ...all, workloads }),
    vex: new VexDesk({ ...all, advisories }),
    start: () => {
      keeper.start();
      teller.notify();
    },
  };
}
