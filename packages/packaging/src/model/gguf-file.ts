// What a GGUF file says of itself, and whether it is whole. Reads the header only, whatever the file's size.
import { open } from "node:fs/promises";
import type { GGUFParseOutput } from "@huggingface/gguf";
import { packagingErrors } from "../errors.ts";
import { tensorBytes } from "./tensor-size.ts";

export interface GgufFacts {
  readonly version: number;
  /** `general.architecture`, e.g. `llama`. */
  readonly architecture: string;
  readonly name: string | undefined;
  readonly licence: string | undefined;
  readonly description: string | undefined;
  readonly modelVersion: string | undefined;
  readonly contextLength: number | undefined;
  readonly parameters: bigint;
  /** Type that most weights have, e.g. `Q8_0`. */
  readonly quantization: string;
  readonly chatTemplate: string | undefined;
  readonly isTransformer: boolean;
  readonly tensorCount: number;
}

type ParsedGguf = GGUFParseOutput;
const TEXT_LIMIT = 1024;

/**
 * @param path absolute; @param label how messages name the file
 * @throws `model.invalid`, `model.truncated`
 */
export async function readGguf(path: string, label: string): Promise<GgufFacts> {
  const size = await checkMagic(path, label);
  const { gguf, GGMLQuantizationType } = await import("@huggingface/gguf");
  let parsed: ParsedGguf;
  try {
    parsed = await gguf(path, { allowLocalFile: true });
  } catch (cause) {
    // The parser pads what it reads with zeros; it runs out of room only when the header never ends.
    if (cause instanceof RangeError) throw truncated(label, "its header", size, "an unknown number of");
    const reason = cause instanceof Error ? cause.message.slice(0, 200) : String(cause);
    throw packagingErrors("model.invalid", { path: label, reason }, { cause });
  }
  checkWhole(parsed, size, label);
  return factsOf(parsed, label, (type) => GGMLQuantizationType[type] ?? `type ${type}`);
}

async function checkMagic(path: string, label: string): Promise<number> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const magic = Buffer.alloc(4);
    const { bytesRead } = await file.read(magic, 0, 4, 0);
    if (magic.toString("latin1", 0, bytesRead) !== "GGUF") {
      throw packagingErrors("model.invalid", { path: label, reason: "it does not start with GGUF" });
    }
    if (size < 24) throw truncated(label, "its header", size, `at least ${24 - size}`);
    return size;
  } finally {
    await file.close();
  }
}

function truncated(path: string, where: string, sizeBytes: number, missing: string): Error {
  return packagingErrors("model.truncated", { path, where, sizeBytes, missing });
}

/** Every tensor of the table must lie inside the file. */
function checkWhole(parsed: ParsedGguf, sizeBytes: number, label: string): void {
  const headerEnd = parsed.tensorInfoByteRange[1];
  if (headerEnd > sizeBytes) throw truncated(label, "its header", sizeBytes, `at least ${headerEnd - sizeBytes}`);
  const size = BigInt(sizeBytes);
  let end = 0n;
  let first: { name: string; offset: bigint } | undefined;
  for (const tensor of parsed.tensorInfos) {
    const start = parsed.tensorDataOffset + tensor.offset;
    const tensorEnd = start + (tensorBytes(tensor.dtype, tensor.shape) ?? 1n);
    if (tensorEnd > size && (first === undefined || start < first.offset)) first = { name: tensor.name, offset: start };
    if (tensorEnd > end) end = tensorEnd;
  }
  if (first === undefined) return;
  const where = `tensor ${first.name.slice(0, 100)} at byte ${first.offset}`;
  throw truncated(label, where, sizeBytes, (end - size).toString());
}

function factsOf(parsed: ParsedGguf, label: string, typeName: (type: number) => string): GgufFacts {
  const metadata: ReadonlyMap<string, unknown> = new Map(Object.entries(parsed.metadata));
  const text = (key: string): string | undefined => {
    const value = metadata.get(key);
    return typeof value === "string" && value.trim() !== "" ? value.trim().slice(0, TEXT_LIMIT) : undefined;
  };
  const architecture = text("general.architecture");
  if (architecture === undefined) {
    throw packagingErrors("model.invalid", { path: label, reason: "it has no general.architecture" });
  }
  const valuesByType = new Map<number, bigint>();
  let parameters = 0n;
  for (const { shape, dtype } of parsed.tensorInfos) {
    const values = shape.reduce((product, dimension) => product * dimension, 1n);
    parameters += values;
    valuesByType.set(dtype, (valuesByType.get(dtype) ?? 0n) + values);
  }
  const main = [...valuesByType].sort((a, b) => (a[1] > b[1] ? -1 : 1))[0];
  const context = metadata.get(`${architecture}.context_length`);
  const template = metadata.get("tokenizer.chat_template");
  return {
    version: parsed.metadata.version,
    architecture,
    name: text("general.name"),
    licence: text("general.license"),
    description: text("general.description"),
    modelVersion: text("general.version"),
    contextLength: typeof context === "number" ? context : undefined,
    parameters,
    quantization: main === undefined ? "none" : typeName(main[0]),
    chatTemplate: typeof template === "string" && template !== "" ? template : undefined,
    isTransformer: metadata.has(`${architecture}.attention.head_count`),
    tensorCount: parsed.tensorInfos.length,
  };
}
