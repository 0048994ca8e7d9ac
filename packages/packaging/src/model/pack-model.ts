// A directory with a GGUF file → a CNCF ModelPack artifact: one raw layer a file, nothing held in memory.
import { basename } from "node:path";
import type { Descriptor, LocalRepository } from "@pratique/oci";
import { hexOf, type JsonObject } from "@pratique/core";
import type { SbomComponent } from "@pratique/evidence";
import type { ArtifactPlan, Material } from "../artifact-plan.ts";
import { packagingErrors } from "../errors.ts";
import { descriptorOf, putFile } from "../file-layer.ts";
import { listFiles, readSmallFile, type SourceFile } from "../source-files.ts";
import { readGguf, type GgufFacts } from "./gguf-file.ts";
import { layerAnnotations, layerTypeOf, MODEL_MEDIA_TYPES, roleOf } from "./model-files.ts";

const LIMITS = { kind: "model", maxFiles: 1000, maxBytes: 2 ** 43 } as const;
const SHARD = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;

export interface ModelSource {
  readonly name: string;
  readonly version: string | undefined;
  readonly files: readonly SourceFile[];
  /** The weight file that describes the model: the only one, or the first part. */
  readonly main: SourceFile;
  readonly facts: GgufFacts;
}

/** Checks every weight file of a model. @throws `model.invalid`, `model.truncated`, `model.shard-missing` */
export async function readModelSource(directory: string): Promise<ModelSource> {
  const files = (await listFiles(directory, LIMITS)).filter(
    ({ path }) => !path.split("/").some((p) => p.startsWith(".")),
  );
  const weights = files.filter(({ path }) => roleOf(path) === "weight");
  requireAllShards(weights);
  let main: { file: SourceFile; facts: GgufFacts } | undefined;
  for (const file of weights) {
    const facts = await readGguf(file.absolute, file.path);
    // A projector (mmproj) beside the weights describes only itself.
    if (main === undefined || (main.facts.architecture === "clip" && facts.architecture !== "clip"))
      main = { file, facts };
  }
  if (main === undefined) throw packagingErrors("artifact.unknown-kind", { directory });
  const name = main.facts.name ?? basename(main.file.path).replace(/\.gguf$/i, "");
  return { name, version: main.facts.modelVersion, files, main: main.file, facts: main.facts };
}

function requireAllShards(weights: readonly SourceFile[]): void {
  const present = new Set(weights.map(({ path }) => path));
  for (const { path } of weights) {
    const shard = SHARD.exec(path);
    if (shard === null) continue;
    const [, stem = "", , total = "0"] = shard;
    for (let part = 1; part <= Number(total); part += 1) {
      const missing = `${stem}-${String(part).padStart(5, "0")}-of-${total}.gguf`;
      if (!present.has(missing)) throw packagingErrors("model.shard-missing", { path, total: Number(total), missing });
    }
  }
}

/** `354048` → `354k`, `7000000000` → `7b`, as ModelPack writes sizes. */
export function paramSize(parameters: bigint): string {
  const units: readonly (readonly [bigint, string])[] = [
    [1_000_000_000_000n, "t"],
    [1_000_000_000n, "b"],
    [1_000_000n, "m"],
    [1000n, "k"],
  ];
  for (const [unit, letter] of units) {
    if (parameters < unit) continue;
    const value = Number((parameters * 10n) / unit) / 10;
    return `${value >= 100 ? Math.floor(value) : value}${letter}`;
  }
  return String(parameters);
}

/** SPDX identifiers as people write them in GGUF files: `apache-2.0` → `Apache-2.0`. */
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

export async function planModel(
  source: ModelSource,
  o: { repository: LocalRepository; version: string; onFile?: ((path: string) => void) | undefined },
): Promise<ArtifactPlan> {
  const { facts } = source;
  const layers: Descriptor[] = [];
  const materials: Material[] = [];
  const components: SbomComponent[] = [];
  const licences = facts.licence === undefined ? [] : [spdx(facts.licence)];
  let template = facts.chatTemplate ?? "";
  for (const file of source.files) {
    o.onFile?.(file.path);
    const role = roleOf(file.path);
    const stored = await putFile(o.repository, file);
    layers.push(descriptorOf(layerTypeOf(role), stored, layerAnnotations(file.path, stored.size, role)));
    const sha256 = hexOf(stored.digest);
    materials.push({ uri: `file:${encodeURI(file.path)}`, digest: { sha256 }, name: file.path });
    if (file !== source.main) components.push({ type: "file", name: file.path, hashes: { sha256 } });
    else components.unshift(modelComponent(source, o.version, licences, sha256));
    if (role === "template" && template === "") template = (await readSmallFile(file, 1024 * 1024)).toString("utf8");
  }
  return {
    kind: "model",
    name: source.name,
    version: o.version,
    description: facts.description,
    licences,
    artifactType: MODEL_MEDIA_TYPES.artifact,
    configMediaType: MODEL_MEDIA_TYPES.config,
    config: (created) => JSON.stringify(modelConfig(source, o.version, licences, layers, template, created)),
    layers,
    annotations: {
      "dev.pratique.model.architecture": facts.architecture,
      "dev.pratique.model.parameters": String(facts.parameters),
      "dev.pratique.model.quantization": facts.quantization,
      // ModelPack's config has no place for it, and engines need it.
      ...(facts.contextLength === undefined
        ? {}
        : { "dev.pratique.model.context-length": String(facts.contextLength) }),
    },
    components,
    materials,
    buildType: "https://pratique.dev/build-types/pack/model/v1",
  };
}

function modelConfig(
  source: ModelSource,
  version: string,
  licences: readonly string[],
  layers: readonly Descriptor[],
  template: string,
  created: string,
): JsonObject {
  const { facts } = source;
  return {
    descriptor: {
      createdAt: created,
      family: facts.architecture,
      name: source.name,
      version,
      title: source.name,
      ...(facts.description === undefined ? {} : { description: facts.description }),
      licenses: licences,
    },
    config: {
      architecture: facts.isTransformer ? "transformer" : facts.architecture,
      format: "gguf",
      paramSize: paramSize(facts.parameters),
      precision: PRECISIONS[facts.quantization] ?? "mixed",
      quantization: facts.quantization.toLowerCase(),
      capabilities: { inputTypes: ["text"], outputTypes: ["text"], toolUsage: /\btool_calls?\b/.test(template) },
    },
    // Layers are raw files: what a layer is and what it unpacks to are the same bytes.
    modelfs: { type: "layers", diffIds: layers.map(({ digest }) => digest) },
  };
}

function modelComponent(source: ModelSource, version: string, licences: string[], sha256: string): SbomComponent {
  const { facts } = source;
  return {
    type: "machine-learning-model",
    name: source.name,
    version,
    licences,
    hashes: { sha256 },
    properties: {
      "gguf:version": String(facts.version),
      "gguf:architecture": facts.architecture,
      "gguf:parameters": String(facts.parameters),
      "gguf:quantization": facts.quantization,
      "gguf:tensors": String(facts.tensorCount),
      ...(facts.contextLength === undefined ? {} : { "gguf:contextLength": String(facts.contextLength) }),
    },
    modelCard: {
      modelParameters: {
        task: "text-generation",
        architectureFamily: facts.isTransformer ? "transformer" : facts.architecture,
        modelArchitecture: facts.architecture,
        inputs: [{ format: "text" }],
        outputs: [{ format: "text" }],
      },
    },
  };
}
