// The catalog in an artifact: one document, checked against its digest and its shape.
import { parseCatalog } from "@pratique/catalog";
import type { Catalog } from "@pratique/contracts";
import { readBounded } from "@pratique/core";
import type { Descriptor, Repository } from "@pratique/oci";
import { verifiedBlob } from "../archive/verified-blob.ts";
import { packagingErrors } from "../errors.ts";
import { readArtifact } from "../read-artifact.ts";
import { CATALOG_FILE, CATALOG_MEDIA_TYPES, LIMIT_CATALOG } from "./pack-catalog.ts";

/** @throws `artifact.missing`, `artifact.malformed`, `archive.damaged`, `catalog.invalid` */
export async function readCatalogArtifact(repository: Repository, ref: string): Promise<Catalog> {
  const info = await readArtifact(repository, ref);
  const malformed = (reason: string): Error =>
    packagingErrors("artifact.malformed", { reference: `${repository.name}@${ref}`, kind: info.kind, reason });
  if (info.kind !== "catalog") throw malformed("it is no catalog");
  return parseCatalog(await readCatalogBytes(repository, info.layers, malformed), CATALOG_FILE);
}

export async function readCatalogBytes(
  repository: Repository,
  layers: readonly Descriptor[],
  malformed: (reason: string) => Error,
): Promise<Buffer> {
  const [layer, ...others] = layers;
  if (layer?.mediaType !== CATALOG_MEDIA_TYPES.layer || others.length > 0) {
    throw malformed(`it must have one layer of type ${CATALOG_MEDIA_TYPES.layer}`);
  }
  if (layer.size > LIMIT_CATALOG) throw malformed("it is larger than 64 MiB");
  return await readBounded(verifiedBlob(repository, layer), LIMIT_CATALOG, CATALOG_FILE);
}
