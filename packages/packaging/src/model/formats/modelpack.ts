// CNCF ModelPack (model-spec 0.0.7), and the names it had before (`vnd.cnai`): https://github.com/modelpack/model-spec
import { canonicalJson, isJsonObject, parseJson, type JsonObject } from "@pratique/core";
import type { Descriptor } from "@pratique/oci";
import { basename } from "node:path";
import { sortEntries } from "../../archive/tar-writer.ts";
import type { CanonicalModel, ModelFile, ModelFormatCodec } from "../canonical-model.ts";
import { present } from "../headers/model-facts.ts";
import { roleOf } from "../model-files.ts";
import { MODEL_ROLES, type ModelFileRole, type ModelMetadata } from "../model-metadata.ts";
import { isTarType, putRawLayer, rawLayerFile, tarLayerFiles, type LayerFile } from "./model-layers.ts";
import {
  commonParts,
  configJson,
  foreignOf,
  imageManifestOf,
  modelAnnotations,
  objectIn,
  orElse,
  textIn,
  without,
} from "./model-manifest.ts";

export const MODEL_MEDIA_TYPES = {
  artifact: "application/vnd.cncf.model.manifest.v1+json",
  config: "application/vnd.cncf.model.config.v1+json",
} as const;
/** Until June 2025. */
export const LEGACY_MODEL_TYPES = {
  artifact: "application/vnd.cnai.model.manifest.v1+json",
  config: "application/vnd.cnai.model.config.v1+json",
} as const;

export type LayerClass = "weight" | "weight.config" | "doc" | "code" | "dataset";
const CLASSES: Readonly<Record<ModelFileRole, LayerClass>> = {
  weight: "weight",
  mmproj: "weight",
  adapter: "weight",
  config: "weight.config",
  tokenizer: "weight.config",
  template: "weight.config",
  "go-template": "weight.config",
  params: "weight.config",
  system: "doc",
  messages: "doc",
  licence: "doc",
  doc: "doc",
  code: "code",
  dataset: "dataset",
};
const LAYER_TYPE = /^application\/vnd\.(?:cncf|cnai)\.model\.(weight\.config|weight|doc|code|dataset)\.v1\.([a-z+]+)$/;

/** Keeps the role, since the media type alone does not tell a template from a config. */
const ROLE_ANNOTATION = "dev.pratique.model.role";
const FILEPATH = ["org.cncf.model.filepath", "org.cnai.model.filepath"] as const;
const METADATA = ["org.cncf.model.file.metadata+json", "org.cnai.model.file.metadata+json"] as const;
const MEDIA_TYPE = "org.cncf.model.file.mediatype.untested";
const TITLE = "org.opencontainers.image.title";
const EPOCH = "1970-01-01T00:00:00Z";

export function layerTypeOf(role: ModelFileRole, form: "raw" | "tar"): string {
  return `application/vnd.cncf.model.${CLASSES[role]}.v1.${form}`;
}

export function layerClassOf(role: ModelFileRole): LayerClass {
  return CLASSES[role];
}

/** Annotations of a file's layer: its path for unpacking, its title for `oras pull`, its mode and its time. */
export function fileAnnotations(file: ModelFile): Record<string, string> {
  const metadata = {
    name: basename(file.path),
    mode: file.mode,
    uid: 0,
    gid: 0,
    size: file.size,
    mtime: file.modified ?? EPOCH,
    typeflag: 48,
  };
  return {
    ...file.annotations,
    [METADATA[0]]: JSON.stringify(metadata),
    [FILEPATH[0]]: file.path,
    ...(file.mediaType === undefined ? {} : { [MEDIA_TYPE]: file.mediaType }),
    [TITLE]: file.path,
  };
}

/** What the annotations of a raw layer say of its file; other formats use the same ones. */
export function annotatedFile(layer: Descriptor, fallback: string): { path: string; mode?: number; modified?: string } {
  const annotations = layer.annotations ?? {};
  const path =
    FILEPATH.map((key) => annotations[key]).find((one) => one !== undefined) ?? annotations[TITLE] ?? fallback;
  const text = METADATA.map((key) => annotations[key]).find((one) => one !== undefined);
  const metadata = text === undefined || text.length > 4096 ? undefined : parsed(text);
  const mode = metadata?.["mode"];
  const modified = textIn(metadata, "mtime");
  return {
    path,
    // Go's os.FileMode keeps the type in the high bits.
    ...(typeof mode === "number" && Number.isInteger(mode) && mode >= 0 ? { mode: mode & 0o777 } : {}),
    ...(modified === undefined || modified === EPOCH || Number.isNaN(Date.parse(modified)) ? {} : { modified }),
  };
}

