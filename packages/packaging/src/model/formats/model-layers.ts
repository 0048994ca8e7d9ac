// Layers of model formats: a raw file each, or tar archives of some; written once and read back by range.
import { Digester, isDigest, type Digest } from "@pratique/core";
import type { Descriptor, LocalRepository, Repository } from "@pratique/oci";
import { createZstdDecompress } from "node:zlib";
import { Readable } from "node:stream";
import { z } from "zod";
import { pathProblem } from "../../archive/entry-path.ts";
import { ByteReader } from "../../archive/byte-reader.ts";
import { gunzipStream } from "../../archive/gzip.ts";
import { parseHeader } from "../../archive/tar-header.ts";
import { readTar } from "../../archive/tar-reader.ts";
import { verifiedBlob } from "../../archive/verified-blob.ts";
import { planTar } from "../../canonical/tar-layer.ts";
import { packagingErrors } from "../../errors.ts";
import type { ModelFile } from "../canonical-model.ts";

/** Where each file of a tar layer lies, so that it can be read without reading the whole layer. */
const PLACES_ANNOTATION = "dev.pratique.tar";
/** The directory in a tar that the model's own paths begin below. */
const ROOT_ANNOTATION = "dev.pratique.tar.root";
const LIMIT_PLACES = 256 * 1024;
const LIMITS = { maxEntries: 20_000, maxBytes: 2 ** 43 };
const BLOCK = 512;
const CHUNK = 256 * 1024;
const WHITEOUT = /(?:^|\/)\.wh\./;

/** A file of a layer before its format says what it is. */
export type LayerFile = Omit<ModelFile, "role">;

const Places = z.array(
  z.strictObject({
    path: z.string(),
    offset: z.int().min(BLOCK),
    size: z.int().nonnegative(),
    digest: z.custom<Digest>((value) => typeof value === "string" && isDigest(value)),
    mode: z.int().min(0).max(0o777),
    modified: z.string().optional(),
  }),
);

/** Stores a file as a blob of its own, by taking over one that is there already when it can. */
export async function putRawLayer(
  repository: LocalRepository,
  file: ModelFile,
): Promise<Pick<Descriptor, "digest" | "size">> {
  const { digest, size } = file;
  if ((await repository.blobSize(digest)) !== undefined) return { digest, size };
  if (file.blobIn !== undefined && (await repository.mountBlob(digest, file.blobIn))) return { digest, size };
  return repository.putBlob(file.open(), { digest, size });
}

/** Stores files as one uncompressed tar. */
export async function putTarLayer(
  repository: LocalRepository,
  files: readonly ModelFile[],
  o: { root?: string; isAligned?: boolean },
): Promise<Pick<Descriptor, "digest" | "size" | "annotations">> {
  const tar = planTar(files, o);
  const stored = await repository.putBlob(tar.stream(), { size: tar.size });
  const places = tar.places.map((place, index) => {
    const { digest, mode, modified } = files[index]!;
    return { ...place, digest, mode, ...(modified === undefined ? {} : { modified }) };
  });
  const text = JSON.stringify(places);
  const annotations = {
    ...(text.length > LIMIT_PLACES ? {} : { [PLACES_ANNOTATION]: text }),
    ...(o.root === undefined ? {} : { [ROOT_ANNOTATION]: o.root }),
  };
  return { ...stored, annotations };
}

/** The file that a raw layer is. */
export function rawLayerFile(
  repository: Repository,
  layer: Descriptor,
  o: { path: string; mode?: number; modified?: string },
): LayerFile {
  checkPath(o.path);
  return {
    path: o.path,
    mode: o.mode ?? 0o644,
    size: layer.size,
    digest: layer.digest,
    blobIn: repository.name,
    ...(o.modified === undefined ? {} : { modified: o.modified }),
    open: (range) => (range === undefined ? verifiedBlob(repository, layer) : rangeOf(repository, layer.digest, range)),
  };
}

/** The files in a tar layer, below `below` when given, or what the layer names. @throws `archive.*` */
export async function tarLayerFiles(repository: Repository, layer: Descriptor, below?: string): Promise<LayerFile[]> {
  const named = layer.annotations?.[ROOT_ANNOTATION];
  const root = below ?? (named === undefined || pathProblem(named) !== undefined ? undefined : named);
  const stated = placesOf(layer);
  if (stated !== undefined) {
    return stated.map(({ offset, ...place }) => ({
      ...place,
      open: (range) => placed(repository, layer, root, { ...place, offset }, range),
    }));
  }
  const files: LayerFile[] = [];
  for await (const { entry, path } of filesInTar(repository, layer, root)) {
    const digester = new Digester();
    for await (const chunk of entry.body) digester.update(chunk);
    const digest = digester.digest();
    files.push({
      path,
      mode: entry.mode,
      size: entry.size,
      digest,
      open: () => extracted(repository, layer, root, path, digest),
    });
  }
  return files;
}

