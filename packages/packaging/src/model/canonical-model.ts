// A model between two formats.
import type { LocalRepository, Manifest, Repository } from "@pratique/oci";
import type { PlannedManifest } from "../artifact-plan.ts";
import type { CanonicalArtifact, CanonicalFile } from "../canonical/canonical-artifact.ts";
import type { ModelFileRole, ModelMetadata } from "./model-metadata.ts";

export type ModelFile = CanonicalFile<ModelFileRole>;
export type CanonicalModel = CanonicalArtifact<"model", ModelMetadata, ModelFileRole>;

export const MODEL_FORMATS = ["modelpack", "docker", "kitops", "modelcar", "ollama"] as const;
export type ModelFormat = (typeof MODEL_FORMATS)[number];

export interface WriteModelOptions {
  readonly repository: LocalRepository;
  /** Of an artifact that states none itself. */
  readonly version: string;
  /** ModelPack and ModelCar at once, on the same tar layers. */
  readonly isDual?: boolean;
}

/** What a format's writer and reader each do; neither knows another format. */
export interface ModelFormatCodec {
  write(model: CanonicalModel, options: WriteModelOptions): Promise<PlannedManifest>;
  /** Only what the format itself says; the residue is put back by the caller. */
  read(repository: Repository, manifest: Manifest): Promise<CanonicalModel>;
}
