// The Cedar entity of an artifact, made anew only when something that it rests on changed: then it is another object.
import type { Decision, Evidence, Kind } from "@pratique/contracts";
import { SingleFlight, type Digest } from "@pratique/core";
import type { GuardResource } from "@pratique/guard";
import type { Descriptor, Manifest, Repository } from "@pratique/oci";
import { artifactResource } from "./artifact-resource.ts";
import { clearanceState, type ChangedGround, type ClearanceState } from "./clearance-state.ts";
import { listEvidence } from "./cosign-legacy/legacy-tag.ts";
import type { EvidenceCache } from "./evidence-cache.ts";
import { readEvidence, type EvidenceGround, type EvidenceReading } from "./evidence-of.ts";
import type { Trust } from "./trust.ts";

const KEPT = 1000;
const DAY_MS = 86_400_000;
/** How often it is looked again when the ground changes under the look. */
const LOOKS = 3;

export interface ArtifactResourcesOptions {
  readonly trust: Trust;
  readonly cache: EvidenceCache;
  readonly ground: EvidenceGround;
  /** The registry's host. */
  readonly registry: string;
  readonly kindOf: (manifest: Manifest) => Kind;
  /** Of the policy set in force. */
  readonly policyDigest: () => string;
  /** What policy says to clearing it now; never throws. */
  readonly decide: (resource: GuardResource) => Decision;
  readonly keeper?: ClearanceKeeper;
}

/** An artifact in its repository, under the name that it is asked for. */
export interface NamedArtifact {
  readonly repository: Repository;
  readonly descriptor: Descriptor;
  readonly kind: Kind;
  readonly reference: string;
}

/** Told of what becomes of clearances, more than once of the same. None of it rejects. */
export interface ClearanceKeeper {
  stands(artifact: NamedArtifact, evidence: Evidence): Promise<void>;
  /** Policy would clear it now as it was: signs that, or not. Resolves when it stands. */
  renew(artifact: NamedArtifact, evidence: Evidence, because: ChangedGround): Promise<void>;
  lost(artifact: NamedArtifact, evidence: Evidence, because: ChangedGround, decision: Decision): Promise<void>;
}

interface Made {
  readonly referrers: string;
  readonly stamp: string;
  /** Milliseconds; what rests on the clock is right until then. */
  readonly until: number;
  readonly resource: GuardResource;
}

interface Standing extends Made {
  readonly reading: EvidenceReading;
  readonly state: ClearanceState;
}

export class ArtifactResources {
  readonly #options: ArtifactResourcesOptions;
  readonly #made = new Map<string, Made>();
  #stamped: { readonly parts: readonly string[]; readonly text: string } = { parts: [], text: "" };
  readonly #renewing = new SingleFlight<void>();

  constructor(options: ArtifactResourcesOptions) {
    this.#options = options;
  }

  /**
   * What enforcement points decide over. `cleared` is true only when a signed clearance stands and policy would clear it
   * now: one that was made on other grounds is made anew first, or is lost.
   */
  async of(repository: Repository, descriptor: Descriptor, reference?: string): Promise<GuardResource> {
    const { clock } = this.#options.ground;
    const name = reference ?? `${this.#options.registry}/${repository.name}@${descriptor.digest}`;
    const key = `${name} ${descriptor.digest}`;
    const stamp = this.#stamp();
    const referrers = listed(await listEvidence(repository, descriptor.digest));
    const made = this.#made.get(key);
    const isSame = made?.referrers === referrers && made.stamp === stamp;
    if (made !== undefined && isSame && clock.now().getTime() < made.until) return made.resource;
    const artifact = { repository, descriptor, kind: await this.#kindOf(repository, descriptor), reference: name };
    const { reading, state, referrers: listedAs, stamp: stampOfIt, until, resource } = await this.#settled(artifact);
    this.#made.delete(key);
    // What waits for its renewal is asked for again.
    if (reading.isSettled && state.state !== "renewable") {
      this.#made.set(key, { referrers: listedAs, stamp: stampOfIt, until, resource });
      for (const oldest of this.#made.keys()) {
        if (this.#made.size <= KEPT) break;
        this.#made.delete(oldest);
      }
    }
    return resource;
  }

  /** Where it stands, without making anything anew: for lists. */
  async standing(
    artifact: NamedArtifact,
  ): Promise<{ evidence: Evidence; state: ClearanceState; resource: GuardResource }> {
    const { reading, state, resource } = await this.#look(artifact);
    return { evidence: reading.evidence, state, resource };
  }

  async #settled(artifact: NamedArtifact): Promise<Standing> {
    const first = await this.#look(artifact);
    const renewed = await this.#told(artifact, first);
    if (!renewed) return first;
    const second = await this.#look(artifact);
    // It is not renewed twice in a row: one that cannot be made is none.
    if (second.state.state !== "renewable") await this.#told(artifact, second);
    return second;
  }

  /** Tells the keeper where it stands; true when it is worth another look. */
  async #told(artifact: NamedArtifact, { state, stamp, reading: { evidence } }: Standing): Promise<boolean> {
    const { keeper } = this.#options;
    // What changed again meanwhile is no ground for anything: guard refuses it, and the next to ask finds out.
    if (keeper === undefined || state.state === "none" || stamp !== this.#stamp()) return false;
    if (state.state === "cleared") await keeper.stands(artifact, evidence);
    if (state.state === "lost") await keeper.lost(artifact, evidence, state.because, state.decision);
    if (state.state !== "renewable") return false;
    const { because } = state;
    const { repository, descriptor } = artifact;
    // Several that ask at once get one clearance.
    await this.#renewing.run(`${repository.name}@${descriptor.digest}`, () =>
      keeper.renew(artifact, evidence, because),
    );
    return true;
  }

