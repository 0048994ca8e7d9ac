// The media types and annotations of cosign 3's signature manifests (supply-chain reference §2.1).
import { MEDIA_TYPES } from "@pratique/oci";

export const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
export const IN_TOTO_TYPE = "application/vnd.in-toto+json";

export const CONTENT_ANNOTATION = "dev.sigstore.bundle.content";
export const PREDICATE_ANNOTATION = "dev.sigstore.bundle.predicateType";
export const CREATED_ANNOTATION = "org.opencontainers.image.created";

const BUNDLE_V03 = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.3\+json|\+json;version=0\.3)$/;

/** True for the media type of a bundle in the version that cosign 3 reads. */
export function isBundleType(mediaType: string): boolean {
  return BUNDLE_V03.test(mediaType);
}

/**
 * True when a referrer with this `artifactType` may be a bundle, so that its manifest is worth reading.
 * Fallback indexes written by cosign give the empty config's type instead (reference §2.2).
 */
export function mayBeBundle(artifactType: string | undefined): boolean {
  return artifactType === undefined || artifactType === MEDIA_TYPES.empty || isBundleType(artifactType);
}
