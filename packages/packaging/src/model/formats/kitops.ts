// KitOps ModelKits: the Kitfile as config, one tar an entry of it (https://kitops.org/docs/kitfile/format/).
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "@pratique/core";
import type { Descriptor, ImageManifest } from "@pratique/oci";
import { sortEntries } from "../../archive/tar-writer.ts";
import type { CanonicalModel, ModelFile, ModelFormatCodec } from "../canonical-model.ts";
import { present } from "../headers/model-facts.ts";
import type { ModelFileRole, ModelMetadata } from "../model-metadata.ts";
import { isTarType, putTarLayer, rawLayerFile, tarLayerFiles } from "./model-layers.ts";
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
import { annotatedFile, formatPart, otherAnnotations, roleInClass } from "./modelpack.ts";

export const KITOPS_TYPE = "application/vnd.kitops.modelkit.manifest.v1+json";
export const KITOPS_CONFIG = "application/vnd.kitops.modelkit.config.v1+json";
const CLI_VERSION = "ml.kitops.modelkit.cli-version";
const LAYER = /^application\/vnd\.kitops\.modelkit\.(model|modelpart|dataset|code|docs)\.v1\./;
const TITLE = "org.opencontainers.image.title";

type Section = "model" | "modelpart" | "dataset" | "code" | "docs";
const SECTIONS: Readonly<Record<ModelFileRole, Section>> = {
  weight: "modelpart",
  mmproj: "modelpart",
  adapter: "modelpart",
  config: "modelpart",
  tokenizer: "modelpart",
  template: "modelpart",
  "go-template": "modelpart",
  params: "modelpart",
  system: "modelpart",
  messages: "modelpart",
  licence: "docs",
  doc: "docs",
  code: "code",
  dataset: "dataset",
};
/** ModelPack's word for what is in a section. */
const CLASS_OF: Readonly<Record<Section, string>> = {
  model: "weight",
  modelpart: "weight.config",
  dataset: "dataset",
  code: "code",
  docs: "doc",
};

export const kitOps: ModelFormatCodec = {
  async write(model, { repository, version }) {
    const main = model.files.find(({ role }) => role === "weight");
    const layers: Descriptor[] = [];
    for (const file of model.files) {
      const section = file === main ? "model" : SECTIONS[file.role];
      const { annotations, ...stored } = await putTarLayer(repository, [file], {});
      const all = { ...file.annotations, ...annotations, [TITLE]: `${file.path}.tar` };
      layers.push({ mediaType: `application/vnd.kitops.modelkit.${section}.v1.tar`, ...stored, annotations: all });
    }
    return {
      artifactType: KITOPS_TYPE,
      configMediaType: KITOPS_CONFIG,
      config: () => canonicalJson(kitfileOf(model, main, layers, version)),
      layers,
      annotations: { [CLI_VERSION]: "v1.10.0", ...modelAnnotations(model) },
    };
  },

  async read(repository, manifest) {
    const image = imageManifestOf(repository, manifest);
    const kitfile = await configJson(repository, image.config);
    const files: ModelFile[] = [];
    for (const layer of image.layers) {
      const section = LAYER.exec(layer.mediaType)?.[1] as Section | undefined;
      if (section === undefined) continue;
      const path = entryPath(kitfile, image, layer);
      const found = isTarType(layer.mediaType)
        ? await tarLayerFiles(repository, layer)
        : [rawLayerFile(repository, layer, annotatedFile(layer, path ?? layer.digest.slice(7, 19)))];
      const { annotations, ...others } = found.length === 1 ? otherAnnotations(layer) : {};
      for (const file of found) {
        const role = roleInKit(file.path, section);
        files.push({ ...file, role, ...others, ...(annotations === undefined ? {} : { annotations }) });
      }
    }
    const info = objectIn(kitfile, "package");
    const main = objectIn(kitfile, "model");
    const { [CLI_VERSION]: cli, ...annotations } = image.annotations ?? {};
    const common = commonParts(annotations);
    const licence = textIn(info, "license") ?? textIn(main, "license");
    const authors = Array.isArray(info["authors"])
      ? info["authors"].filter((one) => typeof one === "string")
      : undefined;
    const stated: ModelMetadata = {
      ...formatPart(textIn(main, "format")),
      ...(licence === undefined ? {} : { licences: [licence] }),
      ...(authors === undefined ? {} : { authors: authors.slice(0, 100).map((one) => one.slice(0, 1024)) }),
    };
    const names = present({
      name: textIn(info, "name") ?? textIn(main, "name"),
      version: textIn(info, "version") ?? textIn(main, "version"),
      description: textIn(info, "description") ?? textIn(main, "description"),
    });
    return {
      kind: "model",
      ...names,
      ...common,
      files: sortEntries(files),
      metadata: orElse(common.metadata, stated),
      foreign: foreignOf("kitops", {
        package: without(info, ["name", "version", "description", "license", "authors"]),
        model: without(main, ["name", "path", "format", "license", "parts", "digest", "diffId"]),
        entries: entriesSaid(kitfile),
        top: without(kitfile, ["manifestVersion", "package", "model", "code", "datasets", "docs"]),
        ...(cli === undefined || cli === "v1.10.0" ? {} : { cli }),
      }),
    };
  },
};

