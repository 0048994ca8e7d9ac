// Signatures and clearances that were begun: at the start each is found recorded, recorded now, or taken back.
import { describeError, isDigest, type Clock, type Digest, type Log } from "@pratique/core";
import { Principal } from "@pratique/contracts";
import { verifyArtifact, type ActIntent, type ActIntents, type Trust } from "@pratique/evidence";
import type { Guard } from "@pratique/guard";
import type { ActIntentRow, ActIntentTable, RecordTable } from "@pratique/store";
import { z } from "zod";
import type { Found } from "../artifacts/find-artifact.ts";
import type { GuardResource } from "@pratique/guard";

const Intent = z.strictObject({
  action: z.enum(["artifact:clear", "artifact:sign"]),
  principal: Principal,
  repository: z.string(),
  digest: z.string().refine((text): text is Digest => isDigest(text)),
  reference: z.string(),
  predicateType: z.string(),
});

const CREATED = "org.opencontainers.image.created";

export interface BegunActsOptions {
  readonly table: ActIntentTable;
  readonly records: Pick<RecordTable, "find">;
  readonly trust: Trust;
  readonly guard: Guard;
  readonly registry: string;
  readonly find: (reference: string) => Promise<Found>;
  readonly resource: (found: Found) => Promise<GuardResource>;
  readonly clock: Clock;
  readonly log: Log;
  readonly ids: () => string;
}

export class BegunActs implements ActIntents {
  readonly #options: BegunActsOptions;

  constructor(options: BegunActsOptions) {
    this.#options = options;
  }

  async begin(intent: ActIntent): Promise<string> {
    const { table, clock, ids } = this.#options;
    const id = ids();
    await table.insert({ id, time: clock.now().toISOString(), body: JSON.stringify(intent) });
    return id;
  }

  async end(id: string): Promise<void> {
    await this.#options.table.delete(id);
  }

  /**
   * To be called before anything is served. What a killed daemon signed without a record is decided again, for the same
   * principal: allowed, it is recorded now; denied, it is taken away. Nothing stands that no record tells of.
   */
  async settle(): Promise<void> {
    const { table, log } = this.#options;
    for (const row of await table.list()) {
      try {
        await this.#settleOne(row);
        await table.delete(row.id);
      } catch (error) {
        // It stays, and is looked at again at the next start.
        log.warn("an act that was begun could not be settled", { act: row.id, ...describeError(error) });
      }
    }
  }

  async #settleOne(row: ActIntentRow): Promise<void> {
    const { guard, find, trust, registry, resource, log } = this.#options;
    const intent = Intent.safeParse(JSON.parse(row.body)).data;
    if (intent === undefined) return;
    const { action, principal, repository, digest, predicateType } = intent;
    const found = await find(`${registry}/${repository}@${digest}`).catch(() => undefined);
    if (found === undefined) return;
    const { verified } = await verifyArtifact(found.repository, found.descriptor, trust);
    // Others may have signed before it, and elsewhere: only what was attached since it was begun can be it.
    const standing = verified.filter(
      (statement) =>
        statement.predicateType === predicateType && (statement.referrer.annotations?.[CREATED] ?? "") >= row.time,
    );
    const recorded = await this.#recorded(action, digest);
    const strays = standing.filter(({ referrer }) => !recorded.has(referrer.digest));
    for (const { referrer } of strays) {
      const details = { [detailOf(action)]: referrer.digest, begun: row.time };
      const about = await resource(found);
      const outcome = await guard.perform({ principal, action, resource: about, details }, async () => undefined);
      log.warn("a signature without a record was found", { artifact: intent.reference, kept: outcome.allowed });
      if (!outcome.allowed) await found.repository.deleteManifest(referrer.digest);
    }
  }

  /** Manifests that records of this act on this artifact name. */
  async #recorded(action: ActIntent["action"], digest: Digest): Promise<Set<string>> {
    const records = await this.#options.records.find({ action, digest, limit: 10_000 });
    return new Set(
      records.flatMap(({ body }) => {
        const named = z.looseObject({ details: z.record(z.string(), z.unknown()) }).safeParse(JSON.parse(body)).data;
        const value = named?.details[detailOf(action)];
        return typeof value === "string" ? [value] : [];
      }),
    );
  }
}

/** Under which name a record says what was signed. */
function detailOf(action: ActIntent["action"]): string {
  return action === "artifact:clear" ? "clearance" : "signature";
}
