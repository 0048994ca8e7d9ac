// Every format a model can have: which one a manifest is in, reading it, and writing it so that nothing is lost.
import { artifactTypeOf, parseManifest, type Manifest, type Repository } from "@pratique/oci";
import { draftManifest, type ArtifactPlan, type PlannedManifest } from "../artifact-plan.ts";
import { applyResidue, RESIDUE_ANNOTATION, residueOf } from "../canonical/residue.ts";
import { packagingErrors } from "../errors.ts";
import {
  type CanonicalModel,
  type ModelFormat,
  type ModelFormatCodec,
  type WriteModelOptions,
} from "./canonical-model.ts";
import { ModelFileRole, ModelMetadata } from "./model-metadata.ts";
import { DOCKER_CONFIGS, dockerModel } from "./formats/docker-model.ts";
import { KITOPS_CONFIG, KITOPS_TYPE, kitOps } from "./formats/kitops.ts";
import { malformed } from "./formats/model-manifest.ts";
import { FORMAT_ANNOTATION, MODELCAR_TYPE, modelCar } from "./formats/modelcar.ts";
import { LEGACY_MODEL_TYPES, MODEL_MEDIA_TYPES, modelPack } from "./formats/modelpack.ts";
import { OLLAMA_CONFIG, OLLAMA_OTHER, OLLAMA_PREFIX, ollama } from "./formats/ollama.ts";

const CODECS: Readonly<Record<ModelFormat, ModelFormatCodec>> = {
  modelpack: modelPack,
  docker: dockerModel,
  kitops: kitOps,
  modelcar: modelCar,
  ollama,
};

/** Artifact types and config types that only models have. */
const FORMAT_OF_TYPE: ReadonlyMap<string, ModelFormat> = new Map<string, ModelFormat>([
  [MODEL_MEDIA_TYPES.artifact, "modelpack"],
  [MODEL_MEDIA_TYPES.config, "modelpack"],
  [LEGACY_MODEL_TYPES.artifact, "modelpack"],
  [LEGACY_MODEL_TYPES.config, "modelpack"],
  [DOCKER_CONFIGS["0.1"], "docker"],
  [DOCKER_CONFIGS["0.2"], "docker"],
  [KITOPS_CONFIG, "kitops"],
  [KITOPS_TYPE, "kitops"],
  [MODELCAR_TYPE, "modelcar"],
]);

/**
 * The format of a model's manifest, by types that nothing but a model has; undefined when it has none of them.
 * A ModelCar of strangers is an image like any other: nothing in its manifest tells.
 */
export function modelFormatOf(manifest: Pick<Manifest, "bytes" | "mediaType">): ModelFormat | undefined {
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  const byType = FORMAT_OF_TYPE.get(artifactTypeOf(parsed) ?? "");
  if (parsed.type === "index") {
    const { [FORMAT_ANNOTATION]: format } = parsed.manifest.annotations ?? {};
    return format === "modelcar" || format === "dual" ? "modelcar" : undefined;
  }
  const { config, layers } = parsed.manifest;
  return (
    FORMAT_OF_TYPE.get(config.mediaType) ??
    byType ??
    (config.mediaType === OLLAMA_CONFIG &&
    layers.some(({ mediaType }) => mediaType.startsWith(OLLAMA_PREFIX) || mediaType === OLLAMA_OTHER)
      ? "ollama"
      : undefined)
  );
}

/** Reads a model in whatever format it is. @throws `artifact.malformed`, `archive.*` */
export async function readModel(
  repository: Repository,
  manifest: Manifest,
  format?: ModelFormat,
): Promise<CanonicalModel> {
  const known = format ?? modelFormatOf(manifest);
  if (known === undefined) throw malformed(repository, manifest, "it is in no format of models");
  const read = await CODECS[known].read(repository, manifest);
  requireOncePerPath(read);
  const model = applyResidue(
    read,
    parseManifest(manifest.bytes, manifest.mediaType).manifest.annotations?.[RESIDUE_ANNOTATION],
  );
  const metadata = ModelMetadata.safeParse(model.metadata).data;
  const isSound = model.files.every(({ role }) => ModelFileRole.safeParse(role).success);
  if (metadata === undefined || !isSound)
    throw malformed(repository, manifest, "what it says of itself has the wrong shape");
  return { ...model, metadata };
}

function requireOncePerPath({ files }: CanonicalModel): void {
  const seen = new Set<string>();
  for (const { path } of files) {
    if (seen.has(path))
      throw packagingErrors("archive.unsafe", { entry: path.slice(0, 200), reason: "it is there twice" });
    seen.add(path);
  }
}

/** What a plan of a model needs beside its manifest. */
export type ModelPlanFacts = Pick<ArtifactPlan, "components" | "materials" | "buildType">;

/** Stores a model's layers in a format, and keeps what the format cannot say in an annotation. */
export async function writeModel(
  given: CanonicalModel,
  format: ModelFormat,
  o: WriteModelOptions & ModelPlanFacts,
): Promise<ArtifactPlan> {
  if (o.isDual === true && format !== "modelcar" && format !== "modelpack") {
    throw packagingErrors("model.not-dual", { format });
  }
  // From now on it has a version: another format is another form of the same.
  const model = { ...given, version: given.version ?? o.version };
  const codec = CODECS[o.isDual === true ? "modelcar" : format];
  const manifest = inOrder(await codec.write(model, o));
  const { components, materials, buildType } = o;
  const plan: ArtifactPlan = {
    kind: "model",
    name: model.name ?? "model",
    version: model.version,
    description: model.description,
    licences: model.metadata.licences ?? [],
    components,
    materials,
    buildType,
    ...manifest,
  };
  const draft = await draftManifest(plan, o.repository);
  const residue = residueOf(model, await codec.read(o.repository, draft));
  return residue === undefined ? plan : { ...plan, ...withAnnotation(plan, residue) };
}

/** Annotations in one order, wherever they were read from: the same model is the same manifest. */
function inOrder(part: PlannedManifest): PlannedManifest {
  const layers = part.layers.map((layer) => {
    const annotations = Object.entries(layer.annotations ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
    return annotations.length === 0 ? layer : { ...layer, annotations: Object.fromEntries(annotations) };
  });
  return { ...part, layers, ...(part.besides === undefined ? {} : { besides: part.besides.map(inOrder) }) };
}

function withAnnotation(plan: PlannedManifest, residue: string): Pick<PlannedManifest, "annotations" | "besides"> {
  const add = (annotations: PlannedManifest["annotations"]) => ({ ...annotations, [RESIDUE_ANNOTATION]: residue });
  const besides = plan.besides?.map((part) => ({ ...part, annotations: add(part.annotations) }));
  return { annotations: add(plan.annotations), ...(besides === undefined ? {} : { besides }) };
}
