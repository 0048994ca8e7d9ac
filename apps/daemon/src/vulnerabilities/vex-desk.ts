// States that a vulnerability does not matter in an artifact, or does: a signed attestation that every scanner can read.
import type { Principal, VexAddRequest, VexAddResult } from "@pratique/contracts";
import { Mutex, type Clock, type JsonObject } from "@pratique/core";
import { attest, verifyArtifact, type SigningKey } from "@pratique/evidence";
import { allowedOrThrow, type Guard } from "@pratique/guard";
import {
  addVexStatement,
  isVexPredicate,
  OPENVEX_PREDICATE,
  parsePurl,
  purlMatches,
  type AdvisoryDatabase,
  type Inventory,
} from "@pratique/vulnerabilities";
import type { Artifacts } from "../artifacts/artifacts.ts";
import type { Found } from "../artifacts/find-artifact.ts";
import { scanErrors } from "./errors.ts";
import type { InventoryKeeper } from "./inventory-keeper.ts";

export interface VexDeskOptions {
  readonly artifacts: Artifacts;
  readonly inventory: Inventory;
  readonly keeper: Pick<InventoryKeeper, "ensure">;
  readonly advisories: () => AdvisoryDatabase | undefined;
  readonly guard: Guard;
  readonly key: SigningKey;
  readonly registry: string;
  readonly clock: Clock;
  readonly ids: () => string;
}

type Request = Omit<VexAddRequest, "packages"> & { readonly packages: readonly string[] };

export class VexDesk {
  readonly #options: VexDeskOptions;
  /** A statement is added to those before: two at a time would lose one. */
  readonly #line = new Mutex();

  constructor(options: VexDeskOptions) {
    this.#options = options;
  }

  /** Adds a statement to what the owner has stated of the artifact before. */
  async add(principal: Principal, request: Request): Promise<VexAddResult> {
    const { artifacts, guard, clock } = this.#options;
    const { status, justification, explanation, expires } = request;
    if (status === "not_affected" && justification === undefined && explanation === undefined) {
      throw scanErrors("vex.no-reason");
    }
    if (expires !== undefined && Date.parse(expires) <= clock.now().getTime()) {
      throw scanErrors("vex.bad-expiry", { expires });
    }
    const found = await artifacts.find(request.reference);
    await this.#checkPackages(found, request.packages);
    const details = { what: "vex", vulnerability: request.vulnerability, status };
    const act = { principal, action: "artifact:sign", resource: await artifacts.resource(found), details } as const;
    return allowedOrThrow(
      await guard.perform(act, () => this.#line.run(() => this.#attach(found, principal, request))),
    );
  }

  async #checkPackages({ repository, descriptor, reference }: Found, packages: readonly string[]): Promise<void> {
    if (packages.length === 0) return;
    const { inventory, keeper } = this.#options;
    await keeper.ensure(repository.name, descriptor.digest);
    const lists = await inventory.listings(repository.name, descriptor.digest);
    const there = lists.flatMap(({ listing }) => listing.components.flatMap(({ purl }) => parsePurl(purl) ?? []));
    for (const text of packages) {
      const wanted = parsePurl(text);
      const isThere = wanted !== undefined && there.some((one) => purlMatches(wanted, one));
      if (!isThere) throw scanErrors("vex.no-such-package", { package: text, reference });
    }
  }

  async #attach(
    { repository, descriptor, reference }: Found,
    author: Principal,
    request: Request,
  ): Promise<VexAddResult> {
    const { advisories, key, registry, clock, ids } = this.#options;
    const own = { keys: [{ name: "own", publicKeyPem: key.publicKeyPem }] };
    const { verified } = await verifyArtifact(repository, descriptor, own);
    const earlier = verified.find(({ predicateType }) => isVexPredicate(predicateType));
    const name = request.vulnerability.toUpperCase();
    const names = (advisories()?.namesOf(request.vulnerability) ?? []).filter((alias) => alias.toUpperCase() !== name);
    const last = repository.name.slice(repository.name.lastIndexOf("/") + 1);
    const place = encodeURIComponent(`${registry}/${repository.name}`);
    const predicate: JsonObject = addVexStatement(
      earlier?.predicate,
      {
        vulnerability: request.vulnerability,
        aliases: names,
        status: request.status,
        justification: request.justification,
        explanation: request.explanation,
        product: `pkg:oci/${last}@${descriptor.digest.replace(":", "%3A")}?repository_url=${place}`,
        subcomponents: request.packages,
        expires: request.expires,
      },
      {
        id: `https://openvex.dev/docs/public/pratique-${ids()}`,
        author: "name" in author ? author.name : author.id,
        time: clock.now().toISOString(),
      },
    );
    const predicateType = earlier?.predicateType ?? OPENVEX_PREDICATE;
    const attached = await attest(repository, descriptor, { predicateType, predicate }, key, clock);
    const { statements } = predicate;
    return {
      reference,
      digest: descriptor.digest,
      attestation: attached.digest,
      statements: Array.isArray(statements) ? statements.length : 0,
    };
  }
}