function parsed(text: string): JsonObject | undefined {
  try {
    const json = parseJson(text, "the file's metadata");
    return isJsonObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

/** Annotations of a layer that no member of a file stands for. */
export function otherAnnotations(layer: Descriptor): { annotations?: Record<string, string>; mediaType?: string } {
  const known: readonly string[] = [
    ...FILEPATH,
    ...METADATA,
    MEDIA_TYPE,
    TITLE,
    ROLE_ANNOTATION,
    "dev.pratique.tar",
    "dev.pratique.tar.root",
  ];
  const others = Object.entries(layer.annotations ?? {}).filter(([key]) => !known.includes(key));
  const mediaType = layer.annotations?.[MEDIA_TYPE];
  return {
    ...(others.length === 0 ? {} : { annotations: Object.fromEntries(others) }),
    ...(mediaType === undefined ? {} : { mediaType }),
  };
}

/** The role of a file in a layer of a class: what the layer says, else what its name says within the class. */
export function roleInClass(path: string, layerClass: string, stated: string | undefined): ModelFileRole {
  const role = MODEL_ROLES.find((one) => one === stated);
  if (role !== undefined) return role;
  const byName = roleOf(path);
  if (CLASSES[byName] === layerClass) return byName;
  return layerClass === "weight.config" ? "config" : (MODEL_ROLES.find((one) => one === layerClass) ?? "doc");
}

/** The config of a ModelPack manifest. */
export function modelPackConfig(
  model: CanonicalModel,
  version: string,
  diffIds: readonly string[],
  created: string,
): JsonObject {
  const { metadata } = model;
  const said = model.foreign["modelpack"];
  const value = (key: string, one: string | undefined) => (one === undefined ? {} : { [key]: one });
  return {
    descriptor: {
      createdAt: created,
      ...value("name", model.name),
      version: model.version ?? version,
      ...value("description", model.description),
      ...(metadata.licences === undefined ? {} : { licenses: metadata.licences }),
      ...(metadata.authors === undefined ? {} : { authors: metadata.authors }),
      ...objectIn(said, "descriptor"),
    },
    config: {
      ...value("architecture", metadata.architecture),
      ...value("format", metadata.format),
      ...value("paramSize", metadata.paramSize),
      ...value("precision", metadata.precision),
      ...value("quantization", metadata.quantization?.toLowerCase()),
      ...objectIn(said, "config"),
    },
    // The digests of what a layer unpacks to; ours are never compressed.
    modelfs: { type: "layers", diffIds },
  };
}

export const modelPack: ModelFormatCodec = {
  async write(model, { repository, version }) {
    const layers: Descriptor[] = [];
    for (const file of model.files) {
      const stored = await putRawLayer(repository, file);
      const annotations = { [ROLE_ANNOTATION]: file.role, ...fileAnnotations(file) };
      layers.push({ mediaType: layerTypeOf(file.role, "raw"), ...stored, annotations });
    }
    const diffIds = layers.map(({ digest }) => digest);
    return {
      artifactType: MODEL_MEDIA_TYPES.artifact,
      configMediaType: MODEL_MEDIA_TYPES.config,
      config: (created) => canonicalJson(modelPackConfig(model, version, diffIds, created)),
      layers,
      annotations: modelAnnotations(model),
    };
  },

  async read(repository, manifest) {
    const image = imageManifestOf(repository, manifest);
    const config = await configJson(repository, image.config);
    const descriptor = objectIn(config, "descriptor");
    const settings = objectIn(config, "config");
    const files: ModelFile[] = [];
    for (const layer of image.layers) {
      const [, layerClass = "", form = ""] = LAYER_TYPE.exec(layer.mediaType) ?? [];
      const stated = layer.annotations?.[ROLE_ANNOTATION];
      // Docker Model Runner wrote weight.v1.gguf and weight.v1.safetensors: raw files by another name.
      const found: LayerFile[] = isTarType(form)
        ? await tarLayerFiles(repository, layer)
        : layerClass === "" && layer.annotations === undefined
          ? []
          : [rawLayerFile(repository, layer, annotatedFile(layer, `${layer.digest.slice(7, 19)}.${form || "bin"}`))];
      const others = found.length === 1 ? otherAnnotations(layer) : {};
      for (const file of found) files.push({ ...file, role: roleInClass(file.path, layerClass, stated), ...others });
    }
    const common = commonParts(image.annotations);
    const stated: ModelMetadata = {
      ...metadataPart("architecture", textIn(settings, "architecture")),
      ...metadataPart("paramSize", textIn(settings, "paramSize")),
      ...metadataPart("precision", textIn(settings, "precision")),
      ...metadataPart("quantization", textIn(settings, "quantization")?.toUpperCase()),
      ...formatPart(textIn(settings, "format")),
      ...textsPart("licences", descriptor["licenses"]),
      ...textsPart("authors", descriptor["authors"]),
    };
    const metadata = orElse(common.metadata, stated);
    return {
      kind: "model",
      ...namesIn(descriptor),
      ...common,
      files: sortEntries(files),
      metadata,
      foreign: foreignOf("modelpack", {
        descriptor: without(descriptor, ["createdAt", "name", "version", "description", "licenses", "authors"]),
        config: leftOver(settings, metadata),
      }),
    };
  },
};

/** Members of the config that say something else than the metadata, which other sources may have made more precise. */
function leftOver(settings: JsonObject, metadata: ModelMetadata): JsonObject {
  const said: Readonly<Record<string, string | undefined>> = {
    architecture: metadata.architecture,
    format: metadata.format,
    paramSize: metadata.paramSize,
    precision: metadata.precision,
    quantization: metadata.quantization?.toLowerCase(),
  };
  return without(
    settings,
    Object.keys(said).filter((key) => said[key] === settings[key]),
  );
}

function namesIn(descriptor: JsonObject) {
  return present({
    name: textIn(descriptor, "name"),
    version: textIn(descriptor, "version"),
    description: textIn(descriptor, "description"),
    created: textIn(descriptor, "createdAt"),
  });
}

function metadataPart<K extends keyof ModelMetadata>(key: K, value: ModelMetadata[K] | undefined): ModelMetadata {
  return value === undefined ? {} : { [key]: value };
}

function textsPart(key: "licences" | "authors", value: unknown): ModelMetadata {
  if (!Array.isArray(value)) return {};
  const texts = value.filter((one): one is string => typeof one === "string" && one.length <= 1024).slice(0, 100);
  return { [key]: texts };
}

/** A weight format by the name that formats give it. */
export function formatPart(name: string | undefined): ModelMetadata {
  const known = (["gguf", "safetensors", "onnx", "dduf"] as const).find((one) => one === name?.toLowerCase());
  return known === undefined ? {} : { format: known };
}
