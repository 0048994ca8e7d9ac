// What a GGUF file says of itself, and whether it is whole. Reads the header only, whatever the file's size.
import { packagingErrors } from "../errors.ts";
import { readGgufHeader, type GgufHeader } from "./headers/gguf-header.ts";
import { withFileSource, type HeaderSource } from "./headers/header-source.ts";
import { originsOfGguf } from "./headers/model-origins.ts";
import { paramSize, present, shortText, wholeNumber, type ModelFacts } from "./headers/model-facts.ts";
import { tensorBytes } from "./tensor-size.ts";

export interface GgufFacts extends ModelFacts {
  readonly version: number;
  readonly architecture: string;
  readonly parameters: string;
  readonly quantization: string;
  readonly isTransformer: boolean;
  /** `split.count` and `split.no`, of a file that is one of several. */
  readonly split?: { readonly count: number; readonly number: number; readonly tensors: number | undefined };
}

/** `general.file_type` (llama.cpp, enum llama_ftype): what quantisers call the mix that they made. */
const FILE_TYPES: ReadonlyMap<number, string> = new Map(
  Object.entries({
    F32: 0,
    F16: 1,
    Q4_0: 2,
    Q4_1: 3,
    Q8_0: 7,
    Q5_0: 8,
    Q5_1: 9,
    Q2_K: 10,
    Q3_K_S: 11,
    Q3_K_M: 12,
    Q3_K_L: 13,
    Q4_K_S: 14,
    Q4_K_M: 15,
    Q5_K_S: 16,
    Q5_K_M: 17,
    Q6_K: 18,
    IQ2_XXS: 19,
    IQ2_XS: 20,
    Q2_K_S: 21,
    IQ3_XS: 22,
    IQ3_XXS: 23,
    IQ1_S: 24,
    IQ4_NL: 25,
    IQ3_S: 26,
    IQ3_M: 27,
    IQ2_S: 28,
    IQ2_M: 29,
    IQ4_XS: 30,
    IQ1_M: 31,
    BF16: 32,
    TQ1_0: 36,
    TQ2_0: 37,
    MXFP4: 38,
  }).map(([name, number]) => [number, name]),
);

/**
 * @param path absolute; @param label how messages name the file
 * @throws `model.invalid`, `model.truncated`
 */
export function readGguf(path: string, label: string): Promise<GgufFacts> {
  return withFileSource(path, async (source) => {
    const header = await readGgufHeader(source, label);
    if (!header.isComplete) throw truncated(label, "its header", source.sizeBytes, "an unknown number of");
    checkWhole(header, source.sizeBytes, label);
    const { GGMLQuantizationType } = await import("@huggingface/gguf");
    return ggufFacts(header, label, (type) => GGMLQuantizationType[type] ?? `type ${type}`);
  });
}

/** The facts of a file of which perhaps only the beginning can be had. @throws `model.invalid` */
export async function ggufFactsOf(source: HeaderSource, label: string): Promise<GgufFacts> {
  const header = await readGgufHeader(source, label);
  const { GGMLQuantizationType } = await import("@huggingface/gguf");
  return ggufFacts(header, label, (type) => GGMLQuantizationType[type] ?? `type ${type}`);
}

function truncated(path: string, where: string, sizeBytes: number, missing: string): Error {
  return packagingErrors("model.truncated", { path, where, sizeBytes, missing });
}

/** Every tensor of the table must lie inside the file. */
function checkWhole(header: GgufHeader, sizeBytes: number, label: string): void {
  const size = BigInt(sizeBytes);
  let end = 0n;
  let first: { name: string; offset: bigint } | undefined;
  for (const tensor of header.tensors) {
    const start = BigInt(header.dataOffset) + tensor.offset;
    const tensorEnd = start + (tensorBytes(tensor.type, tensor.shape) ?? 1n);
    if (tensorEnd > size && (first === undefined || start < first.offset)) first = { name: tensor.name, offset: start };
    if (tensorEnd > end) end = tensorEnd;
  }
  if (first === undefined) return;
  const where = `tensor ${first.name.slice(0, 100)} at byte ${first.offset}`;
  throw truncated(label, where, sizeBytes, (end - size).toString());
}

function ggufFacts(header: GgufHeader, label: string, typeName: (type: number) => string): GgufFacts {
  const { keys } = header;
  const text = (key: string) => shortText(keys.get(key));
  const number = (key: string) => wholeNumber(keys.get(key));
  const [count, part] = [number("split.count"), number("split.no")];
  // Of a model in parts only the first says what it is (llama.cpp, gguf-split).
  const isLaterPart = part !== undefined && part > 0;
  const architecture = text("general.architecture") ?? (isLaterPart ? "" : undefined);
  if (architecture === undefined) {
    throw packagingErrors("model.invalid", { path: label, reason: "it has no general.architecture" });
  }
  const { parameters, main } = weigh(header);
  const tokens = keys.get("tokenizer.ggml.tokens");
  const template = keys.get("tokenizer.chat_template");
  const licence = text("general.license");
  const author = text("general.author");
  return {
    isComplete: header.isComplete,
    version: header.version,
    architecture,
    format: "gguf",
    // Of a table that could not be read whole, the sum would be wrong.
    parameters: String(header.isComplete ? parameters : (number("general.parameter_count") ?? 0)),
    quantization: FILE_TYPES.get(number("general.file_type") ?? -1) ?? (main === undefined ? "none" : typeName(main)),
    isTransformer: keys.has(`${architecture}.attention.head_count`),
    tensors: header.tensors.length,
    ...(count === undefined || count < 2 || part === undefined
      ? {}
      : { split: { count, number: part, tensors: number("split.tensors.count") } }),
    ...(licence === undefined ? {} : { licences: [licence] }),
    ...(author === undefined ? {} : { authors: [author] }),
    ...present({
      name: text("general.name"),
      description: text("general.description"),
      modelVersion: text("general.version"),
      paramSize: text("general.size_label")?.toLowerCase() ?? (header.isComplete ? paramSize(parameters) : undefined),
      contextLength: number(`${architecture}.context_length`),
      embeddingLength: number(`${architecture}.embedding_length`),
      vocabularySize: number(`${architecture}.vocab_size`) ?? (typeof tokens === "object" ? tokens.length : undefined),
      chatTemplate: typeof template === "string" && template !== "" ? template : undefined,
    }),
    ...originsOfGguf(keys),
  };
}

/** How many weights there are, and the type that most of them have. */
function weigh({ tensors }: GgufHeader): { parameters: bigint; main: number | undefined } {
  const byType = new Map<number, bigint>();
  let parameters = 0n;
  for (const { shape, type } of tensors) {
    const values = shape.reduce((product, dimension) => product * dimension, 1n);
    parameters += values;
    byType.set(type, (byType.get(type) ?? 0n) + values);
  }
  const [main] = [...byType].sort((a, b) => (a[1] > b[1] ? -1 : 1));
  return { parameters, main: main?.[0] };
}
