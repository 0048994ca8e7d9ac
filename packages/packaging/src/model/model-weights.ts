// The weights of a model: which file describes it, and which files an engine needs beside each other.
import type { CanonicalModel, ModelFile } from "./canonical-model.ts";

const RANK: readonly RegExp[] = [/\.gguf$/i, /\.safetensors$/i, /\.onnx$/i, /\.dduf$/i];
const SHARD = /^(.*)-\d{5}-of-(\d{5})\.(gguf|safetensors)$/i;

function rankOf({ path }: ModelFile): number {
  const rank = RANK.findIndex((one) => one.test(path));
  return rank === -1 ? RANK.length : rank;
}

/** The weight file that describes the model: of several parts the first. */
export function mainWeight({ files }: CanonicalModel): ModelFile | undefined {
  const weights = files.filter(({ role }) => role === "weight");
  return weights.toSorted((a, b) => rankOf(a) - rankOf(b) || (a.path < b.path ? -1 : 1))[0];
}

/** The file itself, or all parts of the model that it is a part of, the first one first. */
export function partsOf({ files }: CanonicalModel, main: ModelFile): ModelFile[] {
  const [, stem, total] = SHARD.exec(main.path) ?? [];
  if (stem === undefined) return [main];
  const parts = files.filter(({ path }) => {
    const shard = SHARD.exec(path);
    return shard?.[1] === stem && shard[2] === total;
  });
  return parts.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** GGUF weights for an engine, in parts or whole; undefined when there are none. */
export function ggufWeights(model: CanonicalModel): ModelFile[] | undefined {
  const main = mainWeight(model);
  // Ollama's layers have no names: without one the format says what it is.
  const isGguf = main !== undefined && (/\.gguf$/i.test(main.path) || model.metadata.format === "gguf");
  return isGguf ? partsOf(model, main) : undefined;
}
