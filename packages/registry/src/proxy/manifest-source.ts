// Manifests of upstreams: from the cache while that is fresh, from upstream otherwise, from the cache again when that is down.
import { isDigest, isPratiqueError, SingleFlight, type Clock } from "@pratique/core";
import { isTag, parseManifest, type ContentStore, type Descriptor, type Manifest } from "@pratique/oci";
import { registryErrors } from "../errors.ts";
import type { BlobTransfers } from "./blob-transfers.ts";
import type { TagChecks } from "./tag-checks.ts";
import { UndecidedManifests } from "./undecided-manifests.ts";
import { isOutage } from "./upstream.ts";
import type { UpstreamPlace } from "./upstream-name.ts";

/** The upstream could not be asked; what is served was checked so long ago. */
export interface Staleness {
  readonly reason: string;
  readonly ageSeconds: number;
}

export interface Resolved {
  readonly descriptor: Descriptor;
  readonly stale?: Staleness | undefined;
}

export interface Obtained extends Resolved {
  readonly manifest: Manifest;
  readonly isCached: boolean;
}

export interface ManifestSourceOptions {
  readonly store: ContentStore;
  readonly checks: TagChecks;
  readonly transfers: BlobTransfers;
  readonly clock: Clock;
  /** So long an upstream has for an answer where a copy would do. */
  readonly patienceMs: number;
}

/** A configuration is a few KiB; larger ones than this are no reason to let anybody wait. */
const CONFIG_LIMIT_BYTES = 64 * 1024 * 1024;

export class ManifestSource {
  readonly #options: ManifestSourceOptions;
  readonly #resolving = new SingleFlight<Descriptor | undefined>();
  readonly #fetching = new SingleFlight<Manifest | undefined>();
  readonly #keeping = new SingleFlight<void>();
  readonly #undecided = new UndecidedManifests();

  constructor(options: ManifestSourceOptions) {
    this.#options = options;
  }

  /** What a tag or digest names now; undefined when the upstream has no such thing. */
  async resolve(place: UpstreamPlace, ref: string): Promise<Resolved | undefined> {
    const cached = await this.#options.store.repository(place.local).resolve(ref);
    if (isDigest(ref)) {
      const descriptor = cached ?? (await this.#look(place, ref));
      return descriptor === undefined ? undefined : { descriptor };
    }
    const check = await this.#options.checks.tag(place.local, ref);
    const ageMs = check === undefined ? undefined : this.#options.clock.now().getTime() - check.checkedAt;
    if (check !== undefined && ageMs !== undefined && ageMs < place.upstream.freshnessMs) return check;
    if (cached === undefined) {
      const descriptor = await this.#look(place, ref);
      return descriptor === undefined ? undefined : { descriptor };
    }
    try {
      const pause = place.upstream.pause;
      if (pause !== undefined) return { descriptor: cached, stale: { reason: pause, ageSeconds: seconds(ageMs) } };
      const descriptor = await place.upstream.askPatiently(() => this.#look(place, ref), this.#options.patienceMs);
      return descriptor === undefined ? undefined : { descriptor };
    } catch (error) {
      if (!isPratiqueError(error) || !isOutage(error)) throw error;
      return {
        descriptor: cached,
        stale: { reason: place.upstream.pause ?? error.message, ageSeconds: seconds(ageMs) },
      };
    }
  }

  /** A manifest by tag or digest, not yet in the cache when it comes from upstream. */
  async obtain(place: UpstreamPlace, ref: string): Promise<Obtained | undefined> {
    const resolved = isDigest(ref) ? undefined : await this.resolve(place, ref);
    if (isTag(ref) && resolved === undefined) return undefined;
    const digest = resolved?.descriptor.digest ?? ref;
    const cached = await this.#options.store.repository(place.local).manifest(digest);
    const manifest = cached ?? (await this.#fetch(place, digest));
    if (manifest === undefined) return undefined;
    return { descriptor: manifest.descriptor, manifest, isCached: cached !== undefined, stale: resolved?.stale };
  }

  /**
   * Takes an allowed manifest into the cache, and lets the tag name it. Its config comes with it, its layers when
   * somebody wants them, and of an index only the manifests that somebody wants.
   */
  async keep(place: UpstreamPlace, { manifest, isCached }: Obtained, ref: string): Promise<void> {
    const { digest } = manifest.descriptor;
    const repository = this.#options.store.repository(place.local);
    const tag = isTag(ref) ? ref : undefined;
    const isThere = isCached && (tag === undefined || (await repository.resolve(tag))?.digest === digest);
    if (isThere) return;
    await this.#keeping.run(`${place.local}:${ref}@${digest}`, async () => {
      await this.#keepConfig(place, manifest);
      const { bytes, mediaType } = manifest;
      if (!isCached) await this.#options.checks.came(place.local, digest);
      await repository.putManifest(bytes, mediaType, tag, { sparse: true, digest });
    });
  }

  async #keepConfig(place: UpstreamPlace, { bytes, mediaType }: Manifest): Promise<void> {
    const parsed = parseManifest(bytes, mediaType);
    if (parsed.type !== "image") return;
    const { config } = parsed.manifest;
    if ((await this.#options.store.repository(place.local).blobSize(config.digest)) !== undefined) return;
    if (config.size > CONFIG_LIMIT_BYTES) {
      const reason = `a config of ${config.size} bytes`;
      throw registryErrors("registry.upstream-corrupt", { upstream: place.upstream.name, reason });
    }
    await this.#options.transfers.of(place, config).begin().kept;
  }

  #look(place: UpstreamPlace, ref: string): Promise<Descriptor | undefined> {
    const { upstream, name, local } = place;
    return this.#resolving.run(`${local} ${ref}`, async () => {
      const found = await upstream.ask(() => upstream.repository(name).resolve(ref));
      if (isDigest(ref)) return found;
      if (found === undefined) await this.#options.checks.forgetTag(local, ref);
      else await this.#options.checks.looked(local, ref, found);
      return found;
    });
  }

  /** Others may ask while it is decided about: it came once, and is the same for all. */
  async #fetch({ upstream, name, local }: UpstreamPlace, digest: string): Promise<Manifest | undefined> {
    const key = `${local} ${digest}`;
    return (
      this.#undecided.get(key) ??
      this.#fetching.run(key, async () => {
        const manifest = await upstream.ask(() => upstream.repository(name).manifest(digest));
        if (manifest !== undefined) this.#undecided.set(key, manifest);
        return manifest;
      })
    );
  }
}

function seconds(ageMs: number | undefined): number {
  return Math.max(0, Math.round((ageMs ?? 0) / 1000));
}
