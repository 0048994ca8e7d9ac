// Puts a cached base into a repository, and makes it anew when the cache is damaged.
import { isPratiqueError, type Log } from "@pratique/core";
import { MEDIA_TYPES, type LocalRepository } from "@pratique/oci";
import { packagingErrors } from "../errors.ts";
import { dropCachedBase, openLayer, type CachedBase } from "./base-cache.ts";
import type { PreparedBase } from "./base-image.ts";

export interface CachedAt {
  readonly base: CachedBase;
  readonly directory: string;
}

/** False when the cached layer has not the digest that it was cached with. */
async function storeLayer(repository: LocalRepository, { base, directory }: CachedAt): Promise<boolean> {
  const { digest, size } = base;
  if ((await repository.blobSize(digest)) !== undefined) return true;
  try {
    await repository.putBlob(openLayer(directory), { digest, size });
    return true;
  } catch (error) {
    if (isPratiqueError(error, "digest.mismatch") || isPratiqueError(error, "size.mismatch")) return false;
    throw error;
  }
}

/** @throws `base.unavailable` when it is damaged twice */
export async function placeBase(
  find: () => Promise<CachedAt>,
  o: { repository: LocalRepository; log: Log; runtime: string; env: readonly string[] },
): Promise<PreparedBase> {
  let found = await find();
  if (!(await storeLayer(o.repository, found))) {
    o.log.warn("cached base image is damaged; making it anew", { digest: found.base.digest });
    await dropCachedBase(found.directory);
    found = await find();
    if (!(await storeLayer(o.repository, found))) {
      throw packagingErrors("base.unavailable", { base: "debian", reason: "its cached layer is damaged" });
    }
  }
  const { description, architecture, digest, size, diffId, components, materials } = found.base;
  return {
    description,
    architecture,
    layers: [{ descriptor: { mediaType: MEDIA_TYPES.layerTarGzip, digest, size }, diffId }],
    runtime: o.runtime,
    env: o.env,
    components,
    materials,
  };
}
