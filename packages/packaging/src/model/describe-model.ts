// What a model is, wherever it lies, without its weights: manifest, config and the beginning of one file.
import { Readable } from "node:stream";
import { isJsonObject, isPratiqueError, parseJson, readBounded } from "@pratique/core";
import { parseManifest, type ImageManifest, type Manifest, type Repository } from "@pratique/oci";
import type { CanonicalModel, ModelFile, ModelFormat } from "./canonical-model.ts";
import { ggufFactsOf } from "./gguf-file.ts";
import { readDduf } from "./headers/dduf-header.ts";
import { headerSource, type HeaderBudget, type HeaderSource } from "./headers/header-source.ts";
import { configFacts } from "./headers/hugging-face-config.ts";
import type { ModelFacts } from "./headers/model-facts.ts";
import { readOnnx } from "./headers/onnx-header.ts";
import { readSafetensors } from "./headers/safetensors-header.ts";
import { isTarType, needsWholeLayer } from "./formats/model-layers.ts";
import { commonParts } from "./formats/model-manifest.ts";
import { modelFormatOf, readModel } from "./model-formats.ts";
import type { ModelMetadata } from "./model-metadata.ts";
import { mainWeight } from "./model-weights.ts";

export interface ModelDescription {
  readonly format: ModelFormat;
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly metadata: ModelMetadata;
  readonly chatTemplate: string | undefined;
  readonly files: readonly Pick<ModelFile, "path" | "role" | "size" | "digest">[];
  /** Paths that by their names are pickles: they run code when they are loaded. */
  readonly pickles: readonly string[];
  /** False when the header went on behind what may be read, or when reading it would have meant reading weights. */
  readonly isComplete: boolean;
  /** What it cost beside the manifest. */
  readonly requests: number;
  readonly bytes: number;
}

/** Together with the config: at most three requests and one MiB. */
const LIMIT_REQUESTS = 3;
const LIMIT_BYTES = 1024 * 1024;
const WINDOW_BYTES = 256 * 1024;
const PICKLE_NAME = /\.(?:pkl|pickle|pt|pth|ckpt|joblib)$|(?:^|\/)pytorch_model[^/]*\.bin$/i;

/** Whether a file's name is one that only pickles have. */
export function isPickleName(path: string): boolean {
  return PICKLE_NAME.test(path);
}

/** @throws `artifact.malformed`, `model.invalid` */
export async function describeModel(repository: Repository, manifest: Manifest): Promise<ModelDescription> {
  const format = modelFormatOf(manifest) ?? "modelcar";
  const meter = metered(repository);
  const member = await firstImage(meter.repository, manifest);
  if (member.layers.some((layer) => isTarType(layer.mediaType) && needsWholeLayer(layer))) {
    return fromManifestOnly(format, manifest, meter);
  }
  const model = await readModel(meter.repository, manifest, format);
  const main = mainWeight(model);
  let facts: ModelFacts = { isComplete: main === undefined };
  if (main !== undefined) {
    const budget: HeaderBudget = {
      maxReads: Math.max(1, LIMIT_REQUESTS - meter.spent.requests - (besideFile(model, main) === undefined ? 0 : 1)),
      maxBytes: LIMIT_BYTES - meter.spent.bytes,
      windowBytes: WINDOW_BYTES,
    };
    facts = await weightFacts(model, main, budget);
  }
  const { metadata } = model;
  return {
    format,
    name: model.name ?? facts.name,
    version: model.version ?? facts.modelVersion,
    metadata: { ...factsAsMetadata(facts), ...metadata },
    chatTemplate: facts.chatTemplate,
    files: model.files.map(({ path, role, size, digest }) => ({ path, role, size, digest })),
    pickles: model.files.map(({ path }) => path).filter(isPickleName),
    isComplete: facts.isComplete,
    ...meter.spent,
  };
}

/** What the file that describes a model says, and the config beside it. */
export async function weightFacts(model: CanonicalModel, main: ModelFile, budget: HeaderBudget): Promise<ModelFacts> {
  const facts = await factsOf(sourceOf(main, budget), main);
  return { ...(await factsBeside(model, main)), ...facts };
}

/** A file of a model, read in parts. */
export function sourceOf(file: ModelFile, budget: HeaderBudget): HeaderSource {
  return headerSource(
    file.size,
    async (start, length) => {
      const parts: Uint8Array[] = [];
      for await (const part of file.open({ start, end: start + length - 1 })) parts.push(part);
      return Buffer.concat(parts);
    },
    budget,
  );
}