/** Whether a media type is that of a tar, compressed or not. */
export function isTarType(mediaType: string): boolean {
  return /(?:^|[.+/])tar(?:[.+](?:gzip|gz|zstd))?$/.test(mediaType);
}

/** True for a tar that does not say where its files lie, so that finding them means reading it. */
export function needsWholeLayer(layer: Descriptor): boolean {
  return placesOf(layer) === undefined;
}

function placesOf(layer: Descriptor): z.infer<typeof Places> | undefined {
  const text = layer.annotations?.[PLACES_ANNOTATION];
  if (text === undefined || text.length > LIMIT_PLACES || !layer.mediaType.endsWith("tar")) return undefined;
  try {
    const places = Places.safeParse(JSON.parse(text)).data;
    if (
      places?.some(({ path, offset, size }) => pathProblem(path) !== undefined || offset + size > layer.size) === true
    )
      return undefined;
    return places;
  } catch {
    return undefined;
  }
}

async function* rangeOf(
  repository: Repository,
  digest: Digest,
  range: { start: number; end?: number | undefined },
): AsyncGenerator<Uint8Array> {
  yield* (await repository.openBlob(digest, range)) as AsyncIterable<Buffer>;
}

type Place = z.infer<typeof Places>[number];

/**
 * A file at its place. Its tar header is read along and must say the same, or somebody who unpacks the tar would get
 * something else than we do.
 */
async function* placed(
  repository: Repository,
  layer: Descriptor,
  root: string | undefined,
  place: Place,
  range: { start: number; end?: number | undefined } | undefined,
): AsyncGenerator<Uint8Array> {
  const wrong = packagingErrors("archive.damaged", { reason: `${place.path} does not lie where the manifest says` });
  const first = range?.start ?? 0;
  const last = Math.min(range?.end ?? place.size - 1, place.size - 1);
  if (first > 0) {
    if (last >= first)
      yield* rangeOf(repository, layer.digest, { start: place.offset + first, end: place.offset + last });
    return;
  }
  // From its beginning a file is read in one request with the header before it.
  const source = rangeOf(repository, layer.digest, { start: place.offset - BLOCK, end: place.offset + last });
  const reader = new ByteReader(source);
  try {
    if (!isHeaderOf(place, root, await reader.exactly(BLOCK))) throw wrong;
    const digester = new Digester();
    for (let chunk = await reader.some(CHUNK); chunk !== undefined; chunk = await reader.some(CHUNK)) {
      if (range === undefined) digester.update(chunk);
      yield chunk;
    }
    if (range === undefined && digester.digest() !== place.digest) throw wrong;
  } finally {
    await reader.end();
  }
}

function isHeaderOf(place: Place, root: string | undefined, block: Buffer): boolean {
  const parsed = block.length === BLOCK ? parseHeader(block) : "end";
  if (parsed === "end" || "problem" in parsed || !["0", "\u0000"].includes(parsed.header.typeflag)) return false;
  const path = root === undefined ? place.path : `${root}/${place.path}`;
  // Long and foreign names, and sizes from 8 GiB on, stand in a pax header before this one.
  if (/^[\u0020-\u007e]{1,100}$/.test(path) && parsed.header.path !== path) return false;
  return parsed.header.size === place.size || place.size > 0o77777777777;
}

async function* extracted(
  repository: Repository,
  layer: Descriptor,
  root: string | undefined,
  path: string,
  digest: Digest,
): AsyncGenerator<Uint8Array> {
  for await (const found of filesInTar(repository, layer, root)) {
    if (found.path !== path) continue;
    const digester = new Digester();
    for await (const chunk of found.entry.body) {
      digester.update(chunk);
      yield chunk;
    }
    if (digester.digest() !== digest) throw packagingErrors("artifact.changed", { path });
    return;
  }
  throw packagingErrors("artifact.changed", { path });
}

async function* filesInTar(repository: Repository, layer: Descriptor, root: string | undefined) {
  const blob = verifiedBlob(repository, layer);
  for await (const entry of readTar(decompressed(blob, layer.mediaType), LIMITS, { symlinks: true })) {
    // Links are never followed: what they stand for is in the archive by its own name, or is not the model's.
    if (entry.type !== "file" || WHITEOUT.test(entry.path)) continue;
    if (root !== undefined && !entry.path.startsWith(`${root}/`)) continue;
    yield { entry, path: root === undefined ? entry.path : entry.path.slice(root.length + 1) };
  }
}

function decompressed(blob: AsyncIterable<Uint8Array>, mediaType: string): AsyncIterable<Uint8Array> {
  if (/gz(?:ip)?$/.test(mediaType)) return gunzipStream(blob);
  if (!mediaType.endsWith("zstd")) return blob;
  const input = Readable.from(blob, { objectMode: false });
  const output = createZstdDecompress();
  input.on("error", (error) => output.destroy(error));
  return input.pipe(output) as AsyncIterable<Buffer>;
}

function checkPath(path: string): void {
  const reason = pathProblem(path);
  if (reason !== undefined) throw packagingErrors("archive.unsafe", { entry: path.slice(0, 200), reason });
}
