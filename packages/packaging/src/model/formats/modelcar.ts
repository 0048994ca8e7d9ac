// ModelCar: a runnable image with the model below /models (kserve), and the dual form that ModelPack's readers share.
import { canonicalJson, type JsonObject } from "@pratique/core";
import {
  MEDIA_TYPES,
  parseManifest,
  type Descriptor,
  type LocalRepository,
  type Manifest,
  type Repository,
} from "@pratique/oci";
import type { PlannedManifest } from "../../artifact-plan.ts";
import { sortEntries } from "../../archive/tar-writer.ts";
import type { CanonicalModel, ModelFile, ModelFormatCodec } from "../canonical-model.ts";
import { roleOf } from "../model-files.ts";
import { isTarType, putTarLayer, tarLayerFiles } from "./model-layers.ts";
import {
  commonParts,
  configJson,
  foreignOf,
  imageManifestOf,
  malformed,
  modelAnnotations,
  objectIn,
  without,
} from "./model-manifest.ts";
import { layerClassOf, layerTypeOf, MODEL_MEDIA_TYPES, modelPackConfig } from "./modelpack.ts";

/** What says of a runnable image that it is a model and nothing to run. */
export const MODELCAR_TYPE = "application/vnd.pratique.modelcar.v1";
/** On an index, whose own artifact type older tools lose. */
export const FORMAT_ANNOTATION = "dev.pratique.model.format";
const FILEPATH = "org.cncf.model.filepath";
const TITLE = "org.opencontainers.image.title";
const ROOT = "models";
const PLATFORMS = ["amd64", "arm64"] as const;
/** Of Docker's images; one weight file a layer, and what is small shares one. */
const MOST_LAYERS = 100;
const SMALL_BYTES = 16 * 2 ** 20;

interface CarLayer {
  readonly files: readonly ModelFile[];
  readonly descriptor: Omit<Descriptor, "mediaType">;
}

/** Large files have a layer each; the small ones of a class share one, so that an image stays below its limit. */
function groupsOf(files: readonly ModelFile[]): ModelFile[][] {
  const own = files.filter(({ role, size }) => layerClassOf(role) === "weight" && size > SMALL_BYTES);
  const large = own.length > MOST_LAYERS ? [...own].sort((a, b) => b.size - a.size).slice(0, MOST_LAYERS) : own;
  const groups = new Map<string, ModelFile[]>();
  for (const file of files) {
    const key = large.includes(file) ? `${layerClassOf(file.role)}:${file.path}` : layerClassOf(file.role);
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  return [...groups.values()];
}

async function carLayers(repository: LocalRepository, files: readonly ModelFile[]): Promise<CarLayer[]> {
  const layers: CarLayer[] = [];
  for (const group of groupsOf(files)) {
    const descriptor = await putTarLayer(repository, group, { root: ROOT, isAligned: true });
    layers.push({ files: group, descriptor });
  }
  return layers;
}

export const modelCar: ModelFormatCodec = {
  async write(model, { repository, version, isDual = false }) {
    const layers = await carLayers(repository, model.files);
    const [first, ...others] = PLATFORMS.map((architecture) => imageOf(model, layers, architecture, version));
    const dual = isDual ? [packOf(model, layers, version)] : [];
    return {
      ...first!,
      besides: [...others, ...dual],
      indexAnnotations: { [FORMAT_ANNOTATION]: isDual ? "dual" : "modelcar" },
    };
  },

  async read(repository, manifest) {
    const member = await memberOf(repository, manifest);
    const image = imageManifestOf(repository, member);
    const config = await configJson(repository, image.config);
    const files = new Map<string, ModelFile>();
    for (const layer of image.layers) {
      if (!isTarType(layer.mediaType) && !layer.mediaType.includes("tar")) continue;
      // A later layer wins, as in the root file system that they make.
      for (const file of await tarLayerFiles(repository, layer, ROOT)) {
        files.set(file.path, { ...file, role: roleOf(file.path) });
      }
    }
    if (files.size === 0) throw malformed(repository, manifest, "it has no files below /models");
    const common = commonParts(image.annotations);
    const settings = objectIn(config, "config");
    return {
      kind: "model",
      ...common,
      files: sortEntries([...files.values()]),
      metadata: common.metadata,
      foreign: foreignOf("modelcar", {
        config: without(settings, ["Labels"]),
        labels: without(objectIn(settings, "Labels"), Object.keys(labelsOf(common.name, common.version))),
        top: without(config, ["config", "created", "architecture", "os", "rootfs", "history", "variant"]),
      }),
    };
  },
};

function labelsOf(name: string | undefined, version: string | undefined): Record<string, string> {
  return {
    ...(name === undefined ? {} : { "org.opencontainers.image.title": name }),
    ...(version === undefined ? {} : { "org.opencontainers.image.version": version }),
  };
}

function imageOf(
  model: CanonicalModel,
  layers: readonly CarLayer[],
  architecture: string,
  version: string,
): PlannedManifest {
  const said = model.foreign["modelcar"];
  const config = (created: string): JsonObject => ({
    ...objectIn(said, "top"),
    created,
    architecture,
    os: "linux",
    config: {
      ...objectIn(said, "config"),
      Labels: { ...labelsOf(model.name, model.version ?? version), ...objectIn(said, "labels") },
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ descriptor }) => descriptor.digest) },
    history: layers.map(({ files }) => ({
      created,
      created_by: `pratique: ${files
        .map(({ path }) => path)
        .join(" ")
        .slice(0, 200)}`,
    })),
  });
  return {
    artifactType: MODELCAR_TYPE,
    configMediaType: MEDIA_TYPES.imageConfig,
    config: (created) => canonicalJson(config(created)),
    layers: layers.map(({ descriptor }) => ({ mediaType: MEDIA_TYPES.layerTar, ...descriptor })),
    annotations: modelAnnotations(model),
    platform: { architecture, os: "linux" },
  };
}