async function factsOf(source: HeaderSource, { path }: ModelFile): Promise<ModelFacts> {
  try {
    const start = await source.read(0, Math.min(8, source.sizeBytes));
    if (start.toString("latin1", 0, 4) === "GGUF") return await ggufFactsOf(source, path);
    if (/\.safetensors$/i.test(path)) return await readSafetensors(source, path);
    if (/\.onnx$/i.test(path)) return await readOnnx(source, path);
    if (/\.dduf$/i.test(path)) return await readDduf(source, path);
    return isPickleName(path) ? { format: "pickle", isComplete: true } : { isComplete: false };
  } catch (error) {
    if (isPratiqueError(error, "model.header-too-large")) return { isComplete: false };
    throw error;
  }
}

/** Beside safetensors lies what they do not say themselves. */
function besideFile({ files }: CanonicalModel, main: ModelFile): ModelFile | undefined {
  if (!/\.safetensors$/i.test(main.path)) return undefined;
  return files.find(({ path, size }) => path === "config.json" && size <= 64 * 1024);
}

async function factsBeside(model: CanonicalModel, main: ModelFile): Promise<Partial<ModelFacts>> {
  const file = besideFile(model, main);
  if (file === undefined) return {};
  const json = parseJson((await readBounded(file.open(), 64 * 1024, file.path)).toString("utf8"), file.path);
  return configFacts({ config: isJsonObject(json) ? json : undefined, tokenizer: undefined, card: undefined });
}

function factsAsMetadata(facts: ModelFacts): ModelMetadata {
  const { architecture, parameters, quantization, precision, contextLength, embeddingLength, vocabularySize } = facts;
  const all = {
    format: facts.format,
    architecture,
    parameters,
    paramSize: facts.paramSize,
    quantization,
    precision,
    contextLength,
    embeddingLength,
    vocabularySize,
    licences: facts.licences,
    authors: facts.authors,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== "0"));
}

interface Meter {
  readonly repository: Repository;
  readonly spent: { requests: number; bytes: number };
}

/** The repository, and what is asked of it. */
function metered(repository: Repository): Meter {
  const spent = { requests: 0, bytes: 0 };
  async function* counted(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      spent.bytes += chunk.length;
      yield chunk;
    }
  }
  const meter: Repository = {
    name: repository.name,
    resolve: (ref) => repository.resolve(ref),
    manifest: (ref) => repository.manifest(ref),
    putManifest: (...put) => repository.putManifest(...put),
    blobSize: (digest) => repository.blobSize(digest),
    openBlob: async (digest, range) => {
      spent.requests += 1;
      return Readable.from(counted((await repository.openBlob(digest, range)) as AsyncIterable<Buffer>), {
        objectMode: false,
      });
    },
    putBlob: (...put) => repository.putBlob(...put),
    mountBlob: (...mount) => repository.mountBlob(...mount),
    tags: () => repository.tags(),
    deleteTag: (tag) => repository.deleteTag(tag),
    deleteManifest: (digest) => repository.deleteManifest(digest),
    deleteBlob: (digest) => repository.deleteBlob(digest),
    referrers: (...asked) => repository.referrers(...asked),
  };
  return { repository: meter, spent };
}

async function firstImage(
  repository: Repository,
  manifest: Manifest,
): Promise<Pick<ImageManifest, "layers" | "annotations">> {
  const parsed = parseManifest(manifest.bytes, manifest.mediaType);
  if (parsed.type === "image") return parsed.manifest;
  for (const { digest } of parsed.manifest.manifests) {
    const member = await repository.manifest(digest);
    if (member === undefined) continue;
    const image = parseManifest(member.bytes, member.mediaType);
    if (image.type === "image") return image.manifest;
  }
  return { layers: [], annotations: parsed.manifest.annotations };
}

/** A tar that does not say where its files lie would have to be read whole. */
async function fromManifestOnly(format: ModelFormat, manifest: Manifest, meter: Meter): Promise<ModelDescription> {
  const image = await firstImage(meter.repository, manifest);
  const { name, version, metadata } = commonParts(image.annotations);
  const files = image.layers.map((layer) => ({
    path: layer.annotations?.["org.opencontainers.image.title"] ?? layer.mediaType,
    role: "weight" as const,
    size: layer.size,
    digest: layer.digest,
  }));
  return {
    format,
    name,
    version,
    metadata,
    chatTemplate: undefined,
    files,
    pickles: [],
    isComplete: false,
    ...meter.spent,
  };
}
