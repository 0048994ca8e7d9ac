// What an ONNX file says of itself: the few fields of ModelProto before and behind its tensors (onnx.proto).
import { packagingErrors } from "../../errors.ts";
import { isPratiqueError } from "@pratique/core";
import type { HeaderSource } from "./header-source.ts";
import { paramSize, shortText, type ModelFacts } from "./model-facts.ts";

export interface OnnxFacts extends ModelFacts {
  readonly producer?: string;
  /** Files beside it that hold its tensors, as it names them: a stranger's text. */
  readonly externalFiles: readonly string[];
}

/** Field numbers of onnx.proto3. */
const MODEL = { producer: 2, doc: 6, graph: 7, metadata: 14 } as const;
const GRAPH = { name: 2, initializer: 5 } as const;
const TENSOR = { dims: 1, external: 13 } as const;
const LIMIT_FIELDS = 2_000_000;
const LIMIT_SMALL = 64 * 1024;
const LIMIT_EXTERNAL = 10_000;

interface Field {
  readonly number: number;
  readonly start: number;
  readonly end: number;
  readonly value?: bigint;
}

/**
 * Reads around the tensors: their bytes are skipped, wherever they lie.
 * @throws `model.invalid`
 */
export async function readOnnx(source: HeaderSource, label: string): Promise<OnnxFacts> {
  const reader = new ProtoReader(source, label);
  const texts = new Map<string, string>();
  const external = new Set<string>();
  let parameters = 0n;
  let tensors = 0;
  let producer: string | undefined;
  let description: string | undefined;
  let name: string | undefined;
  let isModel = false;
  const done = (isComplete: boolean): OnnxFacts => {
    const licence = shortText(texts.get("license") ?? texts.get("licence"));
    const architecture = shortText(texts.get("architecture") ?? texts.get("model_type"));
    const author = shortText(texts.get("author") ?? texts.get("model_author"));
    return {
      format: "onnx",
      isComplete,
      externalFiles: [...external],
      ...(producer === undefined ? {} : { producer }),
      ...(description === undefined ? {} : { description }),
      ...(name === undefined ? {} : { name }),
      ...(licence === undefined ? {} : { licences: [licence] }),
      ...(author === undefined ? {} : { authors: [author] }),
      ...(architecture === undefined ? {} : { architecture }),
      ...(isComplete ? { tensors, parameters: String(parameters), paramSize: paramSize(parameters) } : {}),
    };
  };
  try {
    for await (const field of reader.fields(0, source.sizeBytes)) {
      if (field.number === 1 && field.value !== undefined) isModel = true;
      if (field.number === MODEL.producer) producer = shortText(await reader.text(field));
      else if (field.number === MODEL.doc) description = shortText(await reader.text(field));
      else if (field.number === MODEL.metadata) {
        const [key, value] = await reader.pair(field);
        if (texts.size < 1000) texts.set(key, value);
      } else if (field.number === MODEL.graph) {
        for await (const part of reader.fields(field.start, field.end)) {
          if (part.number === GRAPH.name) name = shortText(await reader.text(part));
          if (part.number !== GRAPH.initializer) continue;
          const tensor = await readTensor(reader, part);
          tensors += 1;
          parameters += tensor.values;
          if (tensor.location !== undefined) external.add(tensor.location);
          if (external.size > LIMIT_EXTERNAL) throw reader.invalid("it names too many files");
        }
      }
    }
  } catch (error) {
    if (isPratiqueError(error, "model.header-too-large") && isModel) return done(false);
    throw error;
  }
  if (!isModel) throw reader.invalid("it has no IR version");
  return done(true);
}

async function readTensor(
  reader: ProtoReader,
  tensor: Field,
): Promise<{ values: bigint; location: string | undefined }> {
  let values = 1n;
  let location: string | undefined;
  for await (const field of reader.fields(tensor.start, tensor.end)) {
    if (field.number === TENSOR.dims) {
      const dims = field.value === undefined ? await reader.varints(field) : [field.value];
      for (const one of dims) values *= one;
      if (values >= 2n ** 62n) throw reader.invalid("a tensor is larger than can be");
    } else if (field.number === TENSOR.external) {
      const [key, value] = await reader.pair(field);
      if (key === "location") location = value;
    }
  }
  return { values, location };
}

/** Protocol buffers' wire format (protobuf.dev/programming-guides/encoding), without holding what it passes over. */
class ProtoReader {
  readonly #source: HeaderSource;
  readonly #label: string;
  #fields = 0;

  constructor(source: HeaderSource, label: string) {
    this.#source = source;
    this.#label = label;
  }

  invalid(reason: string): Error {
    return packagingErrors("model.invalid", { path: this.#label, reason });
  }

  async *fields(start: number, end: number): AsyncGenerator<Field> {
    let at = start;
    while (at < end) {
      if ((this.#fields += 1) > LIMIT_FIELDS) throw this.invalid("it has too many fields");
      const head = await this.#source.read(at, Math.min(20, end - at));
      const [tag, tagBytes] = this.#varint(head, 0);
      const number = Number(tag >> 3n);
      const wire = Number(tag & 7n);
      if (number === 0) throw this.invalid("it is no protocol buffer");
      at += tagBytes;
      if (wire === 0) {
        const [value, bytes] = this.#varint(head, tagBytes);
        yield { number, start: at, end: at + bytes, value };
        at += bytes;
      } else if (wire === 1 || wire === 5) {
        const bytes = wire === 1 ? 8 : 4;
        yield { number, start: at, end: at + bytes };
        at += bytes;
      } else if (wire === 2) {
        const [length, bytes] = this.#varint(head, tagBytes);
        const from = at + bytes;
        if (length > BigInt(end - from)) throw this.invalid("a field is longer than what it is in");
        yield { number, start: from, end: from + Number(length) };
        at = from + Number(length);
      } else throw this.invalid("it is no protocol buffer");
      if (at > end) throw this.invalid("a field is longer than what it is in");
    }
  }

  async text({ start, end }: Field): Promise<string> {
    return (await this.#source.read(start, Math.min(end - start, LIMIT_SMALL))).toString("utf8");
  }

  /** A StringStringEntryProto. */
  async pair(field: Field): Promise<[key: string, value: string]> {
    let key = "";
    let value = "";
    for await (const part of this.fields(field.start, field.end)) {
      if (part.number === 1) key = await this.text(part);
      if (part.number === 2) value = await this.text(part);
    }
    return [key, value];
  }

  async varints({ start, end }: Field): Promise<bigint[]> {
    const bytes = await this.#source.read(start, Math.min(end - start, 1024));
    const values: bigint[] = [];
    for (let at = 0; at < bytes.length;) {
      const [value, length] = this.#varint(bytes, at);
      values.push(value);
      at += length;
    }
    return values;
  }

  #varint(bytes: Buffer, at: number): [value: bigint, length: number] {
    let value = 0n;
    for (let index = 0; index < 10; index += 1) {
      const byte = bytes[at + index];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return [value, index + 1];
    }
    throw this.invalid("a number in it is damaged");
  }
}