/** The same blobs as ModelPack's tar layers. */
function packOf(model: CanonicalModel, layers: readonly CarLayer[], version: string): PlannedManifest {
  const diffIds = layers.map(({ descriptor }) => descriptor.digest);
  return {
    artifactType: MODEL_MEDIA_TYPES.artifact,
    configMediaType: MODEL_MEDIA_TYPES.config,
    config: (created) => canonicalJson(modelPackConfig(model, version, diffIds, created)),
    layers: layers.map(({ files, descriptor }) => ({
      mediaType: layerTypeOf(files[0]!.role, "tar"),
      ...descriptor,
      // Who unpacks by the manifest alone (kit) wants a path of every layer, be it of a directory.
      annotations: {
        ...descriptor.annotations,
        [TITLE]: titleOf(files),
        [FILEPATH]: files.length === 1 ? `${ROOT}/${files[0]!.path}` : ROOT,
      },
    })),
    annotations: modelAnnotations(model),
    // As BuildKit marks its attestations: whoever looks for a platform to run on passes it over.
    platform: { architecture: "unknown", os: "unknown" },
  };
}

/** What `oras pull` calls the layer: after its only file, or after what its files are. */
function titleOf(files: readonly ModelFile[]): string {
  const [first, ...others] = files;
  if (first === undefined || others.length > 0) return `${layerClassOf(first?.role ?? "doc")}.tar`;
  return `${first.path.replaceAll("/", "_")}.tar`;
}

/** The image in an index of images, for any platform: the model is the same in all. */
async function memberOf(repository: Repository, manifest: Manifest): Promise<Manifest> {
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  if (parsed.type === "image") return manifest;
  const images = parsed.manifest.manifests.filter(({ platform }) => platform?.os !== "unknown");
  const chosen =
    images.find(({ platform }) => platform?.os === "linux" && platform.architecture === "amd64") ?? images[0];
  const member = chosen === undefined ? undefined : await repository.manifest(chosen.digest);
  if (member === undefined) throw malformed(repository, manifest, "it names no image that is here");
  return member;
}
