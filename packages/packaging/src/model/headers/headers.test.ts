// Headers of model files: what they say, what they cost, and that no damage of them does harm.
import { join } from "node:path";
import { readFile } from "node:fs/promises";
import { isPratiqueError } from "@pratique/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ggufFactsOf } from "../gguf-file.ts";
import { parseGguf } from "./gguf-header.ts";
import { findPickles } from "./find-pickles.ts";
import { headerSource, LOCAL_BUDGET, REMOTE_BUDGET, type HeaderSource } from "./header-source.ts";
import { readDduf } from "./dduf-header.ts";
import { readOnnx } from "./onnx-header.ts";
import { walkPickle } from "./pickle-file.ts";
import { readSafetensors } from "./safetensors-header.ts";
import { storedZip } from "./stored-zip.fixture.ts";

const VOYAGE = join(import.meta.dirname, "../../../../../examples/voyage/model/voyage-q8.gguf");

function sourceOf(bytes: Uint8Array, counted = { reads: 0, bytes: 0 }, budget = LOCAL_BUDGET): HeaderSource {
  const whole = Buffer.from(bytes);
  return headerSource(
    whole.length,
    async (start, length) => {
      counted.reads += 1;
      counted.bytes += length;
      return whole.subarray(start, start + length);
    },
    budget,
  );
}

function safetensors(header: object | string, data = 0): Buffer {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(data)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 0x80);
  }
}
const number = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)]);
const bytes = (field: number, value: Uint8Array | string): Buffer =>
  Buffer.concat([varint(field * 8 + 2), varint(Buffer.from(value).length), Buffer.from(value)]);
const pair = (key: string, value: string): Buffer => Buffer.concat([bytes(1, key), bytes(2, value)]);

const ONNX = Buffer.concat([
  number(1, 9),
  bytes(2, "pytorch"),
  bytes(
    7,
    Buffer.concat([
      bytes(2, "main"),
      bytes(5, Buffer.concat([number(1, 1000), number(1, 20), bytes(8, "w"), bytes(9, Buffer.alloc(80_000))])),
      bytes(5, Buffer.concat([number(1, 7), bytes(8, "b"), bytes(13, pair("location", "model.onnx_data"))])),
    ]),
  ),
  bytes(14, pair("license", "mit")),
]);

const TENSORS = {
  __metadata__: { format: "pt" },
  a: { dtype: "BF16", shape: [4, 8], data_offsets: [0, 64] },
  b: { dtype: "F32", shape: [2], data_offsets: [64, 72] },
};
const DDUF = storedZip({
  "model_index.json": JSON.stringify({ _class_name: "FluxPipeline", vae: ["diffusers", "AutoencoderKL"] }),
  "vae/config.json": "{}",
  "vae/model.safetensors": safetensors(TENSORS, 72),
});

/** `os.system("id")`, in each protocol. */
const EVIL = {
  "protocol 0": Buffer.from("cposix\nsystem\n(S'id'\ntR."),
  "protocol 2": Buffer.from("\u0080\u0002cos\nsystem\nX\u0002\u0000\u0000\u0000id\u0085R.", "latin1"),
  "protocol 4": Buffer.from(
    "\u0080\u0004\u008c\u0002os\u0094\u008c\u0006system\u0094\u0093\u008c\u0002id\u0085R.",
    "latin1",
  ),
  "a name from the memo": Buffer.from(
    "\u0080\u0004\u008c\u0002os\u0094\u008c\u0006system\u00940\u0030h\u0000h\u0001\u0093\u008c\u0002id\u0085R.",
    "latin1",
  ),
} as const;

