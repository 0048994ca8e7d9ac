// Where cosign 2 keeps signatures: a tag made of the digest (cosign, SIGNATURE_SPEC.md).
import { algorithmOf, hexOf, type Digest } from "@pratique/core";
import { MEDIA_TYPES, type Descriptor } from "@pratique/oci";
import type { EvidenceSource } from "../verify.ts";

/** Given to the descriptor of a `.sig` manifest, which has no type of its own and refers to nothing. */
export const LEGACY_TYPE = MEDIA_TYPES.simpleSigning;

export function legacyTagOf(digest: Digest): string {
  return `${algorithmOf(digest)}-${hexOf(digest)}.sig`;
}

/**
 * Everything that may be evidence of an artifact: its referrers, and its `.sig` manifest as if it were one. A source
 * that keeps lists (an upstream's) may list it so itself.
 */
export async function listEvidence(repo: EvidenceSource, digest: Digest): Promise<readonly Descriptor[]> {
  const [referrers, legacy] = await Promise.all([repo.referrers(digest), repo.manifest(legacyTagOf(digest))]);
  if (legacy === undefined || referrers.some((one) => one.digest === legacy.descriptor.digest)) return referrers;
  return [...referrers, { ...legacy.descriptor, artifactType: LEGACY_TYPE }];
}

export function isLegacy({ artifactType }: Descriptor): boolean {
  return artifactType === LEGACY_TYPE;
}
