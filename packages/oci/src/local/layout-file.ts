// `oci-layout` and `index.json` (image-spec, image-layout.md): one entry a tag, and one for a manifest without tags.
import { isDigest, parseJson, type Digest } from "@pratique/core";
import { z } from "zod";
import { Descriptor } from "../descriptor.schema.ts";
import { MEDIA_TYPES } from "../media-types.ts";
import { isTag } from "../reference.ts";
import type { Snapshot } from "./snapshot.ts";

export const LAYOUT_FILE = "oci-layout";
export const INDEX_FILE = "index.json";
export const LAYOUT_TEXT = '{"imageLayoutVersion":"1.0.0"}';

const REF_NAME = "org.opencontainers.image.ref.name";

const LayoutIndex = z.looseObject({ schemaVersion: z.literal(2), manifests: z.array(Descriptor) });

/** Which manifests a layout names, and under which tags. */
export interface LayoutEntries {
  readonly manifests: ReadonlyMap<Digest, Descriptor>;
  readonly tags: ReadonlyMap<string, Digest>;
}

/**
 * The bytes of `index.json`, manifests in the order they came.
 * oras finds referrers in a layout because untagged manifests are listed too. What is lost stays listed, so that it can
 * be found missing, and what it needs is kept for the day it is pushed again.
 */
export function encodeLayoutIndex(snapshot: Snapshot, lost?: LayoutEntries): string {
  const tags = new Map([...(lost?.tags ?? []), ...snapshot.tags]);
  const tagsOf = Map.groupBy(tags.keys(), (tag) => tags.get(tag));
  const descriptors = [...snapshot.manifests.values()].map(({ descriptor }) => descriptor);
  const entries = [...descriptors, ...(lost?.manifests.values() ?? [])].flatMap((descriptor): Descriptor[] => {
    const tags = tagsOf.get(descriptor.digest) ?? [];
    if (tags.length === 0) return [descriptor];
    return tags.map((tag) => ({ ...descriptor, annotations: { [REF_NAME]: tag } }));
  });
  return JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.imageIndex, manifests: entries });
}

/** Reads `index.json`. @throws `input.not-json`, ZodError */
export function decodeLayoutIndex(text: string): LayoutEntries {
  const { manifests } = LayoutIndex.parse(parseJson(text, INDEX_FILE));
  const found = new Map<Digest, Descriptor>();
  const tags = new Map<string, Digest>();
  for (const entry of manifests) {
    const tag = entry.annotations?.[REF_NAME];
    if (!isDigest(entry.digest)) continue;
    found.set(entry.digest, { mediaType: entry.mediaType, digest: entry.digest, size: entry.size });
    if (tag !== undefined && isTag(tag)) tags.set(tag, entry.digest);
  }
  return { manifests: found, tags };
}
