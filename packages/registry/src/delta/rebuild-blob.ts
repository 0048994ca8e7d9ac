// `POST /v2/<name>/_pratique/delta/<digest>`: makes a blob from a delta and its base, both in this repository.
import { parseDigest, type Digest } from "@pratique/core";
import { rebuildLayer } from "@pratique/delta";
import { ociErrors } from "@pratique/oci";
import { actOf, perform, repositoryResource } from "../act.ts";
import { registryErrors } from "../errors.ts";
import { sendEmpty, type Exchange, type RegistryParts } from "../exchange.ts";

/**
 * The same act as a push of the blob. Query: `base` and `delta` (digests), `size` (bytes of the blob). Whoever has the
 * right to push here brings the delta; its base must be a blob of this very repository, so that nobody can learn
 * through a delta what another repository holds (mounting the base first is decided and recorded by itself).
 * @throws `blob.not-found`, `delta.invalid`, `delta.wrong-base`, `digest.mismatch`
 */
export async function rebuildBlob(parts: RegistryParts, exchange: Exchange, name: string, text: string): Promise<void> {
  const target = parseDigest(text);
  const base = digestParameter(exchange, "base");
  const delta = digestParameter(exchange, "delta");
  const targetBytes = sizeParameter(exchange, parts.limits.blobBytes);
  const details = { digest: target, base, delta };
  const act = actOf(exchange, "artifact:push", repositoryResource(parts, name), { details });
  await perform(parts.guard, act, async (note) => {
    const repository = parts.store.repository(name);
    for (const needed of [base, delta]) {
      if ((await repository.blobSize(needed)) === undefined) {
        throw ociErrors("blob.not-found", { digest: needed, repository: name });
      }
    }
    if ((await repository.blobSize(target)) === undefined) {
      const file = await repository.localFile(base);
      try {
        await rebuildLayer(repository, { target, targetBytes, delta: { digest: delta } }, file.path);
      } finally {
        file.release();
      }
    }
    note({ sizeBytes: targetBytes });
  });
  const location = `/v2/${name}/blobs/${target}`;
  sendEmpty(exchange.res, 201, { Location: location, "Docker-Content-Digest": target });
}

function digestParameter({ query }: Exchange, name: string): Digest {
  const value = query.get(name);
  if (value === null) throw registryErrors("registry.parameter-missing", { name });
  return parseDigest(value);
}

function sizeParameter({ query }: Exchange, limitBytes: number): number {
  const text = query.get("size") ?? "";
  const size = Number(text);
  if (!/^\d{1,16}$/.test(text) || size > limitBytes)
    throw registryErrors("registry.parameter-missing", { name: "size" });
  return size;
}
