// Reads the metadata at the head of a GGUF file: bounded, since a file from outside may claim anything (GGUF v3).
import { open, type FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import { inferenceErrors } from "./errors.ts";

/** What serving a model needs from its header. */
export interface GgufHeader {
  readonly architecture: string;
  readonly contextTokens: number;
  readonly chatTemplate: string | undefined;
}

const MAX_HEADER_BYTES = 256 * 1024 * 1024;
const MAX_KEYS = 100_000;
const MAX_STRING_BYTES = 16 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

/** Bytes of the fixed-size value types by their number; 8 is string, 9 is array. */
const SCALAR_BYTES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};

type Scalar = string | number | bigint | undefined;

/** A forward reader over a file that keeps one window in memory. */
class Window {
  #buffer = Buffer.alloc(0);
  #position = 0;
  readonly #file: FileHandle;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async take(size: number): Promise<Buffer> {
    if (this.#position + size > MAX_HEADER_BYTES) throw new Error("its header has no end");
    if (this.#buffer.length < size) {
      const wanted = Buffer.alloc(Math.max(size, CHUNK_BYTES) - this.#buffer.length);
      const { bytesRead } = await this.#file.read(wanted, 0, wanted.length, this.#position + this.#buffer.length);
      this.#buffer = Buffer.concat([this.#buffer, wanted.subarray(0, bytesRead)]);
      if (this.#buffer.length < size) throw new Error("it ends inside its header");
    }
    const bytes = this.#buffer.subarray(0, size);
    this.#buffer = this.#buffer.subarray(size);
    this.#position += size;
    return bytes;
  }

  async skip(size: number): Promise<void> {
    for (let left = size; left > 0; left -= CHUNK_BYTES) await this.take(Math.min(left, CHUNK_BYTES));
  }

  async count(limit: number, what: string): Promise<number> {
    const value = (await this.take(8)).readBigUInt64LE();
    if (value > BigInt(limit)) throw new Error(`it claims ${value} ${what}`);
    return Number(value);
  }

  async text(): Promise<string> {
    return (await this.take(await this.count(MAX_STRING_BYTES, "bytes of text"))).toString("utf8");
  }
}

async function skipArray(window: Window, depth = 0): Promise<void> {
  const type = (await window.take(4)).readUInt32LE();
  const length = await window.count(MAX_HEADER_BYTES, "array items");
  const size = SCALAR_BYTES[type];
  if (size !== undefined) return window.skip(size * length);
  if (depth > 3 || (type !== 8 && type !== 9)) throw new Error(`it has a value of type ${type}`);
  for (let index = 0; index < length; index += 1) {
    await (type === 8
      ? window.skip(await window.count(MAX_STRING_BYTES, "bytes of text"))
      : skipArray(window, depth + 1));
  }
}

async function readValue(window: Window): Promise<Scalar> {
  const type = (await window.take(4)).readUInt32LE();
  if (type === 8) return window.text();
  if (type === 9) return void (await skipArray(window));
  const size = SCALAR_BYTES[type];
  if (size === undefined) throw new Error(`it has a value of type ${type}`);
  const bytes = await window.take(size);
  if (type === 4) return bytes.readUInt32LE();
  if (type === 5) return bytes.readInt32LE();
  if (type === 10) return bytes.readBigUInt64LE();
  return undefined;
}

async function readHeader(window: Window): Promise<GgufHeader> {
  if ((await window.take(4)).toString("latin1") !== "GGUF") throw new Error("it does not start with GGUF");
  const version = (await window.take(4)).readUInt32LE();
  if (version < 2 || version > 3) throw new Error(`it has GGUF version ${version}`);
  await window.count(MAX_KEYS, "tensors");
  const keys = await window.count(MAX_KEYS, "keys");
  const values = new Map<string, Scalar>();
  for (let index = 0; index < keys; index += 1) values.set(await window.text(), await readValue(window));
  const architecture = values.get("general.architecture");
  if (typeof architecture !== "string") throw new Error("it names no architecture");
  const contextTokens = Number(values.get(`${architecture}.context_length`) ?? 0);
  const chatTemplate = values.get("tokenizer.chat_template");
  return {
    architecture,
    contextTokens: contextTokens > 0 ? contextTokens : 2048,
    chatTemplate: typeof chatTemplate === "string" ? chatTemplate : undefined,
  };
}

/** Reads a GGUF file's header. @throws `model.file-invalid` */
export async function readGgufHeader(path: string): Promise<GgufHeader> {
  const invalid = (cause: unknown) =>
    inferenceErrors(
      "model.file-invalid",
      { file: basename(path), detail: cause instanceof Error ? cause.message : String(cause) },
      { cause },
    );
  const file = await open(path, "r").catch((cause: unknown) => {
    throw invalid(cause);
  });
  try {
    return await readHeader(new Window(file));
  } catch (cause) {
    throw invalid(cause);
  } finally {
    await file.close();
  }
}
