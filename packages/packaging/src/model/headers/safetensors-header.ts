// The header of a safetensors file: eight bytes of length, then JSON (github.com/huggingface/safetensors, "Format").
import { isJsonObject, type JsonObject } from "@pratique/core";
import { isPratiqueError } from "@pratique/core";
import { packagingErrors } from "../../errors.ts";
import type { HeaderSource } from "./header-source.ts";
import { paramSize, type ModelFacts } from "./model-facts.ts";

/** As the reference implementation has it. */
const LIMIT_HEADER = 100_000_000;
const LIMIT_TENSORS = 1_000_000;

const BITS: ReadonlyMap<string, bigint> = new Map<string, bigint>([
  ["BOOL", 8n],
  ["F4", 4n],
  ["F6_E2M3", 6n],
  ["F6_E3M2", 6n],
  ["U8", 8n],
  ["I8", 8n],
  ["F8_E5M2", 8n],
  ["F8_E4M3", 8n],
  ["F8_E8M0", 8n],
  ["I16", 16n],
  ["U16", 16n],
  ["F16", 16n],
  ["BF16", 16n],
  ["I32", 32n],
  ["U32", 32n],
  ["F32", 32n],
  ["I64", 64n],
  ["U64", 64n],
  ["F64", 64n],
  ["C64", 64n],
]);
const PRECISIONS: Readonly<Record<string, string>> = {
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  F64: "float64",
  F8_E4M3: "float8",
  F8_E5M2: "float8",
  I8: "int8",
  U8: "int8",
};

export interface SafetensorsFacts extends ModelFacts {
  /** Names of the tensors that this file has. */
  readonly names: ReadonlySet<string>;
}

/** @throws `model.invalid`, `model.truncated` */
export async function readSafetensors(source: HeaderSource, label: string): Promise<SafetensorsFacts> {
  const invalid = (reason: string) => packagingErrors("model.invalid", { path: label, reason });
  const { sizeBytes } = source;
  if (sizeBytes < 8) throw truncated(label, "its header", sizeBytes, 8 - sizeBytes);
  const claimed = (await source.read(0, 8)).readBigUInt64LE(0);
  if (claimed > BigInt(LIMIT_HEADER)) throw invalid(`its header claims ${claimed} bytes`);
  const length = Number(claimed);
  if (8 + length > sizeBytes) throw truncated(label, "its header", sizeBytes, 8 + length - sizeBytes);
  let bytes: Buffer;
  try {
    bytes = await source.read(8, length);
  } catch (error) {
    if (!isPratiqueError(error, "model.header-too-large")) throw error;
    return { format: "safetensors", isComplete: false, names: new Set() };
  }
  const json = headerJson(bytes, invalid);
  const { __metadata__: metadata, ...rest } = json;
  const tensors = Object.entries(rest);
  if (tensors.length > LIMIT_TENSORS) throw invalid(`it has ${tensors.length} tensors`);
  const found = tensorsOf(tensors, invalid);
  const end = BigInt(8 + length) + found.dataBytes;
  if (end > BigInt(sizeBytes)) throw truncated(label, "its tensors", sizeBytes, end - BigInt(sizeBytes));
  if (end < BigInt(sizeBytes)) throw invalid("there is something behind its tensors");
  const precision = PRECISIONS[found.main ?? ""];
  const said = isJsonObject(metadata) ? metadata["modelspec.architecture"] : undefined;
  return {
    format: "safetensors",
    isComplete: true,
    names: new Set(Object.keys(rest)),
    tensors: tensors.length,
    parameters: String(found.parameters),
    paramSize: paramSize(found.parameters),
    ...(precision === undefined ? {} : { precision }),
    ...(typeof said === "string" ? { architecture: said.slice(0, 1024) } : {}),
  };
}

function truncated(path: string, where: string, sizeBytes: number, missing: number | bigint): Error {
  return packagingErrors("model.truncated", { path, where, sizeBytes, missing: String(missing) });
}

function headerJson(bytes: Buffer, invalid: (reason: string) => Error): JsonObject {
  if (bytes[0] !== 0x7b) throw invalid("its header does not start with {");
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (isJsonObject(json)) return json;
  } catch {
    // Said below.
  }
  throw invalid("its header is not JSON");
}

/** Tensors must lie one after the other without holes and as long as type and shape say ("Format", notes). */
function tensorsOf(
  tensors: readonly [string, unknown][],
  invalid: (reason: string) => Error,
): { dataBytes: bigint; parameters: bigint; main: string | undefined } {
  const ranges: [number, number][] = [];
  const byType = new Map<string, bigint>();
  let parameters = 0n;
  for (const [name, tensor] of tensors) {
    const wrong = invalid(`the tensor ${name.slice(0, 80)} is not described`);
    if (!isJsonObject(tensor)) throw wrong;
    const { dtype, shape, data_offsets: offsets } = tensor;
    if (typeof dtype !== "string" || !isNumbers(shape, 8) || !isNumbers(offsets, 2)) throw wrong;
    const [from = -1, to = -1] = offsets;
    const values = shape.reduce((product, one) => product * BigInt(one), 1n);
    const bits = BITS.get(dtype);
    if (offsets.length !== 2 || from > to) throw wrong;
    if (bits !== undefined && (values * bits + 7n) / 8n !== BigInt(to - from))
      throw invalid(`the tensor ${name.slice(0, 80)} has not the bytes of its shape`);
    ranges.push([from, to]);
    parameters += values;
    byType.set(dtype, (byType.get(dtype) ?? 0n) + values);
  }
  let end = 0;
  for (const [from, to] of ranges.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (from !== end) throw invalid("its tensors overlap or leave a hole");
    end = to;
  }
  const [main] = [...byType].sort((a, b) => (a[1] > b[1] ? -1 : 1));
  return { dataBytes: BigInt(end), parameters, main: main?.[0] };
}

function isNumbers(value: unknown, limit: number): value is readonly number[] {
  return (
    Array.isArray(value) && value.length <= limit && value.every((one) => Number.isSafeInteger(one) && Number(one) >= 0)
  );
}
