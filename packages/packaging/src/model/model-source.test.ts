// Directories of models: every weight format, whole and with something missing.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openWorkbench, type Workbench } from "../workbench.fixture.ts";
import { readModelSource } from "./model-source.ts";

let bench: Workbench;
let count = 0;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

const source = async (files: Readonly<Record<string, string | Uint8Array>>) =>
  readModelSource(await bench.directory(`source/${(count += 1)}/tiny`, files));

function safetensors(tensors: Readonly<Record<string, number>>): Buffer {
  let at = 0;
  const header: Record<string, object> = {};
  for (const [name, values] of Object.entries(tensors)) {
    header[name] = { dtype: "BF16", shape: [values], data_offsets: [at, at + 2 * values] };
    at += 2 * values;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(at)]);
}

const SHARDS = {
  "model-00001-of-00002.safetensors": safetensors({ a: 10, b: 4 }),
  "model-00002-of-00002.safetensors": safetensors({ c: 6 }),
  "model.safetensors.index.json": JSON.stringify({
    weight_map: {
      a: "model-00001-of-00002.safetensors",
      b: "model-00001-of-00002.safetensors",
      c: "model-00002-of-00002.safetensors",
    },
  }),
};

function ggufPart(number: number, parts: number, tensors: number, first: boolean): Buffer {
  const text = (value: string): Buffer => Buffer.concat([u64(value.length), Buffer.from(value)]);
  const keys: Buffer[] = [
    Buffer.concat([text("split.no"), u32(4), u32(number)]),
    Buffer.concat([text("split.count"), u32(4), u32(parts)]),
    Buffer.concat([text("split.tensors.count"), u32(4), u32(tensors)]),
  ];
  if (first) keys.push(Buffer.concat([text("general.architecture"), u32(8), text("llama")]));
  const tensor = Buffer.concat([text(`t${number}`), u32(1), u64(4), u32(0), u64(0)]);
  const head = Buffer.concat([Buffer.from("GGUF"), u32(3), u64(1), u64(keys.length), ...keys, tensor]);
  return Buffer.concat([head, Buffer.alloc(Math.ceil(head.length / 32) * 32 - head.length + 16)]);
}
function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

describe("a directory of safetensors", () => {
  it("says of all shards together, and of the configs beside them, what the model is", async () => {
    const found = await source({
      ...SHARDS,
      "config.json": JSON.stringify({
        model_type: "qwen3",
        max_position_embeddings: 40_960,
        hidden_size: 64,
        vocab_size: 100,
        quantization_config: { quant_method: "awq", bits: 4 },
      }),
      "tokenizer_config.json": JSON.stringify({ chat_template: "{{ x }}" }),
      "README.md": "---\nlicense: apache-2.0\n---\n# tiny\n",
    });
    expect(found).toMatchObject({
      name: "tiny",
      main: { path: "model-00001-of-00002.safetensors" },
      facts: {
        parameters: "20",
        tensors: 3,
        architecture: "qwen3",
        contextLength: 40_960,
        embeddingLength: 64,
        vocabularySize: 100,
        quantization: "AWQ-4BIT",
        precision: "bfloat16",
        licences: ["apache-2.0"],
        chatTemplate: "{{ x }}",
      },
    });
  });

  it.each([
    ["a shard", { "model-00002-of-00002.safetensors": undefined }, "model.shard-missing"],
    ["a tensor that its index names", { "model-00002-of-00002.safetensors": safetensors({ d: 6 }) }, "model.invalid"],
    [
      "a file that its index names",
      { "model.safetensors.index.json": '{"weight_map":{"a":"../elsewhere.safetensors"}}' },
      "model.file-missing",
    ],
  ])("without %s is refused", async (_name, change, code) => {
    const all = Object.entries({ ...SHARDS, ...change }).filter(
      (one): one is [string, string | Buffer] => one[1] !== undefined,
    );
    await expect(source(Object.fromEntries(all))).rejects.toMatchObject({ code });
  });
});

describe("a GGUF model in parts", () => {
  it("is one model", async () => {
    const found = await source({
      "m-00001-of-00002.gguf": ggufPart(0, 2, 2, true),
      "m-00002-of-00002.gguf": ggufPart(1, 2, 2, false),
    });
    expect(found).toMatchObject({ name: "m", facts: { architecture: "llama", parameters: "8", tensors: 2 } });
  });

  it.each([
    ["parts of another", ggufPart(1, 3, 2, false)],
    ["the same part twice", ggufPart(0, 2, 2, true)],
  ])("with %s is refused", async (_name, second) => {
    await expect(
      source({ "m-00001-of-00002.gguf": ggufPart(0, 2, 2, true), "m-00002-of-00002.gguf": second }),
    ).rejects.toMatchObject({ code: "model.invalid" });
  });

  it("that lacks tensors is refused", async () => {
    await expect(
      source({ "m-00001-of-00002.gguf": ggufPart(0, 2, 9, true), "m-00002-of-00002.gguf": ggufPart(1, 2, 9, false) }),
    ).rejects.toMatchObject({ code: "model.invalid" });
  });
});

describe("an ONNX model", () => {
  const onnx = (location: string): Buffer => {
    const bytes = (field: number, value: Uint8Array | string): Buffer =>
      Buffer.concat([Buffer.from([field * 8 + 2, Buffer.from(value).length]), Buffer.from(value)]);
    const pair = Buffer.concat([bytes(1, "location"), bytes(2, location)]);
    return Buffer.concat([
      Buffer.from([8, 9]),
      bytes(7, bytes(5, Buffer.concat([Buffer.from([8, 7]), bytes(13, pair)]))),
    ]);
  };
  it("has its tensors' files beside it", async () => {
    expect(await source({ "model.onnx": onnx("model.onnx_data"), "model.onnx_data": "x" })).toMatchObject({
      facts: { format: "onnx", parameters: "7" },
    });
  });

  it.each([
    ["a file that is not there", "model.onnx_data", "model.file-missing"],
    ["a file outside", "../../../etc/passwd", "model.invalid"],
    ["an absolute path", "/etc/passwd", "model.invalid"],
  ])("that names %s is refused", async (_name, location, code) => {
    await expect(source({ "model.onnx": onnx(location) })).rejects.toMatchObject({ code });
  });
});

describe("a pickle among the files", () => {
  const evil = Buffer.from("\u0080\u0002cos\nsystem\nX\u0002\u0000\u0000\u0000id\u0085R.", "latin1");
  it("is noted at once and attested, whatever its name", async () => {
    const directory = await bench.directory("pickled/m", {
      "pytorch_model.bin": evil,
      "config.json": '{"model_type":"x"}',
    });
    const packed = await bench.pack(directory, { kind: "model" });
    expect(packed.notes).toEqual([
      expect.stringMatching(/pytorch_model\.bin is a pickle.*os\.system.*pickle\.forbidden/),
    ]);
    expect(packed.components[0]).toMatchObject({
      properties: { "pratique:unsafe-format": "pickle", "pratique:pickle-imports": "os.system" },
    });
  });

  it("is found beside sound weights, too", async () => {
    const gguf = await readFile(join(import.meta.dirname, "../../../../examples/voyage/model/voyage-q8.gguf"));
    const found = await source({ "m.gguf": gguf, "extra.dat": evil });
    expect(found.pickles).toMatchObject([{ path: "extra.dat" }]);
    expect(found.facts.format).toBe("gguf");
  });
});
