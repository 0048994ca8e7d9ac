// From a source of any kind to an artifact in a repository. The tag appears last, so that nobody sees half of one.
import type { Clock, JsonObject, Log } from "@pratique/core";
import type { Kind } from "@pratique/contracts";
import type { SbomComponent } from "@pratique/sbom";
import type { Descriptor, LocalRepository } from "@pratique/oci";
import { publishPlan, type ArtifactPlan, type Material } from "./artifact-plan.ts";
import type { PackableKind } from "./detect-kind.ts";
import type { BaseImage } from "./mcp-server/base-image.ts";
import type { PythonIndex } from "./mcp-server/python-wheels.ts";
import type { BundleEntry } from "./mcp-server/raw-bundle.ts";
import type { ServerBases } from "./mcp-server/server-image.ts";
import type { ModelFormat } from "./model/canonical-model.ts";
import type { RunCommand } from "./run-command.ts";

export interface PackSourceOptions<Attached = unknown> {
  /** Where it goes, or who tells where an artifact of that name goes. */
  readonly repository: LocalRepository | ((name: string) => LocalRepository);
  /** By default the artifact's own version. */
  readonly tag?: string;
  readonly cacheDirectory: string;
  readonly clock: Clock;
  readonly log: Log;
  /** When the artifact says it was created (SOURCE_DATE_EPOCH); by default 1970, so that two homes make one digest. */
  readonly createdAt?: Date;
  /** What a Node server stands on. Make it once, so that concurrent packs share the work. */
  readonly base?: BaseImage;
  /** What servers of other runtimes stand on. */
  readonly bases?: ServerBases;
  /** Where Python packages come from. */
  readonly python?: PythonIndex;
  /** How an mcp-server becomes one file; by default in this process. */
  readonly bundle?: BundleEntry;
  /** In place of `base`: the node binary for the Debian base. */
  readonly node?: string;
  readonly runCommand?: RunCommand;
  /** Looks at an agent's definition before anything is stored; throws when it is not one that can run. */
  readonly checkAgent?: (text: string, fileName: string) => void;
  /** How a model is written; by default as ModelPack with raw layers. */
  readonly model?: { readonly format?: ModelFormat | undefined; readonly isDual?: boolean | undefined };
  readonly onProgress?: (progress: PackProgress) => void;
  /** Runs when the manifest is stored and before its tag appears: for SBOM, provenance and signature. */
  readonly attach?: (repository: LocalRepository, packed: Packed) => Promise<Attached>;
}

export interface PackProgress {
  readonly step: "reading" | "storing" | "attaching" | "done";
  readonly kind?: Kind;
}

export interface Packed {
  readonly kind: Kind;
  readonly name: string;
  readonly version: string;
  readonly descriptor: Descriptor;
  /** Name of the repository, and the tag in it. */
  readonly repository: string;
  readonly tag: string;
  /** Of config and layers together. */
  readonly sizeBytes: number;
  readonly components: readonly SbomComponent[];
  readonly materials: readonly Material[];
  readonly buildType: string;
  readonly externalParameters: JsonObject;
  readonly licences: readonly string[];
  /** What somebody should know who uses it. */
  readonly notes: readonly string[];
}

export const DEFAULT_VERSION = "0.1.0";

/** What was read, before anything is stored. */
export interface PlannedSource {
  readonly name: string;
  plan(repository: LocalRepository, options: PackSourceOptions): Promise<ArtifactPlan>;
}

/** What packing needs to know of a source of any kind. */
export interface PackableSource extends PlannedSource {
  readonly kind: PackableKind;
  /** What provenance says of where it came from. */
  readonly parameters: JsonObject;
}

/** Packs what a source plans. @throws as `packDirectory` */
export async function packSource(
  source: PackableSource,
  options: PackSourceOptions,
): Promise<Packed & { readonly attached?: unknown }> {
  const { kind } = source;
  const repository =
    typeof options.repository === "function" ? options.repository(repositoryNameOf(source.name)) : options.repository;
  options.onProgress?.({ step: "storing", kind });
  const plan = await source.plan(repository, options);
  const tag = options.tag ?? tagOf(plan.version);
  const publication = await publishPlan(plan, { repository, tag, createdAt: options.createdAt });
  const packed: Packed = {
    kind,
    name: plan.name,
    version: plan.version,
    descriptor: publication.descriptor,
    repository: repository.name,
    tag,
    sizeBytes: publication.sizeBytes,
    components: plan.components,
    materials: plan.materials,
    buildType: plan.buildType,
    externalParameters: externalParametersOf(source, options, repository.name, tag),
    licences: plan.licences,
    notes: plan.notes ?? [],
  };
  options.onProgress?.({ step: "attaching", kind });
  const attached = await options.attach?.(repository, packed);
  await publication.pointTag();
  options.onProgress?.({ step: "done", kind });
  return options.attach === undefined ? packed : { ...packed, attached };
}

/** `Voyage Model` → `voyage-model`: a name that repositories may have. */
function repositoryNameOf(name: string): string {
  const parts = name.toLowerCase().split("/");
  const clean = parts.map((part) =>
    part
      .replace(/[^a-z0-9._-]+/g, "-")
      .replace(/[._-]{2,}/g, "-")
      .replace(/^[._-]+|[._-]+$/g, ""),
  );
  return clean.filter((part) => part !== "").join("/") || "artifact";
}

function tagOf(version: string): string {
  return (
    version
      .replace(/[^A-Za-z0-9._-]/g, "-")
      .replace(/^[.-]+/, "")
      .slice(0, 128) || DEFAULT_VERSION
  );
}

function externalParametersOf(
  source: PackableSource,
  o: PackSourceOptions,
  repository: string,
  tag: string,
): JsonObject {
  const { kind, parameters } = source;
  const { format, isDual } = o.model ?? {};
  return {
    ...parameters,
    kind,
    repository,
    tag,
    ...(kind === "mcp-server" ? { base: o.base?.name ?? "debian" } : {}),
    ...(format === undefined ? {} : { format }),
    ...(isDual === undefined ? {} : { dual: isDual }),
    // SOURCE_DATE_EPOCH: with another one the digest is another.
    ...(o.createdAt === undefined ? {} : { createdAt: o.createdAt.toISOString() }),
  };
}
