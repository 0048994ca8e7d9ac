// Models: the formats they are packed in, converting between them, and what can be known without their weights.
import { z } from "zod";

export const ModelFormatName = z.enum(["modelpack", "docker", "kitops", "modelcar", "ollama"]);
export type ModelFormatName = z.infer<typeof ModelFormatName>;

/** How a model is written. */
export const ModelForm = z.strictObject({
  format: ModelFormatName.optional(),
  /** ModelPack and ModelCar at once, on the same layers. */
  isDual: z.boolean().optional(),
});
export type ModelForm = z.infer<typeof ModelForm>;

export const ModelConvertRequest = z.strictObject({
  reference: z.string().min(1),
  /** `repository[:tag]` of the embedded registry. */
  target: z.string().min(1),
  ...ModelForm.shape,
  format: ModelFormatName,
});
export type ModelConvertRequest = z.infer<typeof ModelConvertRequest>;

export const ModelInspectRequest = z.strictObject({
  /** In the embedded registry, or in another one. */
  reference: z.string().min(1),
  credentials: z.strictObject({ username: z.string(), password: z.string() }).optional(),
  /** Plain HTTP to a registry that is not on loopback. */
  insecure: z.boolean().optional(),
});
export type ModelInspectRequest = z.infer<typeof ModelInspectRequest>;

export const ModelDetails = z.strictObject({
  reference: z.string(),
  digest: z.string(),
  format: ModelFormatName,
  name: z.string().optional(),
  version: z.string().optional(),
  /** Of the weights, e.g. `gguf`. */
  weights: z.string().optional(),
  architecture: z.string().optional(),
  /** In decimal. */
  parameters: z.string().optional(),
  paramSize: z.string().optional(),
  quantization: z.string().optional(),
  precision: z.string().optional(),
  contextLength: z.int().optional(),
  embeddingLength: z.int().optional(),
  vocabularySize: z.int().optional(),
  licences: z.array(z.string()),
  authors: z.array(z.string()),
  chatTemplate: z.string().optional(),
  files: z.array(z.strictObject({ path: z.string(), role: z.string(), sizeBytes: z.int(), digest: z.string() })),
  /** Files that run code when they are loaded, by their names. */
  pickles: z.array(z.string()),
  /** False when its header goes on behind what was read. */
  isComplete: z.boolean(),
  /** What looking cost, beside the manifest. */
  requests: z.int(),
  readBytes: z.int(),
});
export type ModelDetails = z.infer<typeof ModelDetails>;

export const PushCheckRequest = z.strictObject({ reference: z.string().min(1), target: z.string().min(1) });
export type PushCheckRequest = z.infer<typeof PushCheckRequest>;

export const PushCheckResult = z.strictObject({
  /** What the registry will not take, before anything is sent. */
  warnings: z.array(z.string()),
});
export type PushCheckResult = z.infer<typeof PushCheckResult>;
