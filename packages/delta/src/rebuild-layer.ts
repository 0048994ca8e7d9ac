// A layer of the local store, rebuilt. It is a blob only after its digest was found right.
import type { LocalRepository } from "@pratique/oci";
import { algorithmOf } from "@pratique/core";
import type { LayerDelta } from "./delta-manifest.ts";
import { rebuildDelta } from "./rebuild-delta.ts";

/**
 * @param repository has the delta's blob, and gets the layer
 * @param base path of the base @throws `delta.invalid`, `delta.wrong-base`, `digest.mismatch`
 */
export async function rebuildLayer(
  repository: LocalRepository,
  layer: Pick<LayerDelta, "target" | "targetBytes"> & { readonly delta: Pick<LayerDelta["delta"], "digest"> },
  base: string,
): Promise<void> {
  const { target, targetBytes } = layer;
  const delta = await repository.localFile(layer.delta.digest);
  try {
    const upload = await repository.startUpload(algorithmOf(target));
    try {
      await upload.append(rebuildDelta({ delta: delta.path, base, targetBytes }));
      await upload.commit(target);
    } catch (error) {
      await upload.cancel();
      throw error;
    }
  } finally {
    delta.release();
  }
}
