// Clearances: given, looked up by every enforcement point, given anew when their ground changed, and lost.
import { describeError, isDigest, SingleFlight, type Clock, type JsonObject, type Log } from "@pratique/core";
import {
  type ClearAllResult,
  type ClearanceConfig,
  type ClearanceEntry,
  type ClearanceList,
  type ClearResult,
  type Decision,
  type Evidence,
  type PolicyReason,
  type Principal,
  type UserPrincipal,
} from "@pratique/contracts";
import {
  ArtifactResources,
  clearArtifact,
  evidenceOf,
  type ActIntents,
  type ChangedGround,
  type ClearanceKeeper,
  type ClearOutcome,
  type EvidenceCache,
  type EvidenceGround,
  type NamedArtifact,
  type SigningKey,
  type Trust,
} from "@pratique/evidence";
import { allowedOrThrow, type Guard, type GuardResource } from "@pratique/guard";
import type { ContentStore } from "@pratique/oci";
import { kindOfManifest } from "@pratique/packaging";
import type { PolicySet } from "@pratique/policy";
import type { ClearanceRow, ClearanceTable } from "@pratique/store";
import { systemResource } from "../artifacts/artifacts.ts";
import { findArtifact, type Found } from "../artifacts/find-artifact.ts";
import { canClear, CHANGED, entryOf, keyOf, lossSentence, policiesOf } from "./clearance-entry.ts";

