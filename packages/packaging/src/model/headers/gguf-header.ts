// The header of a GGUF file (ggml, docs/gguf.md): keys and tensor table, bounded, and as far as it could be read.
import type { HeaderSource } from "./header-source.ts";
import { isPratiqueError } from "@pratique/core";
import { packagingErrors } from "../../errors.ts";

export interface GgufTensor {
  readonly name: string;
  readonly shape: readonly bigint[];
  readonly type: number;
  readonly offset: bigint;
}

export type GgufScalar = string | number | bigint | boolean;
/** Of an array only its length is kept. */
export type GgufValue = GgufScalar | { readonly length: number };

export interface GgufHeader {
  readonly version: number;
  readonly keys: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly GgufTensor[];
  /** False when the header ends behind what was read. */
  readonly isComplete: boolean;
  /** Where the header ends; with `isComplete` only. */
  readonly endBytes: number;
  readonly dataOffset: number;
}

const LIMITS = {
  keys: 100_000,
  tensors: 1_000_000,
  key: 65_535,
  tensorName: 1024,
  text: 64 * 1024 * 1024,
  dimensions: 8,
  items: 50_000_000,
  depth: 4,
};
const SCALAR_BYTES: readonly (number | undefined)[] = [1, 1, 2, 2, 4, 4, 4, 1, undefined, undefined, 8, 8, 8];
const STRING = 8;
const ARRAY = 9;
const FIRST_BYTES = 256 * 1024;

/** Why a header cannot be GGUF. */
class Invalid extends Error {}
/** It goes on behind the bytes at hand. */
class Short extends Error {}

/**
 * Reads the header, however long it is, within what the source gives out.
 * @throws `model.invalid`
 */
export async function readGgufHeader(source: HeaderSource, label: string): Promise<GgufHeader> {
  let length = Math.min(FIRST_BYTES, source.sizeBytes);
  let last: GgufHeader | undefined;
  for (;;) {
    let bytes: Buffer;
    try {
      bytes = await source.read(0, length);
    } catch (error) {
      if (last !== undefined && isPratiqueError(error, "model.header-too-large")) return last;
      throw error;
    }
    last = parseGguf(bytes, label);
    if (last.isComplete || length >= source.sizeBytes) return last;
    length = Math.min(length * 2, source.sizeBytes);
  }
}

/** Pure: what the first bytes of a file say. @throws `model.invalid` */
export function parseGguf(bytes: Buffer, label: string): GgufHeader {
  const invalid = (reason: string) => packagingErrors("model.invalid", { path: label, reason });
  if (bytes.toString("latin1", 0, 4) !== "GGUF") throw invalid("it does not start with GGUF");
  const keys = new Map<string, GgufValue>();
  const tensors: GgufTensor[] = [];
  const cursor = new Cursor(bytes);
  let version = 0;
  const header = (isComplete: boolean): GgufHeader => {
    const alignment = keys.get("general.alignment");
    const step = typeof alignment === "number" && alignment > 0 ? alignment : 32;
    return { version, keys, tensors, isComplete, endBytes: cursor.at, dataOffset: Math.ceil(cursor.at / step) * step };
  };
  try {
    cursor.skip(4);
    version = cursor.u32();
    if (version !== 2 && version !== 3) throw new Invalid(`version ${version} is not known`);
    const tensorCount = cursor.count(LIMITS.tensors, "tensors");
    const keyCount = cursor.count(LIMITS.keys, "keys");
    for (let index = 0; index < keyCount; index += 1) {
      const key = cursor.text(LIMITS.key);
      if (keys.has(key)) throw new Invalid(`the key ${key.slice(0, 80)} is there twice`);
      readValue(cursor, cursor.u32(), 0, (value) => keys.set(key, value));
    }
    const alignment = keys.get("general.alignment");
    if (
      alignment !== undefined &&
      (typeof alignment !== "number" || alignment < 8 || alignment % 8 !== 0 || alignment > 2 ** 20)
    )
      throw new Invalid("its alignment is no multiple of 8");
    const names = new Set<string>();
    for (let index = 0; index < tensorCount; index += 1) {
      const tensor = readTensor(cursor);
      if (names.has(tensor.name)) throw new Invalid(`the tensor ${tensor.name.slice(0, 80)} is there twice`);
      names.add(tensor.name);
      tensors.push(tensor);
    }
    return header(true);
  } catch (error) {
    if (error instanceof Short) return header(false);
    throw error instanceof Invalid ? invalid(error.message) : error;
  }
}

