// What evidence and policy are told of an artifact's vulnerabilities.
import { setTimeout as delay } from "node:timers/promises";
import type { PackageComponent } from "@pratique/contracts";
import { describeError, type Clock, type Digest, type Log } from "@pratique/core";
import type { VulnerabilityAnswer, VulnerabilityOpinion, VulnerabilityQuestion } from "@pratique/evidence";
import { assess, readVex, type AdvisoryDatabase, type Inventory } from "@pratique/vulnerabilities";
import type { InventoryKeeper } from "./inventory-keeper.ts";
import { listOf } from "./list-artifact.ts";

export interface DaemonOpinionOptions {
  /** Undefined when it cannot be opened. */
  readonly advisories: () => AdvisoryDatabase | undefined;
  readonly inventory: Inventory;
  readonly keeper: Pick<InventoryKeeper, "ensure">;
  readonly registry: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Who pulls does not wait longer until an artifact has been looked through. */
const LOOK_MS = 3000;

interface KnownList {
  /** Undefined: nobody could say what is in it. */
  readonly components: readonly PackageComponent[] | undefined;
  readonly unread: number;
  readonly isSigned: boolean;
  /** The list is still being made. */
  readonly isProvisional?: boolean;
}

export class DaemonOpinion implements VulnerabilityOpinion {
  readonly #options: DaemonOpinionOptions;
  #said: { readonly version: string; readonly second: number; readonly text: string } | undefined;

  constructor(options: DaemonOpinionOptions) {
    this.#options = options;
  }

  version(): string {
    const database = this.#options.advisories();
    if (database === undefined) return "unavailable";
    const { version } = database;
    if (version === "none") return version;
    // Asked several times a request: data grows old by the day, so that a second's answer will do.
    const second = Math.floor(this.#options.clock.now().getTime() / 1000);
    if (this.#said?.version === version && this.#said.second === second) return this.#said.text;
    // Data that grows old without a change of its content answers otherwise.
    const { freshness } = database.status();
    const text = freshness === "current" ? version : `${version}+${freshness}`;
    this.#said = { version, second, text };
    return text;
  }

  async of(question: VulnerabilityQuestion): Promise<VulnerabilityAnswer & { readonly isProvisional?: boolean }> {
    const { advisories, registry, clock } = this.#options;
    const { digest, repository, sbom, vex } = question;
    const { isProvisional = false, ...list } =
      sbom === undefined ? await this.#known(repository, digest) : signedList(sbom);
    const database = advisories();
    const { facts, findings } = assess({
      ...list,
      database,
      isBroken: database === undefined,
      vex: vex.flatMap(({ predicate, signer }) => {
        const reading = readVex(predicate, signer.name);
        return reading === undefined ? [] : [{ ...reading, isOfSubject: true }];
      }),
      subject: { digests: [digest], repository, registry },
      now: clock.now(),
    });
    return {
      facts,
      findings,
      ...(facts.databaseVersion === undefined ? {} : { databaseVersion: facts.databaseVersion }),
      ...(isProvisional ? { isProvisional } : {}),
    };
  }

  /** What the inventory has, after a moment in which it may still come. */
  async #known(repository: string, digest: Digest): Promise<KnownList> {
    const { inventory, keeper, log } = this.#options;
    const ended = new AbortController();
    await Promise.race([
      keeper.ensure(repository, digest).catch((error: unknown) => {
        log.warn("an artifact was not looked through", { repository, digest, ...describeError(error) });
      }),
      delay(LOOK_MS, undefined, { ref: false, signal: ended.signal }).catch(() => undefined),
    ]);
    ended.abort();
    // Not there yet: it is being looked through, or an upstream's and still on its way.
    const isProvisional = (await inventory.table.artifact(repository, digest)) === undefined;
    const lists = await inventory.listings(repository, digest);
    if (lists.length === 0) {
      return { components: undefined, unread: 0, isSigned: false, isProvisional };
    }
    return {
      components: lists.flatMap(({ listing }) => listing.components),
      unread: lists.reduce((sum, { listing }) => sum + listing.unread.length, 0),
      isSigned: lists.every(({ listing }) => listing.origin === "attestation"),
    };
  }
}

function signedList(sbom: Parameters<typeof listOf>[0]): KnownList {
  const list = listOf(sbom);
  return { components: list?.components, unread: list?.unread.length ?? 0, isSigned: true };
}
