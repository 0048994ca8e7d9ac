// The files of an image as a container sees them, each with what tells whether it is the same as another.
import { createHash } from "node:crypto";
import type { Descriptor, Repository } from "@pratique/oci";
import { CATALOGUE_LIMITS, type CatalogueLimits } from "../../catalogue/catalogue.ts";
import { BudgetSpent } from "../../catalogue/layer/layer-reading.ts";
import { LayerProblem, scanArchive } from "../../catalogue/layer/scan-layer.ts";
import type { ScannedEntry, TarVisitor, Wanted } from "../../catalogue/layer/tar-scanner.ts";
import { imageFor } from "../../catalogue/platform.ts";
import { sbomErrors } from "../../errors.ts";

export interface ImageFile {
  /** Bytes. */
  readonly size: number;
  /** Equal for equal content, mode and type. */
  readonly identity: string;
}

export interface ImageFiles {
  /** By path, without a leading slash; directories are left out. */
  readonly files: ReadonlyMap<string, ImageFile>;
  /** False when some could not be compared whole. */
  readonly isComplete: boolean;
}

export interface ImageFilesOptions {
  readonly platform?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly limits?: Partial<CatalogueLimits> | undefined;
  /** What layers hold, by digest: the two sides of a comparison share most of theirs. */
  readonly known?: Map<string, LayerFiles>;
}

/** One layer: its files, and what it removes of the layers below. */
export interface LayerFiles {
  readonly files: ReadonlyMap<string, ImageFile>;
  readonly removed: readonly string[];
  /** Directories whose older content is gone. */
  readonly opaque: readonly string[];
  readonly isComplete: boolean;
}

/** A larger file is told by its size and this much of its beginning. */
const WHOLE_BYTES = 64 * 1024 ** 2;
const LIMIT_FILES = 1_000_000;

/** @throws `catalogue.not-found`, `catalogue.no-platform`, `catalogue.too-large`, `catalogue.layer-damaged` */
export async function imageFiles(
  source: Pick<Repository, "manifest" | "openBlob">,
  digest: string,
  options: ImageFilesOptions = {},
): Promise<ImageFiles> {
  const limits = { ...CATALOGUE_LIMITS, ...options.limits };
  const image = await imageFor(source, digest, options.platform);
  const layers = image.type === "image" ? image.manifest.layers : [];
  const tars = layers.filter(({ mediaType }) => /\btar\b|\.rootfs\.(?:foreign\.)?diff/.test(mediaType));
  if (tars.length > limits.maxLayers) {
    throw sbomErrors("catalogue.too-large", { what: digest, reason: `${tars.length} layers` });
  }
  const known = options.known ?? new Map<string, LayerFiles>();
  const budget = { entries: limits.maxEntries, bytes: limits.maxBytes, packages: limits.maxPackages };
  const files = new Map<string, ImageFile>();
  let isComplete = true;
  for (const layer of tars) {
    const read =
      known.get(layer.digest) ?? (await readLayer(source, layer, { limits, budget, signal: options.signal }));
    known.set(layer.digest, read);
    isComplete &&= read.isComplete;
    hide(files, read);
    for (const [path, file] of read.files) files.set(path, file);
    if (files.size > LIMIT_FILES) {
      throw sbomErrors("catalogue.too-large", { what: digest, reason: `more than ${LIMIT_FILES} files` });
    }
  }
  return { files, isComplete };
}

/** Takes away what a layer removes, and what lies below a file that it puts where a directory was. */
function hide(files: Map<string, ImageFile>, { removed, opaque, files: own }: LayerFiles): void {
  const gone = new Set(removed);
  const emptied = new Set(opaque);
  for (const path of files.keys()) {
    if (gone.has(path) || emptied.has("")) {
      files.delete(path);
      continue;
    }
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      const above = path.slice(0, at);
      if (!gone.has(above) && !emptied.has(above) && !own.has(above)) continue;
      files.delete(path);
      break;
    }
  }
}

async function readLayer(
  source: Pick<Repository, "openBlob">,
  layer: Descriptor,
  o: Parameters<typeof scanArchive>[2],
): Promise<LayerFiles> {
  const visitor = new FileVisitor(o.budget);
  const stream = await source.openBlob(layer.digest);
  try {
    await scanArchive(stream, visitor, o);
  } catch (error) {
    if (!(error instanceof LayerProblem)) throw error;
    const { message: reason, isTooLarge } = error;
    const what = `layer ${layer.digest}`;
    if (isTooLarge) throw sbomErrors("catalogue.too-large", { what, reason }, { cause: error });
    throw sbomErrors("catalogue.layer-damaged", { digest: layer.digest, reason }, { cause: error });
  } finally {
    stream.destroy();
  }
  return visitor;
}

class FileVisitor implements TarVisitor, LayerFiles {
  readonly files = new Map<string, ImageFile>();
  readonly removed: string[] = [];
  readonly opaque: string[] = [];
  isComplete = true;
  readonly #budget: { entries: number };

  constructor(budget: { entries: number }) {
    this.#budget = budget;
  }

  entry(entry: ScannedEntry): Wanted {
    this.#count();
    const { path, type, mode, size, target } = entry;
    if (type === "directory") return "nothing";
    const slash = path.lastIndexOf("/") + 1;
    const name = path.slice(slash);
    if (name === ".wh..wh..opq") this.opaque.push(path.slice(0, Math.max(0, slash - 1)));
    else if (name.startsWith(".wh..wh.")) return "nothing";
    else if (name.startsWith(".wh.")) this.removed.push(path.slice(0, slash) + name.slice(4));
    else if (type === "file" && size > 0) return size <= WHOLE_BYTES ? "all" : WHOLE_BYTES;
    else this.files.set(path, { size, identity: `${type} ${mode} ${target}` });
    return "nothing";
  }

  body({ path, mode, size }: ScannedEntry, bytes: Buffer): Wanted {
    if (bytes.length < size) this.isComplete = false;
    const hash = createHash("sha256").update(bytes).digest("hex");
    this.files.set(path, { size, identity: `file ${mode} ${size} ${hash}` });
    return "nothing";
  }

  refused(): void {
    this.#count();
    this.isComplete = false;
  }

  #count(): void {
    this.#budget.entries -= 1;
    if (this.#budget.entries < 0) throw new BudgetSpent("it has too many entries");
  }
}
