// Layers put together as a container sees them: later ones cover and remove what earlier ones brought.
import type { Unread } from "./catalogue.ts";
import type { Fact } from "./facts.ts";
import type { LayerReading } from "./layer/layer-reading.ts";

/** A file that is visible in the end, and what it says. */
export interface VisibleFile {
  readonly path: string;
  readonly facts: readonly Fact[];
  /** Digest of the layer whose version of the file is visible. */
  readonly layer: string;
  /** The layer's place, from the lowest up. */
  readonly at: number;
  /** What the same path said in earlier layers, oldest first: a package database is written anew by each layer that adds to it. */
  readonly earlier: readonly { readonly layer: string; readonly facts: readonly Fact[] }[];
}

export interface Squashed {
  readonly files: ReadonlyMap<string, VisibleFile>;
  readonly unread: readonly Unread[];
  /** Symbolic links that detectors need to follow. */
  readonly links: ReadonlyMap<string, string>;
  /** Files and links of the image. */
  readonly count: number;
}

/** @param layers from the lowest up */
export function squash(layers: readonly { readonly digest: string; readonly reading: LayerReading }[]): Squashed {
  const files = new Map<string, VisibleFile>();
  const links = new Map<string, string>();
  const unread = new Map<string, Unread[]>();
  const paths = new Set<string>();
  for (const [at, { digest, reading }] of layers.entries()) {
    if (at > 0) cover(reading, [files, links, unread], paths);
    for (const path of reading.paths) {
      paths.add(path);
      unread.delete(path);
      if (!reading.links.has(path)) links.delete(path);
      const old = files.get(path);
      const facts = reading.facts.get(path);
      if (facts === undefined) files.delete(path);
      else {
        const earlier = old === undefined ? [] : [...old.earlier, { layer: old.layer, facts: old.facts }];
        files.set(path, { path, facts, layer: digest, at, earlier });
      }
    }
    for (const [path, target] of reading.links) links.set(path, target);
    for (const one of reading.unread) {
      const known = unread.get(one.path);
      if (known === undefined) unread.set(one.path, [one]);
      else known.push(one);
    }
  }
  return { files, links, unread: [...unread.values()].flat(), count: paths.size };
}

type ByPath = { keys(): Iterable<string>; delete(path: string): boolean; readonly size: number };

/** Removes what a layer hides: by whiteout, by an opaque directory, by a file where a directory was. */
function cover(reading: LayerReading, maps: readonly ByPath[], paths: ByPath): void {
  const gone = new Set([...reading.whiteouts, ...reading.opaque]);
  const whiteouts = new Set(reading.whiteouts);
  const own = new Set(reading.paths);
  const isHidden = (path: string, above: ReadonlySet<string>): boolean =>
    gone.has("") || whiteouts.has(path) || isBelow(path, gone) || isBelow(path, above);
  for (const map of maps) {
    for (const path of map.keys()) if (isHidden(path, own)) map.delete(path);
  }
  if (gone.size === 0) return;
  // Only counted, and many: what a file covers is left in the count.
  for (const path of paths.keys()) if (isHidden(path, NONE)) paths.delete(path);
}

const NONE: ReadonlySet<string> = new Set();

function isBelow(path: string, above: ReadonlySet<string>): boolean {
  if (above.size === 0) return false;
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
    if (above.has(path.slice(0, at))) return true;
  }
  return false;
}
