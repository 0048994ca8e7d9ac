// Hard links whose file has a name that says nothing (content stores), or lies in a layer below: its facts are those of the link.
import { sbomErrors } from "../errors.ts";
import type { Detector, Fact } from "./facts.ts";
import type { DetectorOf, LayerReading, MissedLink } from "./layer/layer-reading.ts";

export interface ReadLayer {
  readonly digest: string;
  readonly reading: LayerReading;
}

/** Reads a layer again with other detectors. */
export type ReadAgain = (digest: string, detectorOf: DetectorOf) => Promise<LayerReading>;

/** More of them are no honest image, and each costs a look at every layer below. */
const MAX_LINKS = 100_000;

/** @param layers from the lowest up @throws `catalogue.too-large` */
export async function withHardLinks(
  layers: readonly ReadLayer[],
  detectorOf: DetectorOf,
  readAgain: ReadAgain,
): Promise<ReadLayer[]> {
  const links = layers.flatMap(({ reading }, at) => reading.missed.map((link) => ({ link, at })));
  if (links.length === 0) return [...layers];
  if (links.length > MAX_LINKS) {
    throw sbomErrors("catalogue.too-large", { what: "the image", reason: `${links.length} hard links` });
  }
  const paths = layers.map(({ reading }) => new Set(reading.paths));
  const found: FoundLink[] = [];
  for (const { link, at } of links) {
    const from = paths.findLastIndex((known, layer) => layer <= at && known.has(link.target));
    const detector = detectorOf(link.path, link.mode);
    if (from !== -1 && detector !== undefined) found.push({ at, from, link, detector });
  }
  const read = new Map<string, readonly Fact[]>();
  for (const { from, wanted } of readings(found)) {
    const layer = layers[from];
    if (layer === undefined) continue;
    const { facts } = await readAgain(layer.digest, (path) => wanted.get(path));
    for (const [path, detector] of wanted) read.set(keyOf(from, path, detector), facts.get(path) ?? []);
  }
  return layers.map(({ digest, reading }, at) => {
    const facts = new Map<string, readonly Fact[]>(reading.facts);
    for (const { from, link, detector } of found.filter((one) => one.at === at)) {
      const named = layers[from]?.reading.facts.get(link.target) ?? [];
      const own = [...named, ...(read.get(keyOf(from, link.target, detector)) ?? [])];
      if (own.length > 0) facts.set(link.path, own);
    }
    return { digest, reading: { ...reading, facts } };
  });
}

interface FoundLink {
  /** Layer of the link. */
  readonly at: number;
  /** Layer of its file. */
  readonly from: number;
  readonly link: MissedLink;
  readonly detector: Detector;
}

/** Each layer is read as often as the file with most different names in it is read differently. */
function readings(
  found: readonly FoundLink[],
): { readonly from: number; readonly wanted: ReadonlyMap<string, Detector> }[] {
  const byLayer = new Map<number, Map<string, Set<Detector>>>();
  for (const { from, link, detector } of found) {
    const targets = byLayer.get(from) ?? new Map<string, Set<Detector>>();
    byLayer.set(from, targets.set(link.target, (targets.get(link.target) ?? new Set()).add(detector)));
  }
  return [...byLayer].flatMap(([from, targets]) => {
    const most = [...targets.values()].reduce((max, { size }) => Math.max(max, size), 0);
    return Array.from({ length: most }, (_, turn) => ({
      from,
      wanted: new Map(
        [...targets].flatMap(([target, detectors]): [string, Detector][] => {
          const detector = [...detectors][turn];
          return detector === undefined ? [] : [[target, detector]];
        }),
      ),
    }));
  });
}

function keyOf(from: number, path: string, detector: Detector): string {
  return `${from} ${detector.name} ${path}`;
}
