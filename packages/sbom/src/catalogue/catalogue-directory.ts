// The catalogue of a directory: a source tree that is to be packed, or an unpacked root file system.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type Dirent,
} from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { sbomErrors } from "../errors.ts";
import { CATALOGUE_LIMITS, type Catalogue, type CatalogueOptions } from "./catalogue.ts";
import { catalogueOf } from "./components.ts";
import { imageDetector } from "./detect/image-detectors.ts";
import { sourceDetector } from "./detect/source-detectors.ts";
import type { FileParts } from "./facts.ts";
import { BudgetSpent, LayerReader, type DetectorOf } from "./layer/layer-reading.ts";
import type { ScannedEntry, Wanted } from "./layer/tar-scanner.ts";
import { squash } from "./squash.ts";

export interface CatalogueDirectoryOptions extends Pick<CatalogueOptions, "signal" | "limits"> {
  /** `source` (the default): lock files count. `root`: a root file system, where only what is installed counts. */
  readonly as?: "source" | "root" | undefined;
  /** Names of directories that are left out, wherever they are. */
  readonly exclude?: ReadonlySet<string> | undefined;
}

const MAX_DEPTH = 128;
/** Other work waits no longer than this: looking at a file that is in memory is faster than asking for it. */
const TURN_MS = 8;
const NEVER: ReadonlySet<string> = new Set([".git"]);

/**
 * What lies in a directory. Links are not followed, and nothing is run.
 * @throws `catalogue.too-large`
 */
export async function catalogueDirectory(path: string, options: CatalogueDirectoryOptions = {}): Promise<Catalogue> {
  const limits = { ...CATALOGUE_LIMITS, ...options.limits };
  const budget = { entries: limits.maxEntries, bytes: limits.maxBytes, packages: limits.maxPackages };
  const detectorOf = options.as === "root" ? imageDetector : sourceDetector;
  const reader = new LayerReader({ detectorOf, limits, budget });
  const walk = new Walk({ root: path, reader, detectorOf, exclude: options.exclude ?? new Set() });
  try {
    let since = performance.now();
    for (const _directory of walk.directories()) {
      if (performance.now() - since < TURN_MS) continue;
      await turn();
      options.signal?.throwIfAborted();
      since = performance.now();
    }
  } catch (error) {
    if (!(error instanceof BudgetSpent)) throw error;
    throw sbomErrors("catalogue.too-large", { what: "the directory", reason: error.message }, { cause: error });
  }
  return catalogueOf(squash([{ digest: "", reading: reader.reading() }]));
}

class Walk {
  readonly #root: string;
  readonly #reader: LayerReader;
  readonly #detectorOf: DetectorOf;
  readonly #exclude: ReadonlySet<string>;
  #scratch: Buffer = Buffer.alloc(1024 * 1024);

  constructor(o: { root: string; reader: LayerReader; detectorOf: DetectorOf; exclude: ReadonlySet<string> }) {
    this.#root = o.root;
    this.#reader = o.reader;
    this.#detectorOf = o.detectorOf;
    this.#exclude = o.exclude;
  }

  /** One step a directory, in the order of names: what is found does not depend on the file system. */
  *directories(): Generator<string> {
    const waiting: { readonly path: string; readonly depth: number }[] = [{ path: "", depth: 0 }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { path, depth } = next;
      if (depth > MAX_DEPTH) {
        this.#reader.refused(path, "it is nested too deep");
        continue;
      }
      const entries = this.#list(path).sort((a, b) => (a.name < b.name ? -1 : 1));
      for (const entry of entries) {
        const inside = path === "" ? entry.name : `${path}/${entry.name}`;
        if (entry.isDirectory()) {
          if (!NEVER.has(entry.name) && !this.#exclude.has(entry.name))
            waiting.push({ path: inside, depth: depth + 1 });
        } else this.#entry(inside, entry);
      }
      yield path;
    }
  }

  #list(path: string): Dirent[] {
    try {
      return readdirSync(`${this.#root}/${path}`, { withFileTypes: true });
    } catch (cause) {
      // The directory itself must be there; one below it may be closed to us.
      if (path === "") throw cause;
      this.#reader.refused(path, "the directory cannot be read");
      return [];
    }
  }

  #entry(path: string, entry: Dirent): void {
    const reader = this.#reader;
    const base = { path, mode: 0, size: 0, target: "" };
    if (entry.isSymbolicLink()) {
      reader.entry({ ...base, type: "symbolic-link", target: this.#target(path) });
    } else if (!entry.isFile()) reader.entry({ ...base, type: "other" });
    // The mode is only asked for where it can matter.
    else if (this.#detectorOf(path, 0o111) === undefined) reader.entry({ ...base, type: "file" });
    else this.#file(path);
  }

  #target(path: string): string {
    try {
      return readlinkSync(`${this.#root}/${path}`);
    } catch {
      return "";
    }
  }

  #file(path: string): void {
    const full = `${this.#root}/${path}`;
    let descriptor: number | undefined;
    try {
      const { mode, size } = lstatSync(full);
      const entry: ScannedEntry = { path, type: "file", mode, size, target: "" };
      const wanted = this.#reader.entry(entry);
      if (wanted === "nothing") return;
      // A pipe that took the file's place would be waited for, a link followed.
      descriptor = openSync(full, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      if (!fstatSync(descriptor).isFile()) return this.#reader.refused(path, "it changed while it was read");
      this.#read(descriptor, entry, wanted);
    } catch (error) {
      if (error instanceof BudgetSpent) throw error;
      this.#reader.refused(path, "it cannot be read");
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }

  #read(descriptor: number, entry: ScannedEntry, wanted: Wanted): void {
    const bytes = this.#bytes(descriptor, wanted === "all" ? entry.size : Math.min(entry.size, Number(wanted)));
    const more = this.#reader.body(entry, bytes);
    if (more !== "all" || this.#reader.parts(this.#parts(descriptor, entry))) return;
    this.#reader.body(entry, this.#bytes(descriptor, entry.size));
  }

  #parts(descriptor: number, { path, size }: ScannedEntry): FileParts {
    return {
      path,
      size,
      slice: (offset, sizeBytes) => {
        if (!Number.isSafeInteger(offset) || offset + sizeBytes > size) return undefined;
        const bytes = Buffer.allocUnsafe(sizeBytes);
        return readSync(descriptor, bytes, 0, sizeBytes, offset) === sizeBytes ? bytes : undefined;
      },
    };
  }

  #bytes(descriptor: number, size: number): Buffer {
    if (this.#scratch.length < size) this.#scratch = Buffer.allocUnsafe(size);
    let filled = 0;
    while (filled < size) {
      const count = readSync(descriptor, this.#scratch, filled, size - filled, filled);
      if (count === 0) break;
      filled += count;
    }
    return this.#scratch.subarray(0, filled);
  }
}
