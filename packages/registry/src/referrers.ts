// `GET /v2/<name>/referrers/<digest>` (end-12a, 12b): what hangs on a manifest, whether or not that is here.
import { isDigest, parseDigest } from "@pratique/core";
import { MANIFEST_LIMIT_BYTES, MEDIA_TYPES, type Descriptor } from "@pratique/oci";
import { actOf, perform, repositoryResource } from "./act.ts";
import { sendBytes, type Exchange, type RegistryParts } from "./exchange.ts";

/** A page must be a manifest that clients take; some room is left for what surrounds the list. */
const PAGE_BYTES = MANIFEST_LIMIT_BYTES - 1024;

export async function listReferrers(
  parts: RegistryParts,
  exchange: Exchange,
  name: string,
  text: string,
): Promise<void> {
  const digest = parseDigest(text);
  const artifactType = exchange.query.get("artifactType");
  const after = exchange.query.get("last");
  const act = actOf(exchange, "artifact:pull", repositoryResource(parts, name), {
    details: { listed: "referrers", digest },
  });
  const all = await perform(parts.guard, act, () =>
    parts.store.repository(name).referrers(digest, artifactType ?? undefined),
  );
  const { items, next } = pageOf(all, after);
  const query = new URLSearchParams({ ...(artifactType === null ? {} : { artifactType }), last: next ?? "" });
  const body = { schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests: items };
  sendBytes(exchange, 200, Buffer.from(JSON.stringify(body)), {
    "Content-Type": MEDIA_TYPES.imageIndex,
    ...(artifactType === null ? {} : { "OCI-Filters-Applied": "artifactType" }),
    ...(next === undefined ? {} : { Link: `</v2/${name}/referrers/${digest}?${query.toString()}>; rel="next"` }),
  });
}

/** In order of digests, so that a page can begin after one although others come and go. */
export function pageOf(
  all: readonly Descriptor[],
  after: string | null,
  pageBytes = PAGE_BYTES,
): { items: Descriptor[]; next: string | undefined } {
  const ordered = all.toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  const rest = after !== null && isDigest(after) ? ordered.filter(({ digest }) => digest > after) : ordered;
  const items: Descriptor[] = [];
  let bytes = 0;
  for (const descriptor of rest) {
    bytes += Buffer.byteLength(JSON.stringify(descriptor)) + 1;
    // One descriptor alone always fits: its annotations came inside a manifest of that size.
    if (items.length > 0 && bytes > pageBytes) return { items, next: items.at(-1)!.digest };
    items.push(descriptor);
  }
  return { items, next: undefined };
}
