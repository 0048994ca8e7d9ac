// Hard links whose file has a name that says nothing (content stores), or lies in a layer below: its facts are those of the link.
import { sbomErrors } from "../errors.ts";
import type { Fact } from "./facts.ts";
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
  const again = new Map<number, Map<string, MissedLink>>();
  const found: { at: number; from: number; link: MissedLink }[] = [];
  for (const { link, at } of links) {
    const from = paths.findLastIndex((known, layer) => layer <= at && known.has(link.target));
    if (from === -1) continue;
    found.push({ at, from, link });
    if (layers[from]?.reading.facts.has(link.target) === true) continue;
    const wanted = again.get(from) ?? new Map<string, MissedLink>();
    again.set(from, wanted.set(link.target, link));
  }
  const reread = new Map<number, LayerReading>();
  for (const [from, wanted] of again) {
    const layer = layers[from];
    if (layer === undefined) continue;
    const reading = await readAgain(layer.digest, (path, mode) => {
      const link = wanted.get(path);
      return link === undefined ? undefined : detectorOf(link.path, mode);
    });
    reread.set(from, reading);
  }
  return layers.map(({ digest, reading }, at) => {
    const facts = new Map<string, readonly Fact[]>(reading.facts);
    for (const { from, link } of found.filter((one) => one.at === at)) {
      const own = layers[from]?.reading.facts.get(link.target) ?? reread.get(from)?.facts.get(link.target);
      if (own !== undefined) facts.set(link.path, own);
    }
    return { digest, reading: { ...reading, facts } };
  });
}
