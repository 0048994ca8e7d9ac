// Which part a file plays in a model, by its name.
import { basename, extname } from "node:path";
import type { ModelFileRole } from "./model-metadata.ts";

const WEIGHT = new Set([
  ".gguf",
  ".safetensors",
  ".onnx",
  ".dduf",
  ".pt",
  ".pth",
  ".ckpt",
  ".pkl",
  ".pickle",
  ".joblib",
]);
const CODE = new Set([".py", ".js", ".mjs", ".cjs", ".ts", ".sh", ".ipynb"]);
const DATASET = new Set([".jsonl", ".csv", ".tsv", ".parquet", ".arrow"]);
const CONFIG = new Set([".json", ".yaml", ".yml", ".toml"]);
const TOKENIZER =
  /^(?:tokenizer(?:_config)?\.json|tokenizer\.model|vocab\.(?:json|txt)|merges\.txt|special_tokens_map\.json|added_tokens\.json|spiece\.model|sentencepiece\.bpe\.model)$/;

export function roleOf(path: string): ModelFileRole {
  const name = basename(path).toLowerCase();
  const extension = extname(name);
  if (name.endsWith(".safetensors.index.json")) return "config";
  if (
    WEIGHT.has(extension) ||
    /^(?:pytorch|flax|tf)_model.*\.(?:bin|msgpack|h5)$/.test(name) ||
    /\.onnx[._]data/.test(name)
  ) {
    if (/(?:^|[-_.])mmproj(?:[-_.]|$)/.test(name)) return "mmproj";
    return /^adapter_model\.|(?:^|[-_.])lora(?:[-_.]|$)/.test(name) ? "adapter" : "weight";
  }
  if (extension === ".jinja" || extension === ".jinja2") return "template";
  if (/^(?:licen[cs]e|copying|notice)/.test(name)) return "licence";
  if (TOKENIZER.test(name)) return "tokenizer";
  if (DATASET.has(extension) || /(?:^|[-_.])eval(?:[-_.]|set)/.test(name)) return "dataset";
  if (CODE.has(extension)) return "code";
  return CONFIG.has(extension) || extension === ".model" ? "config" : "doc";
}
