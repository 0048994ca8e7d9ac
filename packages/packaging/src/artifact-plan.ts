// What a kind's packer makes of a directory, and how it becomes a manifest: blobs first, the tag last.
import { digestOf } from "@pratique/core";
import { KIND_ANNOTATION, type Kind } from "@pratique/contracts";
import type { SbomComponent } from "@pratique/sbom";
import { MEDIA_TYPES, type Descriptor, type LocalRepository, type Manifest, type Platform } from "@pratique/oci";

/** Something that went into an artifact, as provenance names it. */
export interface Material {
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>>;
  readonly name?: string;
}

/** A manifest whose layers are in the repository already and which is not made yet. */
export interface PlannedManifest {
  /** By default that of an OCI image manifest. */
  readonly mediaType?: string;
  readonly artifactType: string | undefined;
  readonly configMediaType: string;
  /** The config blob; some formats say in it when the artifact was created. */
  config(created: string): Uint8Array | string;
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
  /** For whom it is, in an index. */
  readonly platform?: Platform;
  /** With others on the same layers: an index of all of them is the artifact, and this one stands first in it. */
  readonly besides?: readonly PlannedManifest[];
  /** `artifactType` of the index, when it has one. */
  readonly indexType?: string;
  /** Annotations that only the index has. */
  readonly indexAnnotations?: Readonly<Record<string, string>>;
}

/** An artifact whose layers are in the repository already and whose manifest is not made yet. */
export interface ArtifactPlan extends PlannedManifest {
  readonly kind: Kind;
  readonly name: string;
  readonly version: string;
  readonly description: string | undefined;
  readonly licences: readonly string[];
  readonly components: readonly SbomComponent[];
  readonly materials: readonly Material[];
  readonly buildType: string;
  /** What somebody should know who uses it; never a reason to refuse it. */
  readonly notes?: readonly string[];
}

export const ANNOTATIONS = {
  kind: KIND_ANNOTATION,
  title: "org.opencontainers.image.title",
  version: "org.opencontainers.image.version",
  created: "org.opencontainers.image.created",
  description: "org.opencontainers.image.description",
  licences: "org.opencontainers.image.licenses",
  authors: "org.opencontainers.image.authors",
  revision: "org.opencontainers.image.revision",
} as const;

/** What stands in an artifact that is not told when it was created: nothing that differs between two homes. */
const EPOCH = "1970-01-01T00:00:00Z";

interface BuiltManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly config: Uint8Array;
  readonly descriptor: Descriptor;
}

function build(plan: ArtifactPlan, part: PlannedManifest, created: string): BuiltManifest {
  const config = Buffer.from(part.config(created));
  const mediaType = part.mediaType ?? MEDIA_TYPES.imageManifest;
  const bytes = encode({
    schemaVersion: 2,
    mediaType,
    ...(part.artifactType === undefined ? {} : { artifactType: part.artifactType }),
    config: { mediaType: part.configMediaType, digest: digestOf(config), size: config.byteLength },
    layers: part.layers,
    annotations: annotationsOf(plan, part, created),
  });
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  return { bytes, mediaType, config, descriptor };
}

function annotationsOf(plan: ArtifactPlan, part: PlannedManifest, created: string): Record<string, string> {
  const annotations: Record<string, string> = {
    ...part.annotations,
    [ANNOTATIONS.kind]: plan.kind,
    [ANNOTATIONS.title]: part.annotations[ANNOTATIONS.title] ?? plan.name,
    [ANNOTATIONS.version]: plan.version,
    [ANNOTATIONS.created]: created,
    ...(plan.description === undefined ? {} : { [ANNOTATIONS.description]: plan.description }),
    ...(plan.licences.length === 0 ? {} : { [ANNOTATIONS.licences]: plan.licences.join(" AND ") }),
  };
  return Object.fromEntries(Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function encode(json: object): Buffer {
  return Buffer.from(JSON.stringify(json));
}

/** The manifest of a plan as it will be stored, for who has to look at it before. */
export async function draftManifest(plan: ArtifactPlan, repository: LocalRepository): Promise<Manifest> {
  const { bytes, mediaType, config, descriptor } = build(plan, plan, EPOCH);
  await repository.putBlob(config);
  return { bytes, mediaType, descriptor };
}

/** RFC 3339 without fractions of a second. */
function timestamp(date: Date): string {
  return date.toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** A stored manifest that no tag names yet. */
export interface Publication {
  readonly descriptor: Descriptor;
  readonly sizeBytes: number;
  pointTag(): Promise<void>;
}

/** Stores configs and manifests; `pointTag` then lets others see the artifact. */
export async function publishPlan(
  plan: ArtifactPlan,
  o: { repository: LocalRepository; tag: string; createdAt: Date | undefined },
): Promise<Publication> {
  const { repository, tag } = o;
  const created = o.createdAt === undefined ? EPOCH : timestamp(o.createdAt);
  const parts = [plan, ...(plan.besides ?? [])];
  const built = parts.map((part) => build(plan, part, created));
  for (const { config } of built) await repository.putBlob(config);
  const configBytes = built.reduce((sum, { config }) => sum + config.byteLength, 0);
  const sizeBytes = plan.layers.reduce((sum, { size }) => sum + size, configBytes);
  const manifests = parts.map((part, at) => ({
    ...built[at]!.descriptor,
    ...(part.platform === undefined ? {} : { platform: part.platform }),
  }));
  for (const { bytes, mediaType } of built) await repository.putManifest(bytes, mediaType);
  const [only] = built;
  const top =
    built.length === 1 && only !== undefined
      ? only
      : { bytes: encodeIndex(plan, manifests, created), mediaType: MEDIA_TYPES.imageIndex };
  const descriptor = await repository.putManifest(top.bytes, top.mediaType);
  return {
    descriptor,
    sizeBytes,
    pointTag: async () => void (await repository.putManifest(top.bytes, top.mediaType, tag)),
  };
}

/**
 * As Go's encoder writes it, and without an artifact type where the format does not ask for one: older skopeo (1.9) writes every index anew before it copies
 * it with all its members, and keeps the digest only when the bytes come out the same.
 */
function encodeIndex(plan: ArtifactPlan, manifests: readonly Descriptor[], created: string): Buffer {
  const annotations = { ...annotationsOf(plan, plan, created), ...plan.indexAnnotations };
  const sorted = Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1));
  const json = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageIndex,
    ...(plan.indexType === undefined ? {} : { artifactType: plan.indexType }),
    manifests,
    annotations: Object.fromEntries(sorted),
  };
  const escaped = /[<>&\u2028\u2029]/g;
  const text = JSON.stringify(json).replace(escaped, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return Buffer.from(text);
}
