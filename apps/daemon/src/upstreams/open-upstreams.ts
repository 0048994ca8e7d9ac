// From `registry.upstreams` to the registries that are pulled through.
import type { Config } from "@pratique/contracts";
import { evidenceOf, type EvidenceCache, type EvidenceGround, type Trust } from "@pratique/evidence";
import type { Clock, Log } from "@pratique/core";
import type { ContentStore } from "@pratique/oci";
import { kindOfManifest } from "@pratique/packaging";
import { openPullThrough, type PullThrough, type UpstreamOptions } from "@pratique/registry";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { daemonErrors } from "../errors.ts";
import type { Home } from "../home.ts";
import { DEFAULT_UPSTREAMS } from "./default-upstreams.ts";
import { upstreamCredentials } from "./upstream-credentials.ts";

const FRESHNESS_MS = 10 * 60 * 1000;

export interface UpstreamsOptions {
  readonly config: Config["registry"];
  readonly home: Home;
  readonly store: ContentStore;
  readonly trust: Trust;
  readonly evidenceCache: EvidenceCache;
  readonly ground: EvidenceGround;
  readonly policyDigest: () => string;
  readonly clock: Clock;
  readonly log: Log;
}

/** @throws `upstream.ca-missing`, `upstream.credentials-missing`, `upstream.credentials-exposed` */
export async function openUpstreams(options: UpstreamsOptions): Promise<PullThrough> {
  const { config, home, store, trust, evidenceCache, ground, policyDigest, clock, log } = options;
  const isOnDisk = config.storage.type === "disk";
  return openPullThrough({
    upstreams: await configuredUpstreams(config.upstreams),
    store,
    // Below the store, so that a whole blob is taken over without being copied; no repository begins with a dot.
    partials: isOnDisk ? join(home.registry, ".pull-through") : join(home.cache, "pull-through"),
    checks: join(home.cache, "upstream-tags"),
    evidence: (source, manifest) =>
      evidenceOf(source, manifest.descriptor, kindOfManifest(manifest), trust, evidenceCache, ground),
    policyDigest,
    clock,
    log,
  });
}

async function configuredUpstreams(config: Config["registry"]["upstreams"]): Promise<UpstreamOptions[]> {
  const known = new Map(DEFAULT_UPSTREAMS.map((upstream) => [upstream.name, upstream]));
  const names = new Set([...known.keys(), ...Object.keys(config)]);
  const upstreams: UpstreamOptions[] = [];
  for (const name of names) {
    const own = config[name];
    if (own === false) continue;
    const before = known.get(name);
    const credentialsFile = own?.credentialsFile;
    // At the start, so that a mistake shows then and not at the first pull.
    if (credentialsFile !== undefined) await upstreamCredentials(credentialsFile);
    upstreams.push({
      name,
      url: new URL(own?.url ?? before?.url ?? `https://${name}`),
      ca: own?.ca === undefined ? undefined : await readAuthority(own.ca),
      credentials: credentialsFile === undefined ? undefined : () => upstreamCredentials(credentialsFile),
      freshnessMs: own?.freshness ?? FRESHNESS_MS,
      imageTypes: own?.imageTypes ?? before?.imageTypes ?? [],
    });
  }
  return upstreams;
}

async function readAuthority(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  if (!text.includes("BEGIN CERTIFICATE")) throw daemonErrors("upstream.ca-missing", { file });
  return text;
}
