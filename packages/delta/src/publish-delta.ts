// Makes the deltas of an artifact against another one and hangs them on it.
import { digestOf, type Digest } from "@pratique/core";
import { MEDIA_TYPES, type Descriptor, type LocalRepository, type Manifest, type StoredBlob } from "@pratique/oci";
import { DELTA_LAYER_TYPE, EMPTY_CONFIG, encodeDeltaManifest, type LayerDelta } from "./delta-manifest.ts";
import { encodeDelta } from "./encode-delta.ts";
import { deltaErrors } from "./errors.ts";
import { pairLayers } from "./pair-layers.ts";

export interface PublishOptions {
  readonly repository: LocalRepository;
  readonly subject: Manifest;
  readonly base: { readonly repository: LocalRepository; readonly manifest: Manifest };
  readonly signal?: AbortSignal | undefined;
}

export interface PublishedDelta {
  readonly descriptor: Descriptor;
  readonly layers: readonly LayerDelta[];
}

/** A delta that saves less than this is not kept. */
const WORTH = 0.9;

/** @throws `delta.no-base`, `delta.not-smaller` */
export async function publishDelta(options: PublishOptions): Promise<PublishedDelta> {
  const { repository, subject, base } = options;
  const names = { reference: repository.name, base: base.repository.name };
  const pairs = pairLayers(base.manifest, subject);
  if (pairs.length === 0) throw deltaErrors("delta.no-base", names);
  const layers: LayerDelta[] = [];
  for (const pair of pairs) {
    const stored = await putDelta(options, pair.base.digest, pair.target.digest);
    if (stored.size > pair.target.size * WORTH) {
      await repository.deleteBlob(stored.digest);
      continue;
    }
    const delta = { mediaType: DELTA_LAYER_TYPE, ...stored };
    layers.push({ target: pair.target.digest, targetBytes: pair.target.size, base: pair.base.digest, delta });
  }
  if (layers.length === 0) throw deltaErrors("delta.not-smaller", names);
  await repository.putBlob(EMPTY_CONFIG);
  const bytes = encodeDeltaManifest(subject.descriptor, digestOf(EMPTY_CONFIG), layers);
  return { descriptor: await repository.putManifest(bytes, MEDIA_TYPES.imageManifest), layers };
}

/** Encoding reads both layers from end to end and back: they have to be files. */
async function putDelta({ repository, base, signal }: PublishOptions, from: Digest, to: Digest): Promise<StoredBlob> {
  const baseFile = await base.repository.localFile(from);
  try {
    const target = await repository.localFile(to);
    try {
      return await repository.putBlob(encodeDelta({ base: baseFile.path, target: target.path, signal }));
    } finally {
      target.release();
    }
  } finally {
    baseFile.release();
  }
}
