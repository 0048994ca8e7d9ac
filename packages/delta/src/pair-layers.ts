// Which layer of a base artifact a layer is most likely made from.
import { contentOf, parseManifest, type Descriptor, type Manifest } from "@pratique/oci";

/** Smaller layers are not worth a round trip more. */
const LEAST_BYTES = 1024 * 1024;
const NAMES = ["org.opencontainers.image.title", "org.cncf.model.filepath"];

export interface LayerPair {
  readonly target: Descriptor;
  readonly base: Descriptor;
}

/** Pairs layers of equal file name, then of equal media type in their order. Compressed layers have nothing in common. */
export function pairLayers(base: Manifest, target: Manifest): LayerPair[] {
  const known = layersOf(base);
  const has = new Set(known.map(({ digest }) => digest));
  const pairs: LayerPair[] = [];
  for (const layer of layersOf(target)) {
    if (has.has(layer.digest)) continue;
    const name = fileName(layer);
    const byName = name === undefined ? -1 : known.findIndex((one) => fileName(one) === name);
    const place = byName >= 0 ? byName : known.findIndex(({ mediaType }) => mediaType === layer.mediaType);
    const [partner] = place < 0 ? [] : known.splice(place, 1);
    if (partner !== undefined) pairs.push({ target: layer, base: partner });
  }
  return pairs;
}

function layersOf({ bytes, mediaType }: Manifest): Descriptor[] {
  const parsed = parseManifest(bytes, mediaType);
  if (parsed.type === "index") return [];
  return contentOf(parsed).filter((layer) => layer.size >= LEAST_BYTES && !/[+.](?:gzip|zstd)$/.test(layer.mediaType));
}

function fileName({ annotations = {} }: Descriptor): string | undefined {
  return NAMES.map((name) => annotations[name]).find((name) => name !== undefined);
}
