// The Cedar entity of an artifact, made anew only when something that it rests on changed: then it is another object.
import type { Evidence, Kind } from "@pratique/contracts";
import type { Clock } from "@pratique/core";
import type { GuardResource } from "@pratique/guard";
import type { Descriptor, Manifest, Repository } from "@pratique/oci";
import { artifactResource } from "./artifact-resource.ts";
import type { EvidenceCache } from "./evidence-cache.ts";
import { evidenceOf } from "./evidence-of.ts";
import type { Trust } from "./trust.ts";

const KEPT = 1000;
const DAY_MS = 86_400_000;

export interface ArtifactResourcesOptions {
  readonly trust: Trust;
  readonly cache: EvidenceCache;
  readonly clock: Clock;
  /** The registry's host. */
  readonly registry: string;
  readonly kindOf: (manifest: Manifest) => Kind;
  /** Of the policy set in force. */
  readonly policyDigest: () => string;
}

interface Made {
  readonly referrers: string;
  readonly policyDigest: string;
  /** Milliseconds; its age in days is right until then. */
  readonly until: number;
  readonly resource: GuardResource;
}

export class ArtifactResources {
  readonly #options: ArtifactResourcesOptions;
  readonly #made = new Map<string, Made>();

  constructor(options: ArtifactResourcesOptions) {
    this.#options = options;
  }

  async of(repository: Repository, descriptor: Descriptor): Promise<GuardResource> {
    const { clock, registry } = this.#options;
    const reference = `${registry}/${repository.name}@${descriptor.digest}`;
    const policyDigest = this.#options.policyDigest();
    const referrers = (await repository.referrers(descriptor.digest)).map(({ digest }) => digest).join(" ");
    const now = clock.now();
    const made = this.#made.get(reference);
    const isSame = made?.referrers === referrers && made.policyDigest === policyDigest;
    if (made !== undefined && isSame && now.getTime() < made.until) return made.resource;
    const evidence = await this.#evidence(repository, descriptor);
    const resource = artifactResource(evidence, { reference, policyDigest, now, registry });
    this.#made.delete(reference);
    // What was missing may come without a change of the list.
    if (evidence.rejected.every(({ reason }) => reason !== "missing")) {
      this.#made.set(reference, { referrers, policyDigest, until: sameAgeUntil(evidence.created, now), resource });
      for (const oldest of this.#made.keys()) {
        if (this.#made.size <= KEPT) break;
        this.#made.delete(oldest);
      }
    }
    return resource;
  }

  async #evidence(repository: Repository, descriptor: Descriptor): Promise<Evidence> {
    const { trust, cache, kindOf } = this.#options;
    const manifest = await repository.manifest(descriptor.digest);
    return evidenceOf(repository, descriptor, manifest === undefined ? "image" : kindOf(manifest), trust, cache);
  }
}

/** When its age in days is another one; at the latest in a day. */
function sameAgeUntil(created: string | undefined, now: Date): number {
  const born = created === undefined ? Number.NaN : Date.parse(created);
  const lived = now.getTime() - born;
  return now.getTime() + (lived >= 0 ? DAY_MS - (lived % DAY_MS) : Number.isNaN(lived) ? DAY_MS : 0);
}
