// Ollama's format: a Docker manifest whose layers are the model and what its Modelfile says (github.com/ollama/ollama).
import { canonicalJson, type JsonObject } from "@pratique/core";
import { MEDIA_TYPES, type Descriptor } from "@pratique/oci";
import { sortEntries } from "../../archive/tar-writer.ts";
import { pathProblem } from "../../archive/entry-path.ts";
import type { CanonicalModel, ModelFile, ModelFormatCodec } from "../canonical-model.ts";
import type { ModelFileRole, ModelMetadata } from "../model-metadata.ts";
import { freeName } from "./docker-model.ts";
import { putRawLayer, rawLayerFile } from "./model-layers.ts";
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
import { annotatedFile, formatPart, otherAnnotations } from "./modelpack.ts";

export const OLLAMA_PREFIX = "application/vnd.ollama.image.";
export const OLLAMA_CONFIG = "application/vnd.docker.container.image.v1+json";
/** What Ollama has no layer for. It passes over types that it does not know. */
export const OLLAMA_OTHER = "application/vnd.pratique.model.file.v1";

const TYPES: ReadonlyMap<string, readonly [ModelFileRole, string]> = new Map([
  ["model", ["weight", "model.gguf"]],
  ["projector", ["mmproj", "mmproj.gguf"]],
  ["adapter", ["adapter", "adapter.gguf"]],
  ["template", ["go-template", "template"]],
  ["prompt", ["go-template", "template"]],
  ["system", ["system", "system"]],
  ["params", ["params", "params.json"]],
  ["messages", ["messages", "messages.json"]],
  ["license", ["licence", "LICENSE"]],
  ["embed", ["doc", "embed"]],
  ["tokenizer", ["tokenizer", "tokenizer.json"]],
  ["tokenizer.config", ["tokenizer", "tokenizer_config.json"]],
  ["config", ["config", "config.json"]],
]);

const LAYERS: Partial<Readonly<Record<ModelFileRole, string>>> = {
  weight: "model",
  mmproj: "projector",
  adapter: "adapter",
  "go-template": "template",
  system: "system",
  params: "params",
  messages: "messages",
  licence: "license",
};
const ROLE_TYPE = "dev.pratique.ollama.type";

function layerTypeOf({ role, path, annotations }: ModelFile): string {
  const said = annotations?.[ROLE_TYPE];
  if (said?.startsWith(OLLAMA_PREFIX) === true) return said;
  const name = LAYERS[role];
  // Ollama's engine opens its model layers as GGUF; weights of another format are only kept.
  if (name === undefined || (role === "weight" && !/\.gguf$/i.test(path))) return OLLAMA_OTHER;
  return OLLAMA_PREFIX + name;
}

/** A type may have parameters: `application/vnd.ollama.image.tensor; name=…; dtype=…` (RFC 9110 §8.3.1). */
function described(
  layer: Descriptor,
  files: readonly ModelFile[],
): { role: ModelFileRole; path: string; type?: string } | undefined {
  if (!layer.mediaType.startsWith(OLLAMA_PREFIX)) return undefined;
  const [name = "", ...parameters] = layer.mediaType.slice(OLLAMA_PREFIX.length).split(";");
  if (name === "tensor") {
    const tensor = parameters.map((one) => /^\s*name=(.{1,200})$/.exec(one)?.[1]).find((one) => one !== undefined);
    const path = `tensors/${tensor ?? layer.digest.slice(7, 19)}`;
    return {
      role: "weight",
      path: freeName(files, pathProblem(path) === undefined ? path : `tensors/${layer.digest.slice(7, 19)}`),
      type: layer.mediaType,
    };
  }
  const [role, path] = TYPES.get(name) ?? ["doc", name.replace(/[^a-z0-9.]/g, "-") || "file"];
  const isOrdinary = layer.mediaType === OLLAMA_PREFIX + (LAYERS[role] ?? "");
  return { role, path: freeName(files, path), ...(isOrdinary ? {} : { type: layer.mediaType }) };
}

export const ollama: ModelFormatCodec = {
  async write(model, { repository }) {
    const layers: Descriptor[] = [];
    for (const file of model.files) {
      const stored = await putRawLayer(repository, file);
      const title = { "org.opencontainers.image.title": file.path };
      layers.push({ mediaType: layerTypeOf(file), ...stored, annotations: title });
    }
    return {
      mediaType: MEDIA_TYPES.dockerManifest,
      artifactType: undefined,
      configMediaType: OLLAMA_CONFIG,
      config: () => canonicalJson(ollamaConfig(model, layers)),
      layers,
      annotations: modelAnnotations(model),
    };
  },

  async read(repository, manifest) {
    const image = imageManifestOf(repository, manifest);
    const config = await configJson(repository, image.config);
    const files: ModelFile[] = [];
    for (const layer of image.layers) {
      const known = described(layer, files);
      const file = rawLayerFile(repository, layer, annotatedFile(layer, known?.path ?? freeName(files, "file")));
      const { annotations, ...others } = otherAnnotations(layer);
      const kept = { ...annotations, ...(known?.type === undefined ? {} : { [ROLE_TYPE]: known.type }) };
      files.push({
        ...file,
        role: known?.role ?? "doc",
        ...others,
        ...(Object.keys(kept).length === 0 ? {} : { annotations: kept }),
      });
    }
    const common = commonParts(image.annotations);
    const stated: ModelMetadata = {
      ...formatPart(textIn(config, "model_format")),
      ...part("architecture", textIn(config, "model_family")),
      ...part("paramSize", textIn(config, "model_type")),
      ...part("quantization", textIn(config, "file_type")),
    };
    return {
      kind: "model",
      ...common,
      files: sortEntries(files),
      metadata: orElse(common.metadata, stated),
      foreign: foreignOf("ollama", {
        config: without(config, [
          "model_format",
          "model_family",
          "model_type",
          "file_type",
          "architecture",
          "os",
          "rootfs",
        ]),
      }),
    };
  },
};

function ollamaConfig(model: CanonicalModel, layers: readonly Descriptor[]): JsonObject {
  const { metadata } = model;
  const said = objectIn(model.foreign["ollama"], "config");
  const value = (key: string, one: string | undefined) => (one === undefined ? {} : { [key]: one });
  return {
    ...value("model_format", metadata.format),
    ...value("model_family", metadata.architecture),
    ...(metadata.architecture === undefined ? {} : { model_families: [metadata.architecture] }),
    ...value("model_type", metadata.paramSize),
    ...value("file_type", metadata.quantization),
    ...said,
    // What it runs on, whatever it says: Ollama writes these two for every model.
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  };
}

function part(key: keyof ModelMetadata, value: string | undefined): ModelMetadata {
  return value === undefined ? {} : { [key]: value };
}
