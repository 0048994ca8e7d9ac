// How deltas hang on an artifact: a referrer whose layers are deltas, one for each layer that has one.
import { isDigest, type Digest } from "@pratique/core";
import { contentOf, MEDIA_TYPES, parseManifest, type Descriptor, type Manifest, type Repository } from "@pratique/oci";

export const DELTA_ARTIFACT_TYPE = "application/vnd.pratique.delta.v1";
export const DELTA_LAYER_TYPE = "application/vnd.pratique.delta.layer.v1";
const BASE = "dev.pratique.delta.base";
const TARGET = "dev.pratique.delta.target";

/** `{}` (image-spec, manifest.md, "Guidance for an Empty Descriptor"). */
export const EMPTY_CONFIG = Buffer.from("{}");

/** A layer that can be rebuilt instead of sent. */
export interface LayerDelta {
  readonly target: Digest;
  /** Bytes of the layer. */
  readonly targetBytes: number;
  readonly base: Digest;
  /** The delta's own blob. */
  readonly delta: Descriptor;
}

/** The bytes of a delta's manifest; equal deltas make equal bytes. */
export function encodeDeltaManifest(subject: Descriptor, empty: Digest, layers: readonly LayerDelta[]): Buffer {
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    artifactType: DELTA_ARTIFACT_TYPE,
    config: { mediaType: MEDIA_TYPES.empty, digest: empty, size: EMPTY_CONFIG.length },
    layers: layers.map(({ target, base, delta }) => ({
      mediaType: DELTA_LAYER_TYPE,
      digest: delta.digest,
      size: delta.size,
      annotations: { [BASE]: base, [TARGET]: target },
    })),
    subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    annotations: { [BASE]: [...new Set(layers.map(({ base }) => base))].join(" ") },
  };
  return Buffer.from(JSON.stringify(manifest));
}

/** The deltas that a repository has for the layers of an artifact. What is no sound delta is left out. */
export async function findDeltas(repository: Repository, subject: Manifest): Promise<LayerDelta[]> {
  const sizes = new Map(
    contentOf(parseManifest(subject.bytes, subject.mediaType)).map((one) => [one.digest, one.size]),
  );
  const found: LayerDelta[] = [];
  for (const { digest } of await repository.referrers(subject.descriptor.digest, DELTA_ARTIFACT_TYPE)) {
    const manifest = await repository.manifest(digest);
    if (manifest === undefined) continue;
    for (const layer of contentOf(parseManifest(manifest.bytes, manifest.mediaType))) {
      const { [BASE]: base = "", [TARGET]: target = "" } = layer.annotations ?? {};
      if (layer.mediaType !== DELTA_LAYER_TYPE || !isDigest(base) || !isDigest(target)) continue;
      const targetBytes = sizes.get(target);
      // One that is larger than what it makes is of no use, whatever it is.
      if (targetBytes === undefined || layer.size >= targetBytes) continue;
      found.push({ target, targetBytes, base, delta: layer });
    }
  }
  return found;
}
