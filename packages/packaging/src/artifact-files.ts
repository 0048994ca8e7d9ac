// The files of an artifact's directory form, one after another, checked: names, types, number, size.
import type { Descriptor, Repository } from "@pratique/oci";
import { gunzipStream } from "./archive/gzip.ts";
import { readTar, type ArchiveLimits } from "./archive/tar-reader.ts";
import { verifiedBlob } from "./archive/verified-blob.ts";
import { CATALOG_FILE } from "./catalog/pack-catalog.ts";
import { readCatalogBytes } from "./catalog/read-catalog.ts";
import { packagingErrors } from "./errors.ts";
import { LAYER_ANNOTATION } from "./mcp-server/server-labels.ts";
import { readPolicyFiles } from "./policy/read-policy.ts";
import type { ArtifactInfo } from "./read-artifact.ts";

export interface ArtifactFile {
  readonly path: string;
  readonly executable: boolean;
  readonly body: AsyncIterable<Uint8Array>;
}

const APP_ARCHIVE: ArchiveLimits = { maxEntries: 1000, maxBytes: 256 * 1024 * 1024 };

async function* archiveFiles(
  repository: Repository,
  layer: Descriptor,
  limits: ArchiveLimits,
): AsyncGenerator<ArtifactFile> {
  const blob = verifiedBlob(repository, layer);
  for await (const entry of readTar(gunzipStream(blob), limits)) {
    if (entry.type !== "file") continue;
    yield { path: entry.path, executable: (entry.mode & 0o100) !== 0, body: entry.body };
  }
}

/**
 * Yields an artifact's files; each body must be read before the next file is asked for.
 * @throws `artifact.not-unpackable`, `archive.unsafe`, `archive.too-large`, `archive.damaged`, `artifact.malformed`
 */
export async function* filesOf(repository: Repository, info: ArtifactInfo): AsyncGenerator<ArtifactFile> {
  const reference = `${repository.name}@${info.descriptor.digest}`;
  switch (info.kind) {
    case "model":
      for (const file of (await info.model()).files) {
        yield { path: file.path, executable: (file.mode & 0o100) !== 0, body: file.open() };
      }
      return;
    case "agent":
      yield { path: info.fileName, executable: false, body: only(Buffer.from(info.yaml)) };
      return;
    case "skill":
      for (const { path, executable, bytes } of (await info.content()).files) {
        yield { path: `${info.skill.name}/${path}`, executable, body: only(bytes) };
      }
      return;
    case "mcp-server": {
      const layer = info.layers.find(({ annotations }) => annotations?.[LAYER_ANNOTATION] === "app");
      if (layer === undefined) throw packagingErrors("artifact.not-unpackable", { reference, kind: "foreign image" });
      yield* archiveFiles(repository, layer, APP_ARCHIVE);
      return;
    }
    case "policy": {
      const malformed = (reason: string): Error =>
        packagingErrors("artifact.malformed", { reference, kind: info.kind, reason });
      for (const { path, bytes } of await readPolicyFiles(repository, info.layers, malformed)) {
        yield { path, executable: false, body: only(bytes) };
      }
      return;
    }
    case "catalog": {
      const malformed = (reason: string): Error =>
        packagingErrors("artifact.malformed", { reference, kind: info.kind, reason });
      const bytes = await readCatalogBytes(repository, info.layers, malformed);
      yield { path: CATALOG_FILE, executable: false, body: only(bytes) };
      return;
    }
    default:
      throw packagingErrors("artifact.not-unpackable", { reference, kind: info.kind });
  }
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
