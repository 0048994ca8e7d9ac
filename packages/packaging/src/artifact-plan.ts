// What a kind's packer makes of a directory, and how it becomes a manifest: blobs first, the tag last.
import type { Clock, Digest } from "@pratique/core";
import { digestOf } from "@pratique/core";
import { KIND_ANNOTATION, type Kind } from "@pratique/contracts";
import type { SbomComponent } from "@pratique/evidence";
import { MEDIA_TYPES, type Descriptor, type LocalRepository } from "@pratique/oci";

/** Something that went into an artifact, as provenance names it. */
export interface Material {
  readonly uri: string;
  readonly digest: Readonly<Record<string, string>>;
  readonly name?: string;
}

/** An artifact whose layers are in the repository already and whose manifest is not made yet. */
export interface ArtifactPlan {
  readonly kind: Kind;
  readonly name: string;
  readonly version: string;
  readonly description: string | undefined;
  readonly licences: readonly string[];
  readonly artifactType: string | undefined;
  readonly configMediaType: string;
  /** The config blob; some formats say in it when the artifact was created. */
  config(created: string): Uint8Array | string;
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly components: readonly SbomComponent[];
  readonly materials: readonly Material[];
  readonly buildType: string;
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

interface BuiltManifest {
  readonly bytes: Uint8Array;
  readonly config: Uint8Array;
  readonly digest: Digest;
}

function build(plan: ArtifactPlan, created: string): BuiltManifest {
  const config = Buffer.from(plan.config(created));
  const annotations: Record<string, string> = {
    ...plan.annotations,
    [ANNOTATIONS.kind]: plan.kind,
    [ANNOTATIONS.title]: plan.annotations[ANNOTATIONS.title] ?? plan.name,
    [ANNOTATIONS.version]: plan.version,
    [ANNOTATIONS.created]: created,
    ...(plan.description === undefined ? {} : { [ANNOTATIONS.description]: plan.description }),
    ...(plan.licences.length === 0 ? {} : { [ANNOTATIONS.licences]: plan.licences.join(" AND ") }),
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.imageManifest,
    ...(plan.artifactType === undefined ? {} : { artifactType: plan.artifactType }),
    config: { mediaType: plan.configMediaType, digest: digestOf(config), size: config.byteLength },
    layers: plan.layers,
    annotations: Object.fromEntries(Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  return { bytes, config, digest: digestOf(bytes) };
}

function createdOf(manifest: Uint8Array): string | undefined {
  try {
    const json: unknown = JSON.parse(Buffer.from(manifest).toString("utf8"));
    if (typeof json !== "object" || json === null || !("annotations" in json)) return undefined;
    const annotations = new Map(Object.entries(json.annotations ?? {}));
    const created: unknown = annotations.get(ANNOTATIONS.created);
    return typeof created === "string" && created.length <= 40 ? created : undefined;
  } catch {
    return undefined;
  }
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

/**
 * Stores config and manifest; `pointTag` then lets others see it.
 * Without `createdAt`, packing what the tag already holds gives the digest that is there: nothing changed.
 */
export async function publishPlan(
  plan: ArtifactPlan,
  o: { repository: LocalRepository; tag: string; clock: Clock; createdAt: Date | undefined },
): Promise<Publication> {
  let built = build(plan, timestamp(o.createdAt ?? o.clock.now()));
  if (o.createdAt === undefined) {
    const present = await o.repository.manifest(o.tag);
    const created = present === undefined ? undefined : createdOf(present.bytes);
    const again = created === undefined ? undefined : build(plan, created);
    if (again !== undefined && again.digest === present?.descriptor.digest) built = again;
  }
  const { bytes, config } = built;
  await o.repository.putBlob(config);
  const descriptor = await o.repository.putManifest(bytes, MEDIA_TYPES.imageManifest);
  return {
    descriptor,
    sizeBytes: plan.layers.reduce((sum, { size }) => sum + size, config.byteLength),
    pointTag: async () => void (await o.repository.putManifest(bytes, MEDIA_TYPES.imageManifest, o.tag)),
  };
}
