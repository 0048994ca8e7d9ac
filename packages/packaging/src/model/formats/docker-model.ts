// Docker's model format, config v0.1 and v0.2 (github.com/docker/model-spec, and what Docker Model Runner really writes).
import { canonicalJson, type JsonObject } from "@pratique/core";
import type { Descriptor } from "@pratique/oci";
import { sortEntries } from "../../archive/tar-writer.ts";
import type { CanonicalModel, ModelFile, ModelFormatCodec } from "../canonical-model.ts";
import type { ModelFileRole, ModelMetadata } from "../model-metadata.ts";
import { isTarType, putRawLayer, rawLayerFile, tarLayerFiles } from "./model-layers.ts";
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
import { annotatedFile, fileAnnotations, formatPart, otherAnnotations } from "./modelpack.ts";
import { roleOf } from "../model-files.ts";

export const DOCKER_CONFIGS = {
  "0.1": "application/vnd.docker.ai.model.config.v0.1+json",
  "0.2": "application/vnd.docker.ai.model.config.v0.2+json",
} as const;

const FILE = "application/vnd.docker.ai.model.file";
const LICENCE = "application/vnd.docker.ai.license";
const TEMPLATE = "application/vnd.docker.ai.chat.template.jinja";
const WEIGHTS: Readonly<Record<string, string>> = {
  gguf: "application/vnd.docker.ai.gguf.v3",
  safetensors: "application/vnd.docker.ai.safetensors",
  dduf: "application/vnd.docker.ai.dduf",
};
/** What a layer's type says of its file, and the name it has when no annotation gives one. */
const TYPES: ReadonlyMap<string, readonly [ModelFileRole, string]> = new Map([
  ["application/vnd.docker.ai.gguf.v3", ["weight", "model.gguf"]],
  ["application/vnd.docker.ai.gguf.v3.lora", ["adapter", "adapter.gguf"]],
  // The code writes the first, the specification says the second.
  ["application/vnd.docker.ai.mmproj", ["mmproj", "mmproj.gguf"]],
  ["application/vnd.docker.ai.gguf.v3.mmproj", ["mmproj", "mmproj.gguf"]],
  ["application/vnd.docker.ai.safetensors", ["weight", "model.safetensors"]],
  ["application/vnd.docker.ai.dduf", ["weight", "model.dduf"]],
  [TEMPLATE, ["template", "template.jinja"]],
  [LICENCE, ["licence", "LICENSE"]],
]);

function layerTypeOf({ path, role }: ModelFile): string {
  const extension = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  if (role === "mmproj" && extension === "gguf") return "application/vnd.docker.ai.mmproj";
  if (role === "adapter" && extension === "gguf") return "application/vnd.docker.ai.gguf.v3.lora";
  if (role === "weight") return WEIGHTS[extension] ?? FILE;
  if (role === "template") return TEMPLATE;
  return role === "licence" ? LICENCE : FILE;
}

function isVersion(value: unknown): value is keyof typeof DOCKER_CONFIGS {
  return value === "0.1" || value === "0.2";
}

/** v0.1 knows GGUF files side by side; directories and safetensors need the paths of v0.2. */
function versionOf(model: CanonicalModel): keyof typeof DOCKER_CONFIGS {
  const said = model.foreign["docker"]?.["version"];
  if (isVersion(said)) return said;
  const isFlat = model.files.every(({ path }) => !path.includes("/"));
  return isFlat && model.metadata.format === "gguf" ? "0.1" : "0.2";
}

