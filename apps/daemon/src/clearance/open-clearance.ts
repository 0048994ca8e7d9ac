// Puts together what keeps clearances: waivers, the index, the background, and what a crash left begun.
import type { ClearanceConfig, UserPrincipal } from "@pratique/contracts";
import type { Clock, JsonObject, Log } from "@pratique/core";
import type { EvidenceCache, EvidenceGround, SigningKey, Trust, VulnerabilityOpinion } from "@pratique/evidence";
import type { Guard } from "@pratique/guard";
import type { ContentStore } from "@pratique/oci";
import type { PolicySet } from "@pratique/policy";
import type { Database } from "@pratique/store";
import { findArtifact } from "../artifacts/find-artifact.ts";
import { ClearanceBackground } from "./background.ts";
import { BegunActs } from "./begun-acts.ts";
import { Clearances } from "./clearances.ts";
import { WaiverDesk } from "./waiver-desk.ts";

export interface OpenClearanceOptions {
  readonly database: Pick<Database, "clearances" | "waivers" | "actIntents" | "records">;
  readonly store: ContentStore;
  readonly guard: Guard;
  readonly key: SigningKey;
  readonly trust: Trust;
  readonly cache: EvidenceCache;
  readonly opinion: VulnerabilityOpinion | undefined;
  readonly policy: () => PolicySet;
  readonly registry: string;
  readonly owner: UserPrincipal;
  readonly config: ClearanceConfig;
  readonly emit: (type: "artifact.cleared" | "clearance.lost", data: JsonObject, repository: string) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: () => string;
}

export interface Clearing {
  readonly clearances: Clearances;
  readonly waivers: WaiverDesk;
  readonly background: ClearanceBackground;
  /** What evidence rests on besides the artifact. */
  readonly ground: EvidenceGround;
  readonly intents: BegunActs;
}

/** To be called before anything is served: settles what a crash left begun. */
export async function openClearance(options: OpenClearanceOptions): Promise<Clearing> {
  const { database, store, guard, key, trust, cache, opinion, policy, registry, owner, config, clock, log, ids } =
    options;
  const find = (reference: string) => findArtifact(store, registry, reference);
  const parts: { clearances?: Clearances; background?: ClearanceBackground } = {};
  const resource = async (found: Awaited<ReturnType<typeof find>>) => {
    if (parts.clearances === undefined) throw new Error("clearances are not there yet");
    return await parts.clearances.resource(found);
  };
  const waivers = await WaiverDesk.open({
    table: database.waivers,
    key,
    trust,
    guard,
    registry,
    longestDays: config.longestWaiver,
    find,
    resource,
    onChange: () => parts.background?.notify(),
    clock,
    log,
    ids,
  });
  const ground: EvidenceGround = { opinion, waivers, clock };
  const intents = new BegunActs({
    table: database.actIntents,
    records: database.records,
    trust,
    guard,
    registry,
    find,
    resource,
    clock,
    log,
    ids,
  });
  const clearances = new Clearances({
    store,
    guard,
    key,
    trust,
    cache,
    ground,
    policy,
    registry,
    owner,
    table: database.clearances,
    intents,
    config,
    emit: options.emit,
    clock,
    log,
  });
  parts.clearances = clearances;
  await clearances.start();
  await intents.settle();
  const background = new ClearanceBackground({
    clearances,
    store,
    stamp: () => `${policy().digest} ${opinion?.version() ?? ""} ${waivers.version()}`,
    log,
  });
  parts.background = background;
  return { clearances, waivers, background, ground, intents };
}