describe("a GGUF header", () => {
  it("costs one request and says all that is known of the model", async () => {
    const counted = { reads: 0, bytes: 0 };
    const facts = await ggufFactsOf(sourceOf(await readFile(VOYAGE), counted, REMOTE_BUDGET), "m");
    expect(facts).toMatchObject({
      architecture: "llama",
      quantization: "Q8_0",
      contextLength: 512,
      licences: ["apache-2.0"],
      parameters: "378624",
      chatTemplate: expect.stringContaining("{%"),
      embeddingLength: expect.any(Number),
      vocabularySize: expect.any(Number),
      isComplete: true,
    });
    expect(counted.reads).toBe(1);
    expect(counted.bytes).toBeLessThanOrEqual(256 * 1024);
  });

  it("says what it can when its vocabulary is larger than the budget", async () => {
    const words = Array.from({ length: 128_000 }, (_, at) => `a long word ${at}`);
    const header = gguf([
      ["general.architecture", "llama"],
      ["general.file_type", 15],
      ["general.size_label", "8B"],
      ["llama.context_length", 131_072],
      ["tokenizer.ggml.tokens", words],
      ["tokenizer.chat_template", "{{ x }}"],
    ]);
    const counted = { reads: 0, bytes: 0 };
    const facts = await ggufFactsOf(sourceOf(header, counted, REMOTE_BUDGET), "m");
    expect(facts).toMatchObject({
      isComplete: false,
      quantization: "Q4_K_M",
      paramSize: "8b",
      contextLength: 131_072,
      vocabularySize: 128_000,
    });
    expect(counted.reads).toBeLessThanOrEqual(3);
    expect(counted.bytes).toBeLessThanOrEqual(2 ** 20);
    expect(await ggufFactsOf(sourceOf(header), "m")).toMatchObject({ isComplete: true, chatTemplate: "{{ x }}" });
  });

  it.each([
    [
      "a key twice",
      gguf([
        ["a", 1],
        ["a", 2],
      ]),
    ],
    ["more keys than any has", gguf([], 2n ** 60n)],
    ["a text of 2^60 bytes", Buffer.concat([gguf([], 1n), Buffer.from([255, 255, 255, 255, 255, 255, 255, 15])])],
  ])("with %s is refused", (_name, header) => {
    expect(() => parseGguf(header, "m")).toThrow(expect.objectContaining({ code: "model.invalid" }));
  });
});

describe("a safetensors header", () => {
  it("says how many weights there are and of which precision", async () => {
    const facts = await readSafetensors(sourceOf(safetensors(TENSORS, 72)), "m");
    expect(facts).toMatchObject({ parameters: "34", precision: "bfloat16", tensors: 2, isComplete: true });
  });

  it.each([
    ["a hole", { a: { dtype: "F32", shape: [1], data_offsets: [4, 8] } }, 8, "model.invalid"],
    [
      "an overlap",
      { a: { dtype: "U8", shape: [4], data_offsets: [0, 4] }, b: { dtype: "U8", shape: [4], data_offsets: [2, 6] } },
      6,
      "model.invalid",
    ],
    ["another size than its shape", { a: { dtype: "F32", shape: [2], data_offsets: [0, 4] } }, 4, "model.invalid"],
    ["weights that are cut", { a: { dtype: "F32", shape: [2], data_offsets: [0, 8] } }, 3, "model.truncated"],
    ["something behind its tensors", { a: { dtype: "F32", shape: [1], data_offsets: [0, 4] } }, 9, "model.invalid"],
    ["no JSON", "[]", 0, "model.invalid"],
  ])("with %s is refused", async (_name, header, data, code) => {
    await expect(readSafetensors(sourceOf(safetensors(header, data)), "m")).rejects.toMatchObject({ code });
  });
});

describe("an ONNX header", () => {
  it("is read around its tensors", async () => {
    expect(await readOnnx(sourceOf(ONNX), "m")).toMatchObject({
      name: "main",
      producer: "pytorch",
      licences: ["mit"],
      parameters: "20007",
      tensors: 2,
      externalFiles: ["model.onnx_data"],
    });
  });
});

describe("a DDUF header", () => {
  it("costs two requests at most, however large its weights", async () => {
    const counted = { reads: 0, bytes: 0 };
    expect(await readDduf(sourceOf(DDUF, counted, REMOTE_BUDGET), "m")).toMatchObject({
      architecture: "FluxPipeline",
      tensors: 1,
    });
    expect(counted.reads).toBeLessThanOrEqual(2);
  });

  it("with a script in it is refused", async () => {
    const bad = storedZip({ "model_index.json": "{}", "run.py": "x" });
    await expect(readDduf(sourceOf(bad), "m")).rejects.toMatchObject({ code: "model.invalid" });
  });
});

