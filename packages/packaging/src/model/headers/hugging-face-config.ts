// What the JSON files beside safetensors say of a model (transformers, PretrainedConfig).
import { isJsonObject, type JsonObject } from "@pratique/core";
import { parse as parseYaml } from "yaml";
import { originsOfCard } from "./model-origins.ts";
import { present, shortText, wholeNumber, type ModelFacts } from "./model-facts.ts";

export interface ConfigFiles {
  readonly config: JsonObject | undefined;
  readonly tokenizer: JsonObject | undefined;
  /** The YAML at the head of README.md. */
  readonly card: JsonObject | undefined;
}

export function configFacts({ config = {}, tokenizer = {}, card = {} }: ConfigFiles): Partial<ModelFacts> {
  // Models that see or hear keep the language model's numbers one level down.
  const text = config["text_config"];
  const inner = isJsonObject(text) ? text : {};
  const number = (...keys: string[]): number | undefined =>
    keys.map((key) => wholeNumber(config[key]) ?? wholeNumber(inner[key])).find((one) => one !== undefined);
  const { architectures } = config;
  const first: unknown = Array.isArray(architectures) ? architectures[0] : undefined;
  const licence = shortText(card["license"]);
  const template = tokenizer["chat_template"];
  return present({
    architecture: shortText(config["model_type"]) ?? shortText(first),
    contextLength: number("max_position_embeddings", "n_positions", "max_sequence_length"),
    embeddingLength: number("hidden_size", "n_embd", "d_model"),
    vocabularySize: number("vocab_size"),
    precision: shortText(config["torch_dtype"]) ?? shortText(config["dtype"]),
    quantization: quantizationOf(config["quantization_config"]),
    chatTemplate: typeof template === "string" && template !== "" ? template : undefined,
    licences: licence === undefined ? undefined : [licence],
    name: shortText(card["model_name"]),
    ...originsOfCard(card),
  });
}

function quantizationOf(value: unknown): string | undefined {
  if (!isJsonObject(value)) return undefined;
  const method = shortText(value["quant_method"]);
  const bits =
    wholeNumber(value["bits"]) ?? (value["load_in_4bit"] === true ? 4 : value["load_in_8bit"] === true ? 8 : undefined);
  if (method === undefined) return undefined;
  return bits === undefined ? method.toUpperCase() : `${method.toUpperCase()}-${bits}BIT`;
}

/** The YAML at the head of a model card (huggingface.co/docs/hub/model-cards). */
export function cardOf(text: string): JsonObject | undefined {
  const head = /^---\r?\n([\s\S]{0,65536}?)\r?\n---/.exec(text)?.[1];
  if (head === undefined) return undefined;
  try {
    const json: unknown = parseYaml(head, { maxAliasCount: 10 });
    return isJsonObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}
