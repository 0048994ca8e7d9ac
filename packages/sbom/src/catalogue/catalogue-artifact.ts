// The catalogue of an artifact in a repository: its layers are read side by side, and put together as a container sees them.
import { availableParallelism } from "node:os";
import type { Descriptor, ImageManifest, LocalRepository, Repository } from "@pratique/oci";
import { sbomErrors } from "../errors.ts";
import { CATALOGUE_LIMITS, type Catalogue, type CatalogueLimits, type CatalogueOptions } from "./catalogue.ts";
import { agentPackages, lockedPackages, rawLayerPackages, type ArtifactPart } from "./ai/artifact-packages.ts";
import { catalogueOf } from "./components.ts";
import { imageDetector } from "./detect/image-detectors.ts";
import type { Fact, FoundPackage } from "./facts.ts";
import { withHardLinks, type ReadLayer } from "./hard-links.ts";
import type { LayerReading, ReadingBudget } from "./layer/layer-reading.ts";
import { layerHostFile, LayerThread } from "./layer/layer-thread.ts";
import { LayerProblem, scanLayer, type ScanOptions } from "./layer/scan-layer.ts";
import { imageFor } from "./platform.ts";
import { squash, type Squashed } from "./squash.ts";

/** Where an artifact's content is read from. */
export type CatalogueSource = Pick<Repository, "manifest" | "openBlob"> & Partial<Pick<LocalRepository, "localFile">>;

/** Layers of one image that are read at the same time. */
const SIDE_BY_SIDE = 4;
/** Smaller images are read before a thread has started. */
const THREADS_FROM_BYTES = 4 * 1024 ** 2;

/**
 * What an artifact consists of. Of an index, the image of one platform.
 * @throws `catalogue.not-found`, `catalogue.no-platform`, `catalogue.too-large`, `catalogue.layer-damaged`
 */
export async function catalogueArtifact(
  source: CatalogueSource,
  descriptor: Pick<Descriptor, "digest">,
  options: CatalogueOptions = {},
): Promise<Catalogue> {
  const limits = { ...CATALOGUE_LIMITS, ...options.limits };
  const parsed = await imageFor(source, descriptor.digest, options.platform);
  if (parsed.type === "index") return catalogueOf(withParts(squash([]), [stated(lockedPackages(parsed))]));
  const { layers } = parsed.manifest;
  if (layers.length > limits.maxLayers) {
    throw sbomErrors("catalogue.too-large", { what: descriptor.digest, reason: `${layers.length} layers` });
  }
  const fileSystems = layers.filter(({ mediaType }) => isFileSystem(mediaType));
  const raw = layers.filter(({ mediaType }) => !isFileSystem(mediaType));
  const readings = await readLayers(source, fileSystems, { limits, signal: options.signal });
  const parts = await rawLayerPackages(source, raw, options.signal);
  return catalogueOf(withParts(squash(readings), [...parts, stated(agentPackages(parsed))]));
}

/** What the manifest itself names: it lies nowhere. */
function stated(packages: readonly FoundPackage[]): ArtifactPart {
  return { path: "", layer: "", packages };
}

function withParts(squashed: Squashed, parts: readonly ArtifactPart[]): Squashed {
  const files = new Map(squashed.files);
  for (const { path, layer, packages } of parts) {
    const facts = packages.map((one): Fact => ({ fact: "package", package: one }));
    // The key is no path of a file system, which may have one of the same name.
    if (facts.length > 0)
      files.set(`${layer}\0${path}`, { path, facts, layer, at: Number.MAX_SAFE_INTEGER, earlier: [] });
  }
  return { ...squashed, files };
}

function isFileSystem(mediaType: string): boolean {
  return /\btar\b|\.rootfs\.(?:foreign\.)?diff/.test(mediaType);
}

interface ReadOptions {
  readonly limits: CatalogueLimits;
  readonly signal: AbortSignal | undefined;
}

async function readLayers(
  source: CatalogueSource,
  layers: ImageManifest["layers"],
  { limits, signal }: ReadOptions,
): Promise<ReadLayer[]> {
  const budget: ReadingBudget = { entries: limits.maxEntries, bytes: limits.maxBytes, packages: limits.maxPackages };
  // One failure ends them all: half an image has no catalogue.
  const failed = new AbortController();
  const ends = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const scan = { detectorOf: imageDetector, limits, budget, signal: ends };
  const readings = new Map<string, LayerReading>();
  // The same layer twice in an image is read once.
  const distinct = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
  // The largest first: it decides how long the whole takes.
  const queue = distinct.toSorted((a, b) => b.size - a.size);
  const isLarge = distinct.reduce((sum, { size }) => sum + size, 0) >= THREADS_FROM_BYTES;
  const host = isLarge && source.localFile !== undefined ? layerHostFile() : undefined;
  const work = async (): Promise<void> => {
    const thread = host === undefined || queue.length === 0 ? undefined : new LayerThread(host);
    try {
      for (let layer = queue.shift(); layer !== undefined; layer = queue.shift()) {
        ends.throwIfAborted();
        readings.set(layer.digest, await readLayer(source, layer, { ...scan, thread }));
      }
    } finally {
      await thread?.close();
    }
  };
  const side = host === undefined ? SIDE_BY_SIDE : Math.min(SIDE_BY_SIDE, availableParallelism());
  const workers = Array.from({ length: Math.min(side, queue.length) }, async () => {
    try {
      await work();
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  });
  const results = await Promise.allSettled(workers);
  // The first failure is the reason for the others.
  if (failed.signal.aborted) throw failed.signal.reason;
  for (const result of results) if (result.status === "rejected") throw result.reason;
  const inOrder = layers.flatMap(({ digest }) => {
    const reading = readings.get(digest);
    return reading === undefined ? [] : [{ digest, reading }];
  });
  return withHardLinks(inOrder, imageDetector, async (digest, detectorOf) => {
    const layer = layers.find((one) => one.digest === digest);
    if (layer === undefined) throw sbomErrors("catalogue.not-found", { digest });
    return readLayer(source, layer, { ...scan, detectorOf });
  });
}

async function readLayer(
  source: CatalogueSource,
  layer: Descriptor,
  scan: ScanOptions & { readonly signal: AbortSignal; readonly thread?: LayerThread | undefined },
): Promise<LayerReading> {
  try {
    if (scan.thread === undefined || source.localFile === undefined) return await readStream(source, layer, scan);
    const file = await source.localFile(layer.digest);
    try {
      return await scan.thread.read({ path: file.path, limits: scan.limits, budget: scan.budget }, scan.signal);
    } finally {
      file.release();
    }
  } catch (error) {
    if (!(error instanceof LayerProblem)) throw error;
    const { message: reason, isTooLarge } = error;
    if (isTooLarge)
      throw sbomErrors("catalogue.too-large", { what: `layer ${layer.digest}`, reason }, { cause: error });
    throw sbomErrors("catalogue.layer-damaged", { digest: layer.digest, reason }, { cause: error });
  }
}

async function readStream(source: CatalogueSource, layer: Descriptor, scan: ScanOptions): Promise<LayerReading> {
  const stream = await source.openBlob(layer.digest);
  try {
    return await scanLayer(stream, scan);
  } finally {
    stream.destroy();
  }
}