export interface ClearancesOptions {
  readonly store: ContentStore;
  readonly guard: Guard;
  readonly key: SigningKey;
  readonly trust: Trust;
  readonly cache: EvidenceCache;
  readonly ground: EvidenceGround;
  readonly policy: () => PolicySet;
  /** `localhost:7340`. */
  readonly registry: string;
  /** For whom it is decided anew when nobody asked. */
  readonly owner: UserPrincipal;
  readonly table: ClearanceTable;
  readonly intents: ActIntents;
  readonly config: ClearanceConfig;
  readonly emit: (type: "artifact.cleared" | "clearance.lost", data: JsonObject, repository: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** What an enforcement point needs to know, and to tell. */
export interface ClearedNow {
  readonly cleared: boolean;
  readonly reference: string;
  readonly digest: string;
  /** Who refuses it; none when nobody ever cleared it. */
  readonly policies: readonly PolicyReason[];
  /** One sentence, when it is not cleared. */
  readonly reason?: string;
  readonly remedy?: string;
  /** As policy sees it, `cleared` among its attributes. */
  readonly resource: GuardResource;
}

export class Clearances implements ClearanceKeeper {
  readonly #options: ClearancesOptions;
  readonly resources: ArtifactResources;
  readonly #deciding = new SingleFlight<void>();
  /** Where artifacts stand, as the table has it. */
  readonly #known = new Map<string, ClearanceRow>();

  constructor(options: ClearancesOptions) {
    this.#options = options;
    const { trust, cache, ground, registry, policy, guard, owner } = options;
    this.resources = new ArtifactResources({
      trust,
      cache,
      ground,
      registry,
      kindOf: kindOfManifest,
      policyDigest: () => policy().digest,
      decide: (resource) => guard.decide({ principal: owner, action: "artifact:clear", resource }),
      keeper: this,
    });
  }

  /** To be called before anything is decided. */
  async start(): Promise<void> {
    for (const row of await this.#options.table.list({ limit: Number.MAX_SAFE_INTEGER }))
      this.#known.set(keyOf(row), row);
  }

  find(reference: string): Promise<Found> {
    return findArtifact(this.#options.store, this.#options.registry, reference);
  }

  evidence({ repository, descriptor, kind }: Found): Promise<Evidence> {
    const { trust, cache, ground } = this.#options;
    return evidenceOf(repository, descriptor, kind, trust, cache, ground);
  }

  /** The artifact as policy sees it now. */
  resource({ repository, descriptor, reference }: Found): Promise<GuardResource> {
    return this.resources.of(repository, descriptor, reference);
  }

  /** The one question of enforcement points. Never true for what policy would not clear now. @throws `artifact.not-found` */
  async clearedNow(reference: string): Promise<ClearedNow> {
    const found = await this.find(reference);
    const resource = await this.resource(found);
    const { digest } = found.descriptor;
    const about = { reference: found.reference, digest, resource };
    if (resource.attributes?.["cleared"] === true && resource.isCurrent?.() !== false) {
      return { ...about, cleared: true, policies: [] };
    }
    const remedy = `pratique clear ${found.reference}`;
    const row = this.#known.get(keyOf({ repository: found.repository.name, digest }));
    if (row?.state !== "lost") return { ...about, cleared: false, policies: [], reason: "nobody cleared it", remedy };
    const policies = policiesOf(row);
    const helps = policies.flatMap((policy) => policy.remedy ?? []);
    return { ...about, cleared: false, policies, reason: lossSentence(row), remedy: [...helps, remedy].join("; ") };
  }

  async clear(principal: Principal | undefined, reference: string): Promise<ClearResult> {
    return this.#clearFound(principal, await this.find(reference));
  }

  async #clearFound(principal: Principal | undefined, found: Found): Promise<ClearResult> {
    const outcome = await this.#decideAnew(principal, { ...found }, undefined);
    const { decision, record, evidence, notable } = outcome;
    return {
      reference: found.reference,
      digest: found.descriptor.digest,
      kind: found.kind,
      cleared: outcome.cleared,
      decision,
      record,
      ...(outcome.cleared ? { clearance: outcome.clearance.digest } : {}),
      ...(!outcome.cleared && outcome.refusal !== undefined ? { refusal: outcome.refusal.digest } : {}),
      vulnerabilities: evidence.vulnerabilities,
      waivers: [...(evidence.waivers ?? [])],
      notable: [...notable],
    };
  }

  /** Decides again over all that was ever cleared. */
  async clearAll(principal: Principal): Promise<ClearAllResult> {
    const { guard } = this.#options;
    const act = { principal, action: "admin:read", resource: systemResource } as const;
    const rows = allowedOrThrow(await guard.perform(act, async () => [...this.#known.values()]));
    const renewed: ClearanceEntry[] = [];
    const lost: ClearanceEntry[] = [];
    let cleared = 0;
    for (const row of rows) {
      const found = await this.#foundOf(row);
      if (found === undefined) continue;
      const before = row.time;
      const standing = await this.resource(found);
      if (standing.attributes?.["cleared"] !== true) await this.#clearFound(principal, found);
      const now = this.#known.get(keyOf(row));
      if (now?.state !== "cleared") lost.push(entryOf(now ?? row));
      else {
        cleared += 1;
        if (now.time !== before) renewed.push(entryOf(now));
      }
    }
    return { cleared, renewed, lost };
  }

  async list(principal: Principal, onlyLost: boolean, isDeciding: boolean): Promise<ClearanceList> {
    const { guard, table } = this.#options;
    const outcome = await guard.perform({ principal, action: "admin:read", resource: systemResource }, async () => {
      const rows = await table.list(onlyLost ? { state: "lost" } : {});
      return { counts: this.counts(), clearances: rows.map(entryOf), isDeciding };
    });
    return allowedOrThrow(outcome);
  }

  counts(): { cleared: number; lost: number } {
    let lost = 0;
    for (const { state } of this.#known.values()) if (state === "lost") lost += 1;
    return { cleared: this.#known.size - lost, lost };
  }

  /** All that are known, for the background. */
  known(): readonly ClearanceRow[] {
    return [...this.#known.values()];
  }

  /** Looks again, and so renews or loses. Forgets what is no longer there. */
  async recheck(row: Pick<ClearanceRow, "repository" | "digest" | "reference">): Promise<void> {
    const found = await this.#foundOf(row);
    if (found === undefined) {
      this.#known.delete(keyOf(row));
      await this.#options.table.forget(row.repository, row.digest);
    } else await this.resource(found);
  }

  // ---- as the keeper that artifact resources tell

  async stands(artifact: NamedArtifact, evidence: Evidence): Promise<void> {
    const row = this.#rowOf(artifact, evidence);
    const known = this.#known.get(keyOf(row));
    if (known?.state === "cleared" && known.policyDigest === row.policyDigest) return;
    const verdict = evidence.clearances.find(({ policyDigest }) => policyDigest === row.policyDigest);
    await this.#quietly(artifact, () => this.#put({ ...row, state: "cleared", time: verdict?.time ?? row.time }));
    // It has back what it lost: the verdict of then counts again.
    if (known?.state === "lost") this.#emit("artifact.cleared", row, { clearance: verdict?.bundle ?? null });
  }

  async renew(artifact: NamedArtifact, evidence: Evidence, because: ChangedGround): Promise<void> {
    const { config, trust, key, owner } = this.#options;
    await this.#quietly(artifact, async () => {
      if (config.renew && canClear(key, trust)) await this.#decideAnew(owner, artifact, because);
      else await this.#lose({ ...this.#rowOf(artifact, evidence), because }, []);
    });
  }

  async lost(artifact: NamedArtifact, evidence: Evidence, because: ChangedGround, decision: Decision): Promise<void> {
    const row = this.#rowOf(artifact, evidence);
    const known = this.#known.get(keyOf(row));
    // The loss is recorded once; while it lasts, its reasons follow what is known.
    if (known?.state === "lost") {
      const reasons = JSON.stringify(decision.policies);
      if (known.reasons === reasons && known.policyDigest === row.policyDigest) return;
      const { policyDigest, databaseVersion } = row;
      await this.#quietly(artifact, () => this.#put({ ...known, policyDigest, databaseVersion, reasons }));
    } else {
      await this.#deciding.run(keyOf(row), () =>
        this.#quietly(artifact, () => this.#decideAnew(this.#options.owner, artifact, because)),
      );
    }
  }

  /** Whoever asks must get an answer: what could not be written is a matter for the log, and nothing is cleared by it. */
  async #quietly(artifact: NamedArtifact, task: () => Promise<unknown>): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.#options.log.warn("what became of a clearance could not be kept", {
        artifact: artifact.reference,
        ...describeError(error),
      });
    }
  }

  /** Decides, signs and records; then the index and the event follow. */
  async #decideAnew(
    principal: Principal | undefined,
    artifact: Pick<NamedArtifact, "repository" | "descriptor" | "kind" | "reference">,
    because: ChangedGround | undefined,
  ): Promise<ClearOutcome> {
    const { guard, policy, key, trust, cache, ground, registry, intents, config, owner } = this.#options;
    const { repository, descriptor, kind } = artifact;
    const place = { repository: repository.name, digest: descriptor.digest };
    const known = this.#known.get(keyOf(place))?.reference;
    const reference = because === undefined ? artifact.reference : (known ?? artifact.reference);
    const outcome = await clearArtifact({
      repo: repository,
      subject: descriptor,
      kind,
      reference,
      registry,
      principal,
      guard,
      policyDigest: policy().digest,
      key,
      trust,
      cache,
      ground,
      intents,
      ...(because === undefined ? {} : { because: `${CHANGED[because]} changed` }),
      ...(config.signRefusals ? { signRefusalsAs: owner } : {}),
    });
    const { decision, record, evidence } = outcome;
    const row = {
      ...place,
      reference,
      kind,
      policyDigest: decision.policyDigest,
      databaseVersion: evidence.vulnerabilities.databaseVersion ?? null,
      time: this.#options.clock.now().toISOString(),
      because: because ?? null,
      record,
    };
    if (outcome.cleared) {
      await this.#put({ ...row, state: "cleared", because: null, reasons: null });
      this.#emit("artifact.cleared", row, { clearance: outcome.clearance.digest });
      return outcome;
    }
    // Whoever may not clear takes nothing away; what was never cleared has nothing to lose.
    if (because !== undefined) await this.#lose(row, decision.policies);
    return outcome;
  }

  async #lose(row: Omit<ClearanceRow, "state" | "reasons">, policies: readonly PolicyReason[]): Promise<void> {
    const before = this.#known.get(keyOf(row));
    if (before?.state === "lost") return;
    await this.#put({ ...row, state: "lost", reasons: JSON.stringify(policies) });
    const refusing = policies.map(({ id, reason, remedy }) => ({
      id,
      ...(reason === undefined ? {} : { reason }),
      ...(remedy === undefined ? {} : { remedy }),
    }));
    this.#emit("clearance.lost", row, { because: row.because, policies: refusing });
    this.#options.log.warn("an artifact lost its clearance", {
      artifact: row.reference,
      because: row.because,
      policies: policies.map(({ id }) => id).join(" "),
    });
  }

  /** The row of an artifact as far as it follows from this moment. */
  #rowOf({ repository, descriptor, kind, reference }: NamedArtifact, evidence: Evidence): Omit<ClearanceRow, "state"> {
    const { policy, clock } = this.#options;
    const place = { repository: repository.name, digest: descriptor.digest };
    return {
      ...place,
      reference: this.#known.get(keyOf(place))?.reference ?? reference,
      kind,
      policyDigest: policy().digest,
      databaseVersion: evidence.vulnerabilities.databaseVersion ?? null,
      time: clock.now().toISOString(),
      because: null,
      reasons: null,
      record: null,
    };
  }

  async #put(row: ClearanceRow): Promise<void> {
    await this.#options.table.put(row);
    this.#known.set(keyOf(row), row);
  }

  #emit(
    type: "artifact.cleared" | "clearance.lost",
    row: Omit<ClearanceRow, "state" | "reasons">,
    more: JsonObject,
  ): void {
    const { reference, digest, kind, policyDigest, databaseVersion, record, repository } = row;
    const data = { reference, digest, kind, policyDigest, databaseVersion, record, ...more };
    this.#options.emit(type, data, repository);
  }

  async #foundOf(row: Pick<ClearanceRow, "repository" | "digest" | "reference">): Promise<Found | undefined> {
    const { registry, store } = this.#options;
    if (!isDigest(row.digest)) return undefined;
    const repository = store.repository(row.repository);
    const manifest = await repository.manifest(row.digest);
    if (manifest === undefined) return undefined;
    const reference = row.reference === "" ? `${registry}/${row.repository}@${row.digest}` : row.reference;
    return { repository, reference, descriptor: manifest.descriptor, kind: kindOfManifest(manifest) };
  }
}
