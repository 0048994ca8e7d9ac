// Opens what there is of catalogs: those in force, the desk, and the registry's API.
import type { Config, Principal } from "@pratique/contracts";
import { Mutex, type Clock, type Log } from "@pratique/core";
import type { Guard } from "@pratique/guard";
import type { ContentStore } from "@pratique/oci";
import type { ContainerDriver } from "@pratique/sandbox";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { ServerPacks } from "../artifacts/server-packs.ts";
import type { Clearances } from "../clearance/clearances.ts";
import type { SigningDesk } from "../signing/signing-desk.ts";
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
  readonly signing: SigningDesk;
  readonly clearances: Clearances;
  readonly store: ContentStore;
  readonly guard: Guard;
  readonly containers: () => Promise<ContainerDriver | undefined>;
  /** `localhost:7340`. */
  readonly registry: string;
  readonly cacheDirectory: string;
  readonly owner: Principal;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OpenedCatalogs {
  readonly desk: CatalogDesk;
  readonly api: RegistryApi;
}

export function openCatalogs(options: OpenCatalogsOptions): OpenedCatalogs {
  const { config, catalogs, artifacts, guard, registry, clock, log } = options;
  const editing = new Mutex();
  const desk = new CatalogDesk({
    artifacts,
    guard,
    catalogs,
    registry,
    adds: new CatalogAdds({ ...options, probe: toolProbe(options), editing }),
    imports: new CatalogImports({ guard, cacheDirectory: options.cacheDirectory, clock, fetcher: fetch, editing }),
    publishing: new CatalogPublishing(options),
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