function dockerConfig(model: CanonicalModel, layers: readonly Descriptor[], created: string): JsonObject {
  const { metadata } = model;
  const said = model.foreign["docker"];
  const weightBytes = model.files.reduce((sum, { role, size }) => sum + (role === "weight" ? size : 0), 0);
  const value = (key: string, one: string | number | undefined) => (one === undefined ? {} : { [key]: one });
  return {
    ...objectIn(said, "top"),
    config: {
      ...value("format", metadata.format),
      ...value("quantization", metadata.quantization),
      ...value("parameters", metadata.paramSize),
      ...value("architecture", metadata.architecture),
      size: `${(weightBytes / 2 ** 20).toFixed(2)}MiB`,
      ...value("context_size", metadata.contextLength),
      ...objectIn(said, "config"),
    },
    descriptor: { created, ...objectIn(said, "descriptor") },
    rootfs: { type: "rootfs", diff_ids: layers.map(({ digest }) => digest) },
  };
}

export const dockerModel: ModelFormatCodec = {
  async write(model, { repository }) {
    const layers: Descriptor[] = [];
    for (const file of model.files) {
      const stored = await putRawLayer(repository, file);
      layers.push({ mediaType: layerTypeOf(file), ...stored, annotations: fileAnnotations(file) });
    }
    return {
      // Docker's own has none.
      artifactType: undefined,
      configMediaType: DOCKER_CONFIGS[versionOf(model)],
      config: (created) => canonicalJson(dockerConfig(model, layers, created)),
      layers,
      annotations: modelAnnotations(model),
    };
  },

  async read(repository, manifest) {
    const image = imageManifestOf(repository, manifest);
    const config = await configJson(repository, image.config);
    const settings = objectIn(config, "config");
    const descriptor = objectIn(config, "descriptor");
    const files: ModelFile[] = [];
    for (const [at, layer] of image.layers.entries()) {
      if (isTarType(layer.mediaType)) {
        for (const file of await tarLayerFiles(repository, layer)) files.push({ ...file, role: roleOf(file.path) });
        continue;
      }
      const [role, name] = TYPES.get(layer.mediaType) ?? [undefined, `file-${at}`];
      const file = rawLayerFile(repository, layer, annotatedFile(layer, freeName(files, name)));
      files.push({ ...file, role: role ?? roleOf(file.path), ...otherAnnotations(layer) });
    }
    const common = commonParts(image.annotations);
    const context = settings["context_size"];
    const stated: ModelMetadata = {
      ...formatPart(textIn(settings, "format")),
      ...part("quantization", textIn(settings, "quantization")),
      ...part("paramSize", textIn(settings, "parameters")),
      ...part("architecture", textIn(settings, "architecture")),
      ...(typeof context === "number" && Number.isSafeInteger(context) && context >= 0
        ? { contextLength: context }
        : {}),
    };
    const metadata = orElse(common.metadata, stated);
    const created = textIn(descriptor, "created") ?? textIn(descriptor, "createdAt");
    return {
      kind: "model",
      ...(created === undefined ? {} : { created }),
      ...common,
      files: sortEntries(files),
      metadata,
      foreign: foreignOf("docker", {
        config: without(settings, ["format", "quantization", "parameters", "architecture", "size", "context_size"]),
        descriptor: without(descriptor, ["created", "createdAt"]),
        top: without(config, ["config", "descriptor", "rootfs"]),
        ...(image.config.mediaType === DOCKER_CONFIGS["0.2"] ? { version: "0.2" } : { version: "0.1" }),
      }),
    };
  },
};

function part(key: keyof ModelMetadata, value: string | undefined): ModelMetadata {
  return value === undefined ? {} : { [key]: value };
}

/** `model.gguf`, then `model-2.gguf`: layers without a name must not have one name. */
export function freeName(files: readonly { readonly path: string }[], name: string): string {
  const taken = new Set(files.map(({ path }) => path));
  if (!taken.has(name)) return name;
  const dot = name.lastIndexOf(".");
  const [stem, extension] = dot <= 0 ? [name, ""] : [name.slice(0, dot), name.slice(dot)];
  for (let number = 2; ; number += 1) {
    const next = `${stem}-${number}${extension}`;
    if (!taken.has(next)) return next;
  }
}