function roleInKit(path: string, section: Section): ModelFileRole {
  // A part may be of the weights, too.
  const byWeight = section === "modelpart" ? roleInClass(path, "weight", undefined) : "weight";
  const byClass = roleInClass(path, CLASS_OF[section], undefined);
  if (section !== "modelpart") return byClass;
  return /\.(?:gguf|safetensors|onnx|dduf|bin|pt|pth)$/i.test(path) ? byWeight : byClass;
}

interface Entry {
  readonly list: "code" | "datasets" | "docs" | "parts";
  readonly value: JsonObject;
}

/** Every entry of a Kitfile that names a path, apart from its model. */
function entriesOf(kitfile: JsonObject): Entry[] {
  const lists: readonly [Entry["list"], Json | undefined][] = [
    ["parts", objectIn(kitfile, "model")["parts"]],
    ["code", kitfile["code"]],
    ["datasets", kitfile["datasets"]],
    ["docs", kitfile["docs"]],
  ];
  return lists.flatMap(([list, value]) =>
    Array.isArray(value)
      ? value
          .slice(0, 20_000)
          .filter(isJsonObject)
          .map((one) => ({ list, value: one }))
      : [],
  );
}

/** What entries say beside their path: `{ "<path>": { description: … } }`. */
function entriesSaid(kitfile: JsonObject): JsonObject {
  const said: Record<string, JsonObject> = {};
  for (const { list, value } of entriesOf(kitfile)) {
    const path = textIn(value, "path");
    const others = without(value, ["path", "digest", "diffId", "name"]);
    const name = textIn(value, "name");
    const all = list === "parts" || name === undefined ? others : { ...others, name };
    if (path !== undefined && Object.keys(all).length > 0) said[path] = all;
  }
  return said;
}

/** The path of a raw layer: of the entry that has its digest, or that stands where it stands. */
function entryPath(kitfile: JsonObject, image: ImageManifest, layer: Descriptor): string | undefined {
  const entries = [objectIn(kitfile, "model"), ...entriesOf(kitfile).map(({ value }) => value)];
  const named = entries.find((entry) => entry["digest"] === layer.digest || entry["diffId"] === layer.digest);
  const only = image.layers.filter(({ mediaType }) => mediaType === layer.mediaType).length === 1;
  const main = only && layer.mediaType.includes(".model.v1.") ? objectIn(kitfile, "model") : undefined;
  return (textIn(named, "path") ?? textIn(main, "path"))?.replace(/^\.\//, "");
}

function kitfileOf(
  model: CanonicalModel,
  main: ModelFile | undefined,
  layers: readonly Descriptor[],
  version: string,
): JsonObject {
  const said = model.foreign["kitops"];
  const entries = objectIn(said, "entries");
  const { metadata } = model;
  const value = (key: string, one: Json | undefined) => (one === undefined ? {} : { [key]: one });
  const entry = (file: ModelFile): JsonObject => {
    const digest = layers[model.files.indexOf(file)]?.digest;
    return { path: file.path, ...objectIn(entries, file.path), digest, diffId: digest };
  };
  const listOf = (section: Section) => model.files.filter((file) => file !== main && SECTIONS[file.role] === section);
  const list = (key: string, section: Section) => {
    const files = listOf(section);
    return files.length === 0 ? {} : { [key]: files.map(entry) };
  };
  const parts = listOf("modelpart").map((file) => ({ name: file.path, ...entry(file) }));
  const [licence] = metadata.licences ?? [];
  return {
    manifestVersion: "1.0.0",
    ...objectIn(said, "top"),
    package: {
      ...value("name", model.name),
      version: model.version ?? version,
      ...value("description", model.description),
      ...value("license", licence),
      ...(metadata.authors === undefined ? {} : { authors: metadata.authors }),
      ...objectIn(said, "package"),
    },
    // A part without a model would be one too few for `kit unpack`, which counts along its layers.
    ...(main === undefined && parts.length === 0
      ? {}
      : {
          model: {
            ...value("name", model.name),
            ...(main === undefined ? { path: "." } : entry(main)),
            ...value("format", metadata.format),
            ...value("license", licence),
            ...objectIn(said, "model"),
            ...(parts.length === 0 ? {} : { parts }),
          },
        }),
    ...list("code", "code"),
    ...list("datasets", "dataset"),
    ...list("docs", "docs"),
  };
}
