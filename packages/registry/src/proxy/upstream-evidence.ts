// An upstream's repository as evidence is read from it: what is cached, and what hangs there upstream.
import { describeError, isPratiqueError, readBounded, type Clock, type Digest, type Log } from "@pratique/core";
import {
  isTag,
  MEDIA_TYPES,
  parseManifest,
  type ContentStore,
  type Descriptor,
  type LocalRepository,
  type Manifest,
  type Repository,
} from "@pratique/oci";
import { Readable } from "node:stream";
import type { UpstreamPlace } from "./upstream-name.ts";

/** As much of a repository as evidence is read from. */
export type EvidenceSource = Pick<Repository, "name" | "referrers" | "manifest" | "openBlob">;

const LISTS_LIMIT = 2000;
const SMALL_BYTES = 16 * 1024 * 1024;

interface ReferrersList {
  readonly at: number;
  readonly referrers: readonly Descriptor[];
}

/** Referrers as upstreams list them, each looked up no more often than a tag is. */
export class UpstreamReferrers {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #patienceMs: number;
  readonly #lists = new Map<string, Promise<ReferrersList>>();

  constructor(clock: Clock, log: Log, patienceMs: number) {
    this.#clock = clock;
    this.#log = log;
    this.#patienceMs = patienceMs;
  }

  /**
   * Undefined when the upstream does not tell; then nothing more is known than what is cached. Of a subject that is
   * cached itself nobody waits long for the list.
   */
  async of(place: UpstreamPlace, subject: Digest, isCached: boolean): Promise<readonly Descriptor[] | undefined> {
    const key = `${place.local}@${subject}`;
    const now = this.#clock.now().getTime();
    const known = await this.#lists.get(key)?.catch(() => undefined);
    if (known !== undefined && now - known.at < place.upstream.freshnessMs) return known.referrers;
    if (isCached && place.upstream.pause !== undefined) return known?.referrers;
    const asked = this.#ask(place, subject, now);
    this.#lists.delete(key);
    this.#lists.set(key, asked);
    for (const oldest of this.#lists.keys()) {
      if (this.#lists.size <= LISTS_LIMIT) break;
      this.#lists.delete(oldest);
    }
    try {
      return (await (isCached ? place.upstream.askPatiently(() => asked, this.#patienceMs) : asked)).referrers;
    } catch (error) {
      if (this.#lists.get(key) === asked) this.#lists.delete(key);
      this.#log.debug("an upstream does not list referrers", { subject: key, ...describeError(error) });
      return known?.referrers;
    }
  }

  async #ask({ upstream, name }: UpstreamPlace, subject: Digest, at: number): Promise<ReferrersList> {
    const repository = upstream.repository(name);
    const referrers = await upstream.ask(() => repository.referrers(subject));
    // Where cosign 2 signs is no referrer: it is listed as if it were one, as evidence lists it.
    const tag = `${subject.replace(":", "-")}.sig`;
    const signatures = await quietly(() => upstream.ask(() => repository.resolve(tag)));
    if (signatures === undefined) return { at, referrers };
    return { at, referrers: [...referrers, { ...signatures, artifactType: MEDIA_TYPES.simpleSigning }] };
  }
}

export interface EvidenceParts {
  readonly store: ContentStore;
  readonly referrers: UpstreamReferrers;
}

/**
 * What `evidenceOf` reads. What it fetches on the way stays in the content store, so that the evidence of what is
 * cached is known when the upstream is down. Without a list from upstream there is less evidence, never other.
 */
export function upstreamEvidence(
  parts: EvidenceParts,
  place: UpstreamPlace,
  subject: Manifest,
  isCached: boolean,
): EvidenceSource {
  const { upstream, name, local } = place;
  const cached = parts.store.repository(local);
  const remote = upstream.repository(name);
  const blob = async (digest: Digest, limitBytes: number): Promise<Buffer> => {
    if ((await cached.blobSize(digest)) !== undefined) return readBounded(await cached.openBlob(digest), limitBytes);
    const bytes = await upstream.ask(async () => readBounded(await remote.openBlob(digest), limitBytes));
    await cached.putBlob(bytes, { digest });
    return bytes;
  };
  return {
    name,
    async referrers(digest) {
      const own = await cached.referrers(digest);
      const theirs = (await parts.referrers.of(place, digest, isCached)) ?? [];
      return [...new Map([...theirs, ...own].map((one) => [one.digest, one])).values()];
    },
    async manifest(ref) {
      if (ref === subject.descriptor.digest) return subject;
      const found = await cached.manifest(ref);
      // Which tags there are upstream is in its lists, which are kept: nothing is asked for each look.
      if (found !== undefined || isTag(ref)) return found;
      const fetched = await quietly(() => upstream.ask(() => remote.manifest(ref)));
      if (fetched !== undefined) await keepReferrer(cached, fetched, (digest) => blob(digest, SMALL_BYTES));
      return fetched;
    },
    openBlob: async (digest) => Readable.from([await blob(digest, SMALL_BYTES)]),
  };
}

/** Keeps a referrer with what it needs; that it cannot be kept is no reason not to read it. */
async function keepReferrer(
  cached: LocalRepository,
  { bytes, mediaType, descriptor }: Manifest,
  fetch: (digest: Digest) => Promise<Buffer>,
): Promise<void> {
  await quietly(async () => {
    const parsed = parseManifest(bytes, mediaType);
    if (parsed.type === "image") await fetch(parsed.manifest.config.digest);
    await cached.putManifest(bytes, mediaType, undefined, { sparse: true, digest: descriptor.digest });
  });
}

async function quietly<T>(task: () => Promise<T>): Promise<T | undefined> {
  try {
    return await task();
  } catch (error) {
    if (isPratiqueError(error)) return undefined;
    throw error;
  }
}
