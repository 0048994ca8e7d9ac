// A catalog's file → an artifact with one layer: the catalog in its canonical form, so that equal lists have one digest.
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { encodeCatalog, parseCatalog } from "@pratique/catalog";
import type { Catalog } from "@pratique/contracts";
import { digestOf, hexOf, readBounded } from "@pratique/core";
import type { LocalRepository } from "@pratique/oci";
import { ANNOTATIONS, type ArtifactPlan } from "../artifact-plan.ts";
import { packagingErrors } from "../errors.ts";
import { packSource, type PackableSource, type Packed, type PackSourceOptions } from "../pack-source.ts";
import { readFileChunks, type SourceFile } from "../source-files.ts";

export const CATALOG_MEDIA_TYPES = {
  artifact: "application/vnd.pratique.catalog.v1+json",
  config: "application/vnd.pratique.catalog.config.v1+json",
  layer: "application/vnd.pratique.catalog.document.v1+json",
} as const;

export const CATALOG_FILE = "catalog.json";
/** The files that a person may write it in, best first. */
export const CATALOG_FILES = ["catalog.yaml", "catalog.yml", CATALOG_FILE] as const;
export const LIMIT_CATALOG = 64 * 1024 * 1024;

export interface CatalogSource {
  readonly catalog: Catalog;
}

/** @throws `artifact.unknown-kind` without a file, `artifact.unsafe-file`, `artifact.too-large`, the codes of catalog */
export async function readCatalogSource(directory: string): Promise<CatalogSource> {
  for (const name of CATALOG_FILES) {
    const absolute = join(directory, name);
    const found = await lstat(absolute).catch(() => undefined);
    if (found === undefined) continue;
    if (!found.isFile()) throw packagingErrors("artifact.unsafe-file", { path: name, type: "no plain file" });
    if (found.size > LIMIT_CATALOG) {
      throw packagingErrors("artifact.too-large", {
        directory,
        kind: "catalog",
        what: `${name} is larger than 64 MiB`,
      });
    }
    const file: SourceFile = { path: name, absolute, size: found.size, executable: false };
    const bytes = await readBounded(readFileChunks(file), LIMIT_CATALOG, name);
    return { catalog: parseCatalog(bytes, name) };
  }
  throw packagingErrors("artifact.unknown-kind", { directory });
}

export async function planCatalog({ catalog }: CatalogSource, repository: LocalRepository): Promise<ArtifactPlan> {
  const bytes = encodeCatalog(catalog);
  const layer = await repository.putBlob(bytes);
  const { name, title, version, description } = catalog;
  const head = { name, version, entries: catalog.entries.length, ...(title === undefined ? {} : { title }) };
  return {
    kind: "catalog",
    name,
    version,
    description: (description ?? title)?.replaceAll(/\s+/g, " ").slice(0, 300),
    licences: [],
    artifactType: CATALOG_MEDIA_TYPES.artifact,
    configMediaType: CATALOG_MEDIA_TYPES.config,
    config: () => JSON.stringify(head),
    layers: [{ mediaType: CATALOG_MEDIA_TYPES.layer, ...layer, annotations: { [ANNOTATIONS.title]: CATALOG_FILE } }],
    annotations: {},
    components: [{ type: "file", name: CATALOG_FILE, hashes: { sha256: hexOf(digestOf(bytes)) } }],
    materials: [{ uri: `file:${CATALOG_FILE}`, digest: { sha256: hexOf(digestOf(bytes)) }, name: CATALOG_FILE }],
    buildType: "https://pratique.dev/build-types/pack/catalog/v1",
  };
}

/** Packs a catalog that stands in no directory. */
export async function packCatalog(
  catalog: Catalog,
  options: PackSourceOptions,
): Promise<Packed & { readonly attached?: unknown }> {
  const plan: PackableSource["plan"] = (repository) => planCatalog({ catalog }, repository);
  return await packSource(
    { kind: "catalog", name: catalog.name, parameters: { catalog: catalog.name }, plan },
    options,
  );
}
