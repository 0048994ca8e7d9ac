// A model signature as a referrer of its artifact: it travels with it, and is a file `model.sig` to whoever unpacks it.
import type { Clock } from "@pratique/core";
import { digestOf, isPratiqueError, readBounded } from "@pratique/core";
import { MEDIA_TYPES, parseManifest, type Descriptor, type Repository } from "@pratique/oci";
import { BUNDLE_TYPE, CREATED_ANNOTATION } from "../media-types.ts";
import type { EvidenceSource } from "../verify.ts";
import { OMS_PREDICATE } from "./oms-statement.ts";

/**
 * Not a bundle's own type: readers of signatures on the artifact take every referrer of that type for one, and this
 * statement's subject is the files' root, never the artifact's digest (supply-chain reference §3).
 */
export const OMS_TYPE = "application/vnd.pratique.model-signature.v1";
export const OMS_FILE = "model.sig";

const PREDICATE_ANNOTATION = "dev.sigstore.bundle.predicateType";
const TITLE = "org.opencontainers.image.title";
const READ_LIMIT = 16;
const SIZE_LIMIT_BYTES = 16 * 1024 * 1024;
const MANIFEST_LIMIT_BYTES = 256 * 1024;

/** Hangs a model signature on its artifact; the same bytes hang there once. */
export async function attachOms(
  repo: Repository,
  subject: Descriptor,
  bundle: Uint8Array,
  clock: Clock,
): Promise<Descriptor> {
  const digest = digestOf(bundle);
  for (const signature of await readOmsReferrers(repo, subject)) {
    if (digestOf(signature.bytes) === digest) return signature.referrer;
  }
  const config = await repo.putBlob(Buffer.from("{}"));
  const layer = await repo.putBlob(bundle);
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    artifactType: OMS_TYPE,
    config: { mediaType: MEDIA_TYPES.empty, digest: config.digest, size: config.size },
    layers: [{ mediaType: BUNDLE_TYPE, digest: layer.digest, size: layer.size, annotations: { [TITLE]: OMS_FILE } }],
    subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    annotations: { [PREDICATE_ANNOTATION]: OMS_PREDICATE, [CREATED_ANNOTATION]: clock.now().toISOString() },
  };
  return repo.putManifest(Buffer.from(JSON.stringify(manifest)), MEDIA_TYPES.imageManifest);
}

export interface OmsReferrer {
  readonly referrer: Descriptor;
  readonly bytes: Buffer;
}

/** The model signatures that hang on an artifact, unverified; what cannot be one is passed over. */
export async function readOmsReferrers(repo: EvidenceSource, subject: Descriptor): Promise<OmsReferrer[]> {
  const referrers = await repo.referrers(subject.digest, OMS_TYPE);
  const found: OmsReferrer[] = [];
  // A registry may answer a filtered question with everything (distribution-spec 1.1, listing referrers).
  for (const referrer of referrers.filter(({ artifactType }) => artifactType === OMS_TYPE).slice(0, READ_LIMIT)) {
    const layer = await layerOf(repo, subject, referrer);
    if (layer === undefined || layer.size > SIZE_LIMIT_BYTES) continue;
    const bytes = await readLayer(repo, layer);
    if (bytes !== undefined) found.push({ referrer, bytes });
  }
  return found;
}

async function layerOf(
  repo: EvidenceSource,
  subject: Descriptor,
  referrer: Descriptor,
): Promise<Descriptor | undefined> {
  if (referrer.size > MANIFEST_LIMIT_BYTES) return undefined;
  const found = await repo.manifest(referrer.digest);
  if (found === undefined) return undefined;
  try {
    const parsed = parseManifest(found.bytes, found.mediaType);
    if (parsed.type !== "image" || parsed.manifest.subject?.digest !== subject.digest) return undefined;
    return parsed.manifest.layers.length === 1 ? parsed.manifest.layers[0] : undefined;
  } catch (error) {
    if (!isPratiqueError(error)) throw error;
    return undefined;
  }
}

async function readLayer(repo: EvidenceSource, layer: Descriptor): Promise<Buffer | undefined> {
  try {
    const bytes = await readBounded(await repo.openBlob(layer.digest), layer.size, "the model signature");
    return digestOf(bytes) === layer.digest ? bytes : undefined;
  } catch (error) {
    if (isPratiqueError(error, "blob.not-found") || isPratiqueError(error, "input.too-large")) return undefined;
    throw error;
  }
}
