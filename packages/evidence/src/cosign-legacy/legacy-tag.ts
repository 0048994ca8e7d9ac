// Where cosign 2 keeps signatures: a tag made of the digest (cosign, SIGNATURE_SPEC.md).
import { algorithmOf, hexOf, type Digest } from "@pratique/core";
import type { Descriptor } from "@pratique/oci";
import type { EvidenceSource } from "../verify.ts";

/** Given to the descriptor of a `.sig` manifest, which has no type of its own and refers to nothing. */
export const LEGACY_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";

export function legacyTagOf(digest: Digest): string {
  return `${algorithmOf(digest)}-${hexOf(digest)}.sig`;
}

/** Everything that may be evidence of an artifact: its referrers, and its `.sig` manifest as if it were one. */
export async function listEvidence(repo: EvidenceSource, digest: Digest): Promise<readonly Descriptor[]> {
  const [referrers, legacy] = await Promise.all([repo.referrers(digest), repo.manifest(legacyTagOf(digest))]);
  return legacy === undefined ? referrers : [...referrers, { ...legacy.descriptor, artifactType: LEGACY_TYPE }];
}

export function isLegacy({ artifactType }: Descriptor): boolean {
  return artifactType === LEGACY_TYPE;
}
