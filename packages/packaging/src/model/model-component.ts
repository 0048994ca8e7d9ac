// A model as a component of a bill of materials, with its card (ML-BOM).
import type { ModelCard, SbomComponent } from "@pratique/sbom";
import { present, type ModelFacts } from "./headers/model-facts.ts";

export interface ModelComponentParts {
  readonly name: string;
  readonly version: string | undefined;
  readonly facts: Partial<ModelFacts>;
  readonly licences: readonly string[];
  /** Lower-case hex, of the file that describes the model. */
  readonly sha256: string;
  readonly properties: Readonly<Record<string, string>>;
}

export function modelComponent(parts: ModelComponentParts): SbomComponent {
  const { name, version, facts, licences, sha256, properties } = parts;
  const [author] = facts.authors ?? [];
  return {
    type: "machine-learning-model",
    name,
    ...(version === undefined ? {} : { version }),
    ...(facts.description === undefined ? {} : { description: facts.description }),
    ...(author === undefined ? {} : { supplier: author }),
    licences,
    hashes: { sha256 },
    properties: {
      ...(facts.tensors === undefined ? {} : { "pratique:model:tensors": String(facts.tensors) }),
      ...properties,
    },
    model: modelCardOf(facts),
  };
}

function modelCardOf(facts: Partial<ModelFacts>): ModelCard {
  const { architecture, format, parameters, quantization, precision, contextLength } = facts;
  const isTransformer = "isTransformer" in facts && facts.isTransformer === true;
  return present({
    task: facts.task ?? (format === "gguf" ? "text-generation" : undefined),
    family: isTransformer ? "transformer" : undefined,
    architecture,
    format,
    parameters: parameters === "0" ? undefined : parameters,
    quantization,
    precision,
    contextLength,
    baseModels: facts.baseModels,
    datasets: facts.datasets,
    languages: facts.languages,
    // What a language model reads and writes; of others nobody has said it.
    ...(format === "gguf" ? { inputs: ["text"], outputs: ["text"] } : {}),
  });
}
