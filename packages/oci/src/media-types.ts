// The media types of manifests, layouts and well-known blobs (image-spec, media-types.md).

export const MEDIA_TYPES = {
  imageManifest: "application/vnd.oci.image.manifest.v1+json",
  imageIndex: "application/vnd.oci.image.index.v1+json",
  imageConfig: "application/vnd.oci.image.config.v1+json",
  layerTar: "application/vnd.oci.image.layer.v1.tar",
  layerTarGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  layerTarZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  /** Config or layer of an artifact that has none: the two bytes `{}`. */
  empty: "application/vnd.oci.empty.v1+json",
  /** Layers of cosign 2's signatures, at the tag `sha256-<hex>.sig`. */
  simpleSigning: "application/vnd.dev.cosign.simplesigning.v1+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
} as const;

/** Manifest types that a repository takes, in order of preference; also the `Accept` header of the client. */
export const MANIFEST_MEDIA_TYPES: readonly string[] = [
  MEDIA_TYPES.imageManifest,
  MEDIA_TYPES.imageIndex,
  MEDIA_TYPES.dockerManifest,
  MEDIA_TYPES.dockerManifestList,
];

const INDEXES: readonly string[] = [MEDIA_TYPES.imageIndex, MEDIA_TYPES.dockerManifestList];

/** True for the media type of an index (a list of manifests). */
export function isIndexMediaType(mediaType: string): boolean {
  return INDEXES.includes(mediaType);
}

/** True for the media type of any manifest that is supported here. */
export function isManifestMediaType(mediaType: string): boolean {
  return MANIFEST_MEDIA_TYPES.includes(mediaType);
}
