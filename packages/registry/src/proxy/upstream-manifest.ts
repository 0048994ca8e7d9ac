// Manifests of upstreams on their way out: registry and repository are decided before the upstream hears of anything.
import { ociErrors, type Descriptor } from "@pratique/oci";
import { actOf, perform, permit, repositoryResource } from "../act.ts";
import { entityTag, hasAlready } from "../conditional.ts";
import { BASE_HEADERS, sendBytes, sendEmpty } from "../exchange.ts";
import { requireReference, tagContext } from "../manifest-download.ts";
import type { UpstreamExchange } from "./answer-upstream.ts";
import type { Staleness } from "./manifest-source.ts";

/** Lets only those on who may pull from the repository: nothing is asked upstream for anybody else. */
export function permitRepository({ parts, exchange, place }: UpstreamExchange, ref?: string): Promise<void> {
  const context = ref === undefined ? {} : tagContext(ref);
  return permit(parts.guard, actOf(exchange, "artifact:pull", repositoryResource(parts, place.name), context));
}

/**
 * `HEAD` answers with what a tag names, whatever policy thinks of the artifact: clients ask the digest first, and show
 * the reason of a denial only when it comes with a GET.
 */
export async function headUpstreamManifest(own: UpstreamExchange, ref: string): Promise<void> {
  const { exchange, place, pullThrough } = own;
  const reference = requireReference(ref);
  await permitRepository(own, reference);
  const found = await pullThrough.manifests.resolve(place, reference);
  if (found === undefined) throw ociErrors("manifest.not-found", { repository: place.local, reference });
  sayStale(own, found.stale);
  const headers = headersOf(found.descriptor);
  if (hasAlready(exchange.req.headers["if-none-match"], found.descriptor.digest)) {
    return sendEmpty(exchange.res, 304, headers);
  }
  exchange.res.writeHead(200, { ...BASE_HEADERS, ...headers, "Content-Length": String(found.descriptor.size) });
  exchange.res.end();
}

/** `GET`: decided twice, by name before the upstream is asked and over its evidence before anything of it is kept. */
export async function getUpstreamManifest(own: UpstreamExchange, ref: string): Promise<void> {
  const { exchange, parts, place, pullThrough } = own;
  const reference = requireReference(ref);
  await permitRepository(own, reference);
  const found = await pullThrough.manifests.obtain(place, reference);
  if (found === undefined) throw ociErrors("manifest.not-found", { repository: place.local, reference });
  const { descriptor, manifest, stale } = found;
  const artifact = await pullThrough.artifact(place, manifest, found.isCached);
  const act = actOf(exchange, "artifact:pull", artifact, tagContext(reference));
  await perform(parts.guard, act, async (note) => {
    const source = found.isCached ? "cache" : "upstream";
    note({ mediaType: descriptor.mediaType, source, ...(stale === undefined ? {} : { stale: { ...stale } }) });
    await pullThrough.manifests.keep(place, found, reference);
  });
  sayStale(own, stale);
  const headers = headersOf(descriptor);
  if (hasAlready(exchange.req.headers["if-none-match"], descriptor.digest))
    return sendEmpty(exchange.res, 304, headers);
  sendBytes(exchange, 200, manifest.bytes, headers);
}

function headersOf({ mediaType, digest }: Descriptor): Record<string, string> {
  return { "Content-Type": mediaType, "Docker-Content-Digest": digest, ETag: entityTag(digest) };
}

/** Says that an answer could not be checked upstream (RFC 9111 §5.1; the code of its predecessor RFC 7234 §5.5.1). */
export function sayStale({ exchange, parts, place }: UpstreamExchange, stale: Staleness | undefined): void {
  if (stale === undefined) return;
  const text = `${place.upstream.name} does not serve; this is what it said ${stale.ageSeconds} seconds ago`;
  exchange.res.setHeader("Warning", `110 pratique "${text}"`);
  exchange.res.setHeader("Age", String(stale.ageSeconds));
  parts.log.info("served from the cache, unchecked", { repository: place.local, reason: stale.reason });
}