describe("a pickle", () => {
  it.each(Object.entries(EVIL))("in %s is found with what it would call", async (_name, pickle) => {
    const [found] = await findPickles(sourceOf(pickle), "model.pkl");
    expect(found).toMatchObject({ isWhole: true, imports: [{ name: "system", verdict: "dangerous" }] });
  });

  it("is found by its content, whatever its name, and in a checkpoint", async () => {
    expect(await findPickles(sourceOf(EVIL["protocol 4"]), "weights.dat")).toHaveLength(1);
    const zip = storedZip({ "archive/data.pkl": EVIL["protocol 2"], "archive/data/0": Buffer.alloc(100) });
    expect(await findPickles(sourceOf(zip), "pytorch_model.bin")).toMatchObject([
      { member: "archive/data.pkl", imports: [{ module: "os" }] },
    ]);
  });

  it("of ordinary tensors imports only what is known", () => {
    const honest = Buffer.from(
      "\u0080\u0002ctorch._utils\n_rebuild_tensor_v2\nq\u0000ccollections\nOrderedDict\nq\u0001)R.",
      "latin1",
    );
    expect(walkPickle(honest)).toMatchObject({ isWhole: true, imports: [{ verdict: "known" }, { verdict: "known" }] });
  });

  it("that hides a name is called dangerous", () => {
    const odd = Buffer.from("\u0080\u0004\u008c\u0002osp1_0\n\u008c\u0007builtinp1_1\n0g1_0\ng1_1\n\u0093.", "latin1");
    expect(walkPickle(odd).imports).toMatchObject([{ verdict: "dangerous" }]);
  });

  it("is not seen in what is none", async () => {
    for (const bytes of [
      await readFile(VOYAGE),
      safetensors(TENSORS, 72),
      ONNX,
      DDUF,
      Buffer.from("# a text\n"),
      Buffer.alloc(0),
    ]) {
      expect(await findPickles(sourceOf(bytes), "file.bin")).toEqual([]);
    }
  });
});

describe("any damage of a header", () => {
  const read: readonly [string, Buffer, (source: HeaderSource) => Promise<unknown>][] = [
    [
      "gguf",
      gguf([
        ["general.architecture", "llama"],
        ["x", ["a", "b"]],
        ["y", 3],
      ]),
      (source) => ggufFactsOf(source, "m"),
    ],
    ["safetensors", safetensors(TENSORS, 72), (source) => readSafetensors(source, "m")],
    ["onnx", ONNX.subarray(0, 400), (source) => readOnnx(source, "m")],
    ["dduf", DDUF, (source) => readDduf(source, "m")],
    ["pickle", EVIL["protocol 4"], (source) => findPickles(source, "m.pkl")],
    ["zipped pickle", storedZip({ "a/data.pkl": EVIL["protocol 2"] }), (source) => findPickles(source, "m.pt")],
  ];
  it.each(read)("of %s is answered with an error of ours", async (_name, whole, use) => {
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 6 }), fc.nat(whole.length), async (changes, length) => {
        const damaged = Buffer.from(whole);
        for (const [at, byte] of changes) damaged[at] = byte;
        const failure = await use(sourceOf(damaged.subarray(0, length))).then(
          () => undefined,
          (error: unknown) => error,
        );
        expect(failure === undefined || isPratiqueError(failure)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("of random bytes ends, too", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (random) => {
        for (const [, , use] of read) {
          const failure = await use(sourceOf(random)).catch((error: unknown) => error);
          expect(failure instanceof Error ? isPratiqueError(failure) : true).toBe(true);
        }
        walkPickle(Buffer.from(random));
      }),
      { numRuns: 200 },
    );
  });
});

function gguf(
  keys: readonly (readonly [string, string | number | readonly string[]])[],
  count = BigInt(keys.length),
): Buffer {
  const u32 = (value: number): Buffer => {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32LE(value);
    return buffer;
  };
  const u64 = (value: bigint): Buffer => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(value);
    return buffer;
  };
  const text = (value: string): Buffer => Buffer.concat([u64(BigInt(Buffer.byteLength(value))), Buffer.from(value)]);
  const parts = [Buffer.from("GGUF"), u32(3), u64(0n), u64(count)];
  for (const [key, value] of keys) {
    parts.push(text(key));
    if (typeof value === "number") parts.push(u32(4), u32(value));
    else if (typeof value === "string") parts.push(u32(8), text(value));
    else parts.push(u32(9), u32(8), u64(BigInt(value.length)), ...value.map(text));
  }
  return Buffer.concat(parts);
}
