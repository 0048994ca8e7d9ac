// What is known of a model, apart from any format: JSON, and each part only when somebody says it.
import { z } from "zod";

export const MODEL_ROLES = [
  "weight",
  "mmproj",
  "adapter",
  "config",
  "tokenizer",
  "template",
  "go-template",
  "system",
  "params",
  "messages",
  "licence",
  "doc",
  "code",
  "dataset",
] as const;
/** `template` is Jinja; `go-template` is Ollama's, which no other format has and nothing converts. */
export type ModelFileRole = (typeof MODEL_ROLES)[number];
export const ModelFileRole = z.enum(MODEL_ROLES);

export const WEIGHT_FORMATS = ["gguf", "safetensors", "onnx", "dduf", "pickle", "unknown"] as const;

const text = z.string().max(1024);
const count = z.int().nonnegative();

export const ModelMetadata = z.strictObject({
  /** Of the weights. */
  format: z.enum(WEIGHT_FORMATS).optional(),
  /** E.g. `llama`. */
  architecture: text.optional(),
  /** Number of weights, in decimal: it can be larger than a JSON number may be. */
  parameters: z
    .string()
    .regex(/^[0-9]{1,30}$/)
    .optional(),
  /** The same for people, as the format wrote it: `8b`, `361.82M`. */
  paramSize: text.optional(),
  /** E.g. `Q4_K_M`. */
  quantization: text.optional(),
  /** E.g. `bfloat16`. */
  precision: text.optional(),
  contextLength: count.optional(),
  embeddingLength: count.optional(),
  vocabularySize: count.optional(),
  /** SPDX identifiers where they are some. */
  licences: z.array(text).max(100).optional(),
  authors: z.array(text).max(100).optional(),
});
export type ModelMetadata = z.infer<typeof ModelMetadata>;
