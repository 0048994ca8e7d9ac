// Opens what there is of catalogs: those in force, the desk, and the registry's API.
import type { Config, Principal } from "@pratique/contracts";
import { Mutex, type Clock, type Log } from "@pratique/core";
import type { Guard } from "@pratique/guard";
import type { ContentStore } from "@pratique/oci";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { ServerPacks } from "../artifacts/server-packs.ts";
import type { Clearing } from "../clearance/open-clearance.ts";
import type { SigningDesks } from "../control/signing-operations.ts";
import type { Home } from "../home.ts";
import type { Machinery } from "../machinery.ts";
import { DAEMON_VERSION } from "../version.ts";
import { CatalogAdds } from "./catalog-adds.ts";
import { CatalogDesk } from "./catalog-desk.ts";
import { CatalogImports } from "./catalog-imports.ts";
import { CatalogPublishing } from "./catalog-publishing.ts";
import type { Catalogs } from "./catalogs.ts";
import { createRegistryApi, type RegistryApi } from "./registry-api.ts";
import { toolProbe } from "./tool-probe.ts";

export interface OpenCatalogsOptions {
  readonly config: Config;
  readonly catalogs: Catalogs;
  readonly artifacts: Artifacts;
  readonly packs: ServerPacks;
  readonly signatures: Pick<SigningDesks, "signing">;
  readonly clearing: Pick<Clearing, "clearances">;
  readonly machinery: Pick<Machinery, "containers">;
  readonly store: ContentStore;
  readonly guard: Guard;
  /** `localhost:7340`. */
  readonly registry: string;
  readonly home: Home;
  readonly owner: Principal;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OpenedCatalogs {
  readonly desk: CatalogDesk;
  readonly api: RegistryApi;
}

export function openCatalogs(options: OpenCatalogsOptions): OpenedCatalogs {
  const { config, catalogs, artifacts, guard, registry, machinery, home, clock, log } = options;
  const { signing } = options.signatures;
  const { clearances } = options.clearing;
  const containers = (): ReturnType<Machinery["containers"]> => machinery.containers();
  const probe = toolProbe({ artifacts, guard, containers, version: DAEMON_VERSION, clock, log });
  const editing = new Mutex();
  const desk = new CatalogDesk({
    artifacts,
    guard,
    catalogs,
    registry,
    adds: new CatalogAdds({ artifacts, packs: options.packs, signing, clearances, guard, probe, editing, log }),
    imports: new CatalogImports({ guard, cacheDirectory: home.cache, clock, fetcher: fetch, editing }),
    publishing: new CatalogPublishing({ artifacts, store: options.store, guard, signing, clearances, registry, clock }),
  });
  const api = createRegistryApi({
    catalogs,
    guard,
    anonymous: config.gateway.openRegistry ? options.owner : undefined,
    addressOf: () => undefined,
    log,
  });
  return { desk, api };
}