function readTensor(cursor: Cursor): GgufTensor {
  const name = cursor.text(LIMITS.tensorName);
  const dimensions = cursor.u32();
  if (dimensions > LIMITS.dimensions) throw new Invalid(`a tensor has ${dimensions} dimensions`);
  const shape: bigint[] = [];
  for (let dimension = 0; dimension < dimensions; dimension += 1) shape.push(cursor.u64());
  if (shape.reduce((product, one) => product * one, 1n) >= 2n ** 62n)
    throw new Invalid("a tensor is larger than can be");
  return { name, shape, type: cursor.u32(), offset: cursor.u64() };
}

/** `keep` is called with an array's length before its items are read: they may lie behind what is at hand. */
function readValue(cursor: Cursor, type: number, depth: number, keep: (value: GgufValue) => void): void {
  if (type === STRING) {
    keep(cursor.text(LIMITS.text));
    return;
  }
  if (type !== ARRAY) {
    keep(readScalar(cursor, type));
    return;
  }
  if (depth >= LIMITS.depth) throw new Invalid("its arrays nest too deep");
  const itemType = cursor.u32();
  const length = cursor.count(LIMITS.items, "items in an array");
  keep({ length });
  const itemBytes = SCALAR_BYTES[itemType];
  if (itemBytes !== undefined) {
    cursor.skip(itemBytes * length);
    return;
  }
  for (let index = 0; index < length; index += 1) {
    if (itemType === STRING) cursor.skip(cursor.count(LIMITS.text, "bytes in a text"));
    else readValue(cursor, itemType, depth + 1, () => undefined);
  }
}

function readScalar(cursor: Cursor, type: number): GgufScalar {
  const size = SCALAR_BYTES[type];
  if (size === undefined) throw new Invalid(`a value has the unknown type ${type}`);
  const { bytes, at } = cursor.take(size);
  switch (type) {
    case 0:
      return bytes.readUInt8(at);
    case 1:
      return bytes.readInt8(at);
    case 2:
      return bytes.readUInt16LE(at);
    case 3:
      return bytes.readInt16LE(at);
    case 4:
      return bytes.readUInt32LE(at);
    case 5:
      return bytes.readInt32LE(at);
    case 6:
      return bytes.readFloatLE(at);
    case 7:
      return bytes.readUInt8(at) !== 0;
    case 10:
      return bytes.readBigUInt64LE(at);
    case 11:
      return bytes.readBigInt64LE(at);
    default:
      return bytes.readDoubleLE(at);
  }
}

class Cursor {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(length: number): { readonly bytes: Buffer; readonly at: number } {
    const { at } = this;
    if (at + length > this.#bytes.length) throw new Short();
    this.at += length;
    return { bytes: this.#bytes, at };
  }

  skip(length: number): void {
    this.take(length);
  }

  u32(): number {
    const { bytes, at } = this.take(4);
    return bytes.readUInt32LE(at);
  }

  u64(): bigint {
    const { bytes, at } = this.take(8);
    return bytes.readBigUInt64LE(at);
  }

  count(limit: number, what: string): number {
    const count = this.u64();
    if (count > BigInt(limit)) throw new Invalid(`it claims ${count} ${what}`);
    return Number(count);
  }

  text(limit: number): string {
    const length = this.count(limit, "bytes in a text");
    const { bytes, at } = this.take(length);
    return bytes.toString("utf8", at, at + length);
  }
}
