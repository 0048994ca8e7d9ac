// A model's directory → an artifact in any of its formats: weights are streamed, and never compressed.
import type { LocalRepository } from "@pratique/oci";
import { hexOf, type JsonObject } from "@pratique/core";
import type { SbomComponent } from "@pratique/sbom";
import { verifiedBlob } from "../archive/verified-blob.ts";
import type { ArtifactPlan, Material } from "../artifact-plan.ts";
import { digestOfFile, putFile } from "../file-layer.ts";
import { readFileChunks, readSmallFile, type SourceFile } from "../source-files.ts";
import type { CanonicalModel, ModelFile, ModelFormat } from "./canonical-model.ts";
import { roleOf } from "./model-files.ts";
import { modelComponent } from "./model-component.ts";
import { writeModel } from "./model-formats.ts";
import type { ModelMetadata } from "./model-metadata.ts";
import type { ModelSource } from "./model-source.ts";
import { notesOf, pickleProperties } from "./pickle-evidence.ts";

/** SPDX identifiers as people write them in model files: `apache-2.0` → `Apache-2.0`. */
function spdx(licence: string): string {
  const known = [
    "Apache-2.0",
    "MIT",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "GPL-3.0-only",
    "CC-BY-4.0",
    "CC0-1.0",
    "MPL-2.0",
  ];
  return known.find((id) => id.toLowerCase() === licence.toLowerCase()) ?? licence;
}

const PRECISIONS: Readonly<Record<string, string>> = {
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  F64: "float64",
};

export interface PlanModelOptions {
  readonly repository: LocalRepository;
  readonly version: string;
  readonly format?: ModelFormat | undefined;
  readonly isDual?: boolean | undefined;
}

/** True when files lie in tar layers, and are no blobs of their own. */
export function isTarFormat({ format, isDual = false }: Pick<PlanModelOptions, "format" | "isDual">): boolean {
  return isDual || format === "kitops" || format === "modelcar";
}

/** @throws `artifact.changed`, `model.not-dual` */
export async function planModel(source: ModelSource, o: PlanModelOptions): Promise<ArtifactPlan> {
  const { repository, version, format = "modelpack", isDual = false } = o;
  const isTar = isTarFormat({ format, isDual });
  const files: ModelFile[] = [];
  for (const file of source.files) files.push(isTar ? await fileOnDisk(file) : await fileInStore(repository, file));
  const model = await modelOf(source, files);
  const licences = model.metadata.licences ?? [];
  const plan = await writeModel(model, format, {
    repository,
    version,
    isDual,
    components: componentsOf(source, model, version, licences),
    materials: materialsOf(model),
    buildType: "https://pratique.dev/build-types/pack/model/v1",
  });
  return { ...plan, notes: notesOf(source.pickles) };
}

/** Formats with a raw layer a file: storing it says its digest, in one pass. */
async function fileInStore(repository: LocalRepository, file: SourceFile): Promise<ModelFile> {
  const stored = await putFile(repository, file);
  const { digest, size } = stored;
  const descriptor = { mediaType: "application/octet-stream", digest, size };
  return {
    ...described(file),
    digest,
    size,
    blobIn: repository.name,
    open: () => verifiedBlob(repository, descriptor),
  };
}

/** Formats with tar layers: the digest comes first, and the tar checks it. */
async function fileOnDisk(file: SourceFile): Promise<ModelFile> {
  return { ...described(file), digest: await digestOfFile(file), size: file.size, open: () => readFileChunks(file) };
}

function described({ path, executable }: SourceFile): Pick<ModelFile, "path" | "role" | "mode"> {
  return { path, role: roleOf(path), mode: executable ? 0o755 : 0o644 };
}

async function modelOf(source: ModelSource, files: readonly ModelFile[]): Promise<CanonicalModel> {
  const { facts, name } = source;
  const template = facts.chatTemplate ?? (await templateBeside(source.files));
  const {
    name: _name,
    description,
    modelVersion,
    chatTemplate: _template,
    isComplete: _complete,
    tensors: _tensors,
    ...rest
  } = facts;
  return {
    kind: "model",
    name,
    ...(modelVersion === undefined ? {} : { version: modelVersion }),
    ...(description === undefined ? {} : { description }),
    files,
    metadata: metadataOf(rest),
    annotations: {},
    foreign: { modelpack: modelPackSays(source, template) },
  };
}

/** Only what metadata has a place for: facts of a format carry more. */
function metadataOf(facts: ModelMetadata): ModelMetadata {
  const { format, architecture, parameters, quantization, contextLength, embeddingLength, vocabularySize, authors } =
    facts;
  const precision = facts.precision ?? (format === "gguf" ? (PRECISIONS[quantization ?? ""] ?? "mixed") : undefined);
  const all: { [K in keyof ModelMetadata]: ModelMetadata[K] | undefined } = {
    format,
    architecture,
    parameters,
    paramSize: facts.paramSize,
    quantization,
    precision,
    contextLength,
    embeddingLength,
    vocabularySize,
    licences: facts.licences?.map(spdx),
    authors,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** What ModelPack has words for and nobody else has. */
function modelPackSays({ name, facts }: ModelSource, template: string): JsonObject {
  const isTransformer = "isTransformer" in facts ? facts.isTransformer === true : facts.architecture !== undefined;
  return {
    descriptor: { title: name, ...(facts.architecture === undefined ? {} : { family: facts.architecture }) },
    config: {
      ...(isTransformer ? { architecture: "transformer" } : {}),
      capabilities: { inputTypes: ["text"], outputTypes: ["text"], toolUsage: /\btool_calls?\b/.test(template) },
    },
  };
}

async function templateBeside(files: readonly SourceFile[]): Promise<string> {
  const file = files.find(({ path }) => roleOf(path) === "template");
  return file === undefined ? "" : (await readSmallFile(file, 1024 * 1024)).toString("utf8");
}

function materialsOf({ files }: CanonicalModel): Material[] {
  return files.map(({ path, digest }) => ({
    uri: `file:${encodeURI(path)}`,
    digest: { sha256: hexOf(digest) },
    name: path,
  }));
}

function componentsOf(
  source: ModelSource,
  model: CanonicalModel,
  version: string,
  licences: readonly string[],
): SbomComponent[] {
  const components: SbomComponent[] = [];
  for (const { path, digest } of model.files) {
    const hashes = { sha256: hexOf(digest) };
    const pickles = source.pickles.filter((one) => one.path === path);
    const properties = pickles.length === 0 ? {} : { properties: pickleProperties(pickles) };
    if (path !== source.main.path) components.push({ type: "file", name: path, hashes, ...properties });
    else {
      const { name } = source;
      const facts = { ...source.facts, ...model.metadata };
      const own = properties.properties ?? {};
      components.unshift(modelComponent({ name, version, facts, licences, sha256: hashes.sha256, properties: own }));
    }
  }
  return components;
}