  async #look(artifact: NamedArtifact): Promise<Standing> {
    let standing = await this.#lookOnce(artifact);
    for (let again = 0; again < LOOKS && standing.stamp !== this.#stamp(); again++) {
      standing = await this.#lookOnce(artifact);
    }
    return standing;
  }

  async #lookOnce(artifact: NamedArtifact): Promise<Standing> {
    const { trust, cache, ground, registry, policyDigest, decide } = this.#options;
    const { repository, descriptor, kind, reference } = artifact;
    const stamp = this.#stamp();
    const named = { reference, policyDigest: policyDigest(), now: ground.clock.now(), registry };
    const referrers = listed(await listEvidence(repository, descriptor.digest));
    const reading = await readEvidence(repository, descriptor, kind, trust, cache, ground);
    const { evidence } = reading;
    const until = Math.min(
      reading.until,
      sameAgeUntil(evidence.created, named.now),
      sameAgeUntil(evidence.vulnerabilities.databaseTime, named.now),
    );
    const base = artifactResource(evidence, { ...named, cleared: false });
    const state = clearanceState(evidence, named.policyDigest, () => decide(base));
    const resource = artifactResource(evidence, { ...named, cleared: state.state === "cleared" });
    const isCurrent = (): boolean => this.#stamp() === stamp && ground.clock.now().getTime() < until;
    return { reading, state, referrers, stamp, until, resource: { ...resource, isCurrent } };
  }

  /** Names all that a resource rests on beside its referrers. Asked at every act: the same answer is the same string. */
  #stamp(): string {
    const { policyDigest, ground, trust } = this.#options;
    const parts = [policyDigest(), ground.opinion?.version() ?? "", ground.waivers?.version() ?? ""];
    for (const { name, publicKeyPem } of trust.keys) parts.push(name, publicKeyPem);
    const { parts: last, text } = this.#stamped;
    if (parts.length === last.length && parts.every((part, at) => part === last[at])) return text;
    this.#stamped = { parts, text: JSON.stringify(parts) };
    return this.#stamped.text;
  }

  async #kindOf(repository: Repository, descriptor: Descriptor): Promise<Kind> {
    const manifest = await repository.manifest(descriptor.digest);
    return manifest === undefined ? "image" : this.#options.kindOf(manifest);
  }
}

function listed(referrers: readonly { readonly digest: Digest }[]): string {
  return referrers.map(({ digest }) => digest).join(" ");
}

/** When its age in days is another one; at the latest in a day. */
function sameAgeUntil(created: string | undefined, now: Date): number {
  const born = created === undefined ? Number.NaN : Date.parse(created);
  const lived = now.getTime() - born;
  // What has no date, or one that is still to come, is as old tomorrow as it is now.
  return now.getTime() + (lived >= 0 ? DAY_MS - (lived % DAY_MS) : DAY_MS);
}
