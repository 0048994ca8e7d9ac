// The fallback for registries without the referrers API: an index under the tag `sha256-<hex>`
// (distribution-spec 1.1, "Unavailable Referrers API").
import { algorithmOf, hexOf, type Digest } from "@pratique/core";
import { isDeepStrictEqual } from "node:util";
import type { Descriptor } from "../descriptor.schema.ts";
import { parseManifest } from "../manifest.schema.ts";
import { MEDIA_TYPES } from "../media-types.ts";
import type { Manifest } from "../repository.ts";

const TAG_LIMIT = 128;

/** The tag that lists the referrers of a digest; hex is cut where a tag would be too long. */
export function referrersTag(subject: Digest): string {
  return `${algorithmOf(subject)}-${hexOf(subject)}`.slice(0, TAG_LIMIT);
}

/** What such an index lists; anything else under that tag lists nothing. */
export function readReferrersIndex(manifest: Manifest | undefined): readonly Descriptor[] {
  if (manifest === undefined || manifest.mediaType !== MEDIA_TYPES.imageIndex) return [];
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  return parsed.type === "index" ? parsed.manifest.manifests : [];
}

/** An entry is replaced, not doubled: others may have listed it without its artifact type. */
export function withReferrer(entries: readonly Descriptor[], referrer: Descriptor): readonly Descriptor[] {
  if (!entries.some(({ digest }) => digest === referrer.digest)) return [...entries, referrer];
  return entries.map((entry) => (entry.digest === referrer.digest ? referrer : entry));
}

export function withoutReferrer(entries: readonly Descriptor[], digest: Digest): readonly Descriptor[] {
  return entries.filter((entry) => entry.digest !== digest);
}

/** True when there is nothing to write. */
export function isSameList(one: readonly Descriptor[], other: readonly Descriptor[]): boolean {
  return isDeepStrictEqual(one, other);
}

/** The bytes of a new index. */
export function encodeReferrersIndex(entries: readonly Descriptor[]): Buffer {
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests: entries }));
}
