// Opens the advisory database and the desk over it.
import { join } from "node:path";
import type { Config } from "@pratique/contracts";
import type { Clock, Log } from "@pratique/core";
import type { Guard } from "@pratique/guard";
import { openAdvisoryDatabase, type AdvisoryDatabase } from "@pratique/vulnerabilities";
import type { Home } from "../home.ts";
import { AdvisoryDesk } from "./advisory-desk.ts";

export interface AdvisoriesOptions {
  readonly config: Config["vulnerabilities"];
  readonly home: Pick<Home, "directory" | "cache">;
  readonly proxies: Readonly<Record<string, string>>;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly log: Log;
  readonly onClose: (close: () => Promise<void>) => void;
}

export interface Advisories {
  readonly database: AdvisoryDatabase;
  readonly desk: AdvisoryDesk;
}

/** A file of its own: it can be deleted, and is made again from its sources. */
export async function openAdvisories(options: AdvisoriesOptions): Promise<Advisories> {
  const { config, home, onClose, ...rest } = options;
  const database = await openAdvisoryDatabase(join(home.directory, "advisories.db"), {
    clock: options.clock,
    staleAfterMs: config.staleAfter,
    expected: Object.keys(config.sources),
  });
  onClose(() => database.close());
  const desk = new AdvisoryDesk({ config, database, directory: home.cache, ...rest });
  onClose(() => desk.close());
  return { database, desk };
}
