// Pull-through: upstream registries behind this one, each pull decided first, their content kept in the content store.
import type { Evidence } from "@pratique/contracts";
import { SingleFlight, type Clock, type Digest, type Log } from "@pratique/core";
import { artifactResource } from "@pratique/evidence";
import type { GuardResource } from "@pratique/guard";
import { contentOf, parseManifest, type ContentStore, type Descriptor, type Manifest } from "@pratique/oci";
import type { Route } from "../route.ts";
import { BlobTransfers } from "./blob-transfers.ts";
import { ManifestSource } from "./manifest-source.ts";
import { TagChecks } from "./tag-checks.ts";
import { Upstream, type UpstreamOptions, type UpstreamState } from "./upstream.ts";
import { upstreamEvidence, UpstreamReferrers, type EvidenceSource } from "./upstream-evidence.ts";
import { upstreamPlace, type UpstreamPlace } from "./upstream-name.ts";

export interface PullThroughOptions {
  readonly upstreams: readonly UpstreamOptions[];
  readonly store: ContentStore;
  /** Where partial blobs lie: on the content store's file system, when it has one. */
  readonly partials: string;
  /** Where it is kept which tags were looked up when. */
  readonly checks: string;
  readonly evidence: (source: EvidenceSource, manifest: Manifest) => Promise<Evidence>;
  /** Digest of the policy in force. */
  readonly policyDigest: () => string;
  readonly clock: Clock;
  readonly log: Log;
  /** So long an upstream has for an answer where a copy would do. Default 5 s. */
  readonly patienceMs?: number;
}

/** A blob of an upstream, with the manifests in the cache that need it. */
export interface NeededBlob {
  readonly descriptor: Descriptor;
  readonly by: readonly Manifest[];
}

/** A blob shared by more manifests than this is decided over the first ones. */
const NEEDED_BY_LIMIT = 32;

/** Opens the cache of upstreams: partial blobs of before are taken up again when somebody asks for them. */
export async function openPullThrough(options: PullThroughOptions): Promise<PullThrough> {
  const pullThrough = new PullThrough(options);
  await pullThrough.transfers.open();
  return pullThrough;
}

export class PullThrough {
  readonly transfers: BlobTransfers;
  readonly manifests: ManifestSource;
  readonly referrers: UpstreamReferrers;
  readonly #options: PullThroughOptions;
  readonly #upstreams: ReadonlyMap<string, Upstream>;
  readonly #checks: TagChecks;
  readonly #gathering = new SingleFlight<Evidence>();
  readonly #stop = new AbortController();

  constructor(options: PullThroughOptions) {
    const { store, clock, log } = options;
    const { signal } = this.#stop;
    this.#options = options;
    this.#upstreams = new Map(
      options.upstreams.map((upstream) => [upstream.name, new Upstream(upstream, { clock, log, signal })]),
    );
    this.#checks = new TagChecks(options.checks, clock);
    this.transfers = new BlobTransfers({ directory: options.partials, store, clock, log, signal });
    const { patienceMs = 5000 } = options;
    this.referrers = new UpstreamReferrers(clock, log, patienceMs);
    this.manifests = new ManifestSource({ store, checks: this.#checks, transfers: this.transfers, clock, patienceMs });
  }

  /** The upstream's repository that a request means; undefined for our own. @throws `registry.upstream-unknown` */
  place(route: Route, query: URLSearchParams, own: readonly (string | undefined)[]): UpstreamPlace | undefined {
    return upstreamPlace(route, query, { upstreams: this.#upstreams, own });
  }

  /** What a name may mean when nothing says whose it is. */
  places(name: string): { readonly list: readonly UpstreamPlace[]; readonly isOurs: boolean } {
    const route = { to: "tags", name } as const;
    const upstreams = this.#upstreams;
    const named = upstreamPlace(route, new URLSearchParams(), { upstreams, own: [] });
    if (named !== undefined) return { list: [named], isOurs: false };
    const list = [...upstreams.keys()].flatMap(
      (ns) => upstreamPlace(route, new URLSearchParams({ ns }), { upstreams, own: [] }) ?? [],
    );
    return { list, isOurs: true };
  }

  states(): UpstreamState[] {
    return [...this.#upstreams.values()].map(({ state }) => state);
  }

  /**
   * A manifest as policy sees it: its own evidence, or that of a signed index which lists it. What its name says of it
   * counts only when it came from the upstream: just now, or into the cache before.
   */
  async artifact(place: UpstreamPlace, manifest: Manifest, isCached = true): Promise<GuardResource> {
    const { descriptor } = manifest;
    const own = await this.#evidence(place, manifest, isCached);
    const covering = own.signers.length > 0 ? undefined : await this.#coveringEvidence(place, descriptor.digest);
    const isTheirs = !isCached || (await this.#checks.isFromUpstream(place.local, descriptor.digest));
    const known = isTheirs ? place.upstream.imageTypeOf(place.name) : undefined;
    const evidence: Evidence = { ...(covering ?? own), digest: descriptor.digest, kind: own.kind };
    return artifactResource(known === undefined ? evidence : { ...evidence, imageType: known }, {
      reference: `${place.upstream.name}/${place.name}@${descriptor.digest}`,
      policyDigest: this.#options.policyDigest(),
      now: this.#options.clock.now(),
      registry: place.upstream.name,
    });
  }

  #evidence(place: UpstreamPlace, manifest: Manifest, isCached: boolean): Promise<Evidence> {
    const { evidence, store } = this.#options;
    return this.#gathering.run(`${place.local}@${manifest.descriptor.digest}`, () =>
      evidence(upstreamEvidence({ store, referrers: this.referrers }, place, manifest, isCached), manifest),
    );
  }

  /** A signature over an index covers by digest what the index lists. */
  async #coveringEvidence(place: UpstreamPlace, digest: Digest): Promise<Evidence | undefined> {
    const repository = this.#options.store.repository(place.local);
    for (const facts of await repository.manifests()) {
      if (!facts.isIndex || !facts.content.has(digest)) continue;
      const index = await repository.manifest(facts.descriptor.digest);
      const evidence = index === undefined ? undefined : await this.#evidence(place, index, true);
      if (evidence !== undefined && evidence.signers.length > 0) return evidence;
    }
    return undefined;
  }

  /** A blob that manifests in the cache need: nothing else is fetched, or anybody could fill the disk. */
  async neededBlob({ local }: UpstreamPlace, digest: Digest): Promise<NeededBlob | undefined> {
    const repository = this.#options.store.repository(local);
    const by: Manifest[] = [];
    let descriptor: Descriptor | undefined;
    for (const facts of await repository.manifests()) {
      if (facts.isIndex || !facts.content.has(digest) || by.length >= NEEDED_BY_LIMIT) continue;
      const manifest = await repository.manifest(facts.descriptor.digest);
      if (manifest === undefined) continue;
      by.push(manifest);
      descriptor ??= contentOf(parseManifest(manifest.bytes, manifest.mediaType)).find((one) => one.digest === digest);
    }
    return descriptor === undefined ? undefined : { descriptor, by };
  }

  /** Breaks transfers off; what came is taken up again another time. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.transfers.settled();
    for (const upstream of this.#upstreams.values()) upstream.close();
  }
}
