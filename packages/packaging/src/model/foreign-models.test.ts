// Models as other tools write them: read with their roles and names, converted, and back again.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "@pratique/core";
import { MEDIA_TYPES, type Descriptor, type LocalRepository, type Manifest } from "@pratique/oci";
import { silentLog } from "@pratique/core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { planTar } from "../canonical/tar-layer.ts";
import { readArtifact } from "../read-artifact.ts";
import { openWorkbench, type Workbench } from "../workbench.fixture.ts";
import { convertModel } from "./convert-model.ts";
import { describeModel } from "./describe-model.ts";
import { readModel } from "./model-formats.ts";
import { ggufWeights } from "./model-weights.ts";

const VOYAGE = join(import.meta.dirname, "../../../../examples/voyage/model/voyage-q8.gguf");

let bench: Workbench;
let repository: LocalRepository;
let weights = Buffer.alloc(0);
let count = 0;
beforeAll(async () => {
  bench = await openWorkbench();
  weights = await readFile(VOYAGE);
});
beforeEach(() => {
  repository = bench.repository(`foreign/${(count += 1)}`);
});
afterAll(() => bench.close());

async function layer(
  mediaType: string,
  bytes: Uint8Array | string,
  annotations?: Record<string, string>,
): Promise<Descriptor> {
  const stored = await repository.putBlob(Buffer.from(bytes));
  return { mediaType, ...stored, ...(annotations === undefined ? {} : { annotations }) };
}

async function put(
  manifest: object,
  config: object,
  type: string,
  mediaType: string = MEDIA_TYPES.imageManifest,
): Promise<Manifest> {
  const json = { schemaVersion: 2, mediaType, config: await layer(type, JSON.stringify(config)), ...manifest };
  const descriptor = await repository.putManifest(Buffer.from(JSON.stringify(json)), mediaType, "x");
  return (await repository.manifest(descriptor.digest))!;
}

async function tar(files: Readonly<Record<string, Uint8Array | string>>): Promise<Buffer> {
  const plan = planTar(
    Object.entries(files).map(([path, content]) => ({
      path,
      mode: 0o644,
      size: Buffer.byteLength(content),
      async *open() {
        yield Buffer.from(content);
      },
    })),
  );
  const parts: Uint8Array[] = [];
  for await (const part of plan.stream()) parts.push(part);
  return Buffer.concat(parts);
}

const roles = async (manifest: Manifest): Promise<Record<string, string>> =>
  Object.fromEntries((await readModel(repository, manifest)).files.map(({ path, role }) => [path, role]));

const dockerModel = async (): Promise<Manifest> =>
  put(
    {
      layers: [
        await layer("application/vnd.docker.ai.gguf.v3", weights),
        await layer("application/vnd.docker.ai.gguf.v3.mmproj", "projector"),
        await layer("application/vnd.docker.ai.license", "Apache"),
        await layer("application/vnd.docker.ai.license", "and MIT"),
        await layer("application/vnd.docker.ai.chat.template.jinja", "{{ messages }}"),
      ],
    },
    {
      config: {
        format: "gguf",
        quantization: "IQ2_XXS/Q4_K_M",
        parameters: "361.82M",
        architecture: "llama",
        size: "256.35MiB",
        context_size: 8192,
        gguf: { "general.author": "HF" },
      },
      descriptor: { createdAt: "2025-05-05T05:05:05Z", "x-extra": 1 },
      rootfs: { type: "rootfs", diff_ids: [digestOf(weights)] },
    },
    "application/vnd.docker.ai.model.config.v0.1+json",
  );

const ollamaModel = async (): Promise<Manifest> =>
  put(
    {
      layers: [
        await layer("application/vnd.ollama.image.model", weights),
        await layer("application/vnd.ollama.image.template", "{{ .Prompt }}"),
        await layer("application/vnd.ollama.image.system", "Be kind."),
        await layer("application/vnd.ollama.image.params", '{"stop":["<|end|>"]}'),
        await layer("application/vnd.ollama.image.license", "MIT"),
        await layer("application/vnd.ollama.image.tensor; name=blk.0.attn; dtype=BF16; shape=4,4", "tensor"),
      ],
    },
    {
      model_format: "gguf",
      model_family: "llama",
      model_families: ["llama"],
      model_type: "8.0B",
      file_type: "Q4_0",
      architecture: "amd64",
      os: "linux",
      rootfs: { type: "layers", diff_ids: [] },
      renderer: "special",
    },
    "application/vnd.docker.container.image.v1+json",
    MEDIA_TYPES.dockerManifest,
  );

describe("a model of another tool", () => {
  it("from Docker has its roles, its names and its context", async () => {
    const manifest = await dockerModel();
    expect(await roles(manifest)).toEqual({
      LICENSE: "licence",
      "LICENSE-2": "licence",
      "mmproj.gguf": "mmproj",
      "model.gguf": "weight",
      "template.jinja": "template",
    });
    expect(await readModel(repository, manifest)).toMatchObject({
      created: "2025-05-05T05:05:05Z",
      metadata: { contextLength: 8192, quantization: "IQ2_XXS/Q4_K_M", paramSize: "361.82M", format: "gguf" },
      foreign: { docker: { config: { gguf: { "general.author": "HF" } }, descriptor: { "x-extra": 1 } } },
    });
  });

  it("from Ollama keeps the Go template apart from a Jinja one, its parameters and its tensors", async () => {
    const manifest = await ollamaModel();
    expect(await roles(manifest)).toEqual({
      LICENSE: "licence",
      "model.gguf": "weight",
      "params.json": "params",
      system: "system",
      template: "go-template",
      "tensors/blk.0.attn": "weight",
    });
    expect(await readModel(repository, manifest)).toMatchObject({
      metadata: { architecture: "llama", paramSize: "8.0B", quantization: "Q4_0" },
      foreign: { ollama: { config: { renderer: "special" } } },
    });
  });

  it("from the time when ModelPack was called otherwise is read, compressed layers too", async () => {
    const manifest = await put(
      {
        artifactType: "application/vnd.cnai.model.manifest.v1+json",
        layers: [
          await layer("application/vnd.cnai.model.weight.v1.tar", await tar({ "m.gguf": weights })),
          await layer("application/vnd.cnai.model.doc.v1.tar+gzip", gzipSync(await tar({ "docs/README.md": "# m" }))),
          await layer(
            "application/vnd.cnai.model.weight.config.v1.tar+zstd",
            zstdCompressSync(await tar({ "tokenizer.json": "{}" })),
          ),
          await layer("application/vnd.cnai.model.code.v1.raw", "print()", { "org.cnai.model.filepath": "run.py" }),
        ],
      },
      {
        descriptor: { name: "old", vendor: "v" },
        config: { architecture: "transformer", quantization: "q8_0" },
        modelfs: { type: "layers", diffIds: [] },
      },
      "application/vnd.cnai.model.config.v1+json",
    );
    expect(await roles(manifest)).toEqual({
      "docs/README.md": "doc",
      "m.gguf": "weight",
      "run.py": "code",
      "tokenizer.json": "tokenizer",
    });
    const model = await readModel(repository, manifest);
    expect(model).toMatchObject({
      name: "old",
      metadata: { quantization: "Q8_0" },
      foreign: { modelpack: { descriptor: { vendor: "v" } } },
    });
    expect(ggufWeights(model)?.[0]?.digest).toBe(digestOf(weights));
  });

  it("from KitOps has its Kitfile's parameters, and raw layers by the paths in it", async () => {
    const model = await layer(
      "application/vnd.kitops.modelkit.model.v1.tar+gzip",
      gzipSync(await tar({ "weights/m.gguf": weights })),
    );
    const docs = await layer("application/vnd.kitops.modelkit.docs.v1.raw", "# doc");
    const manifest = await put(
      { layers: [model, docs] },
      {
        manifestVersion: "1.0.0",
        package: { name: "kit", version: "2.0", authors: ["a"], license: "MIT" },
        model: { name: "m", path: "weights/m.gguf", parameters: { temperature: 0.2 }, digest: model.digest },
        docs: [{ path: "./README.md", description: "read me", digest: docs.digest }],
      },
      "application/vnd.kitops.modelkit.config.v1+json",
    );
    expect(await roles(manifest)).toEqual({ "README.md": "doc", "weights/m.gguf": "weight" });
    expect(await readModel(repository, manifest)).toMatchObject({
      name: "kit",
      version: "2.0",
      metadata: { licences: ["MIT"], authors: ["a"] },
      foreign: {
        kitops: { model: { parameters: { temperature: 0.2 } }, entries: { "./README.md": { description: "read me" } } },
      },
    });
  });

  it("as a ModelCar on a base image is what lies below /models, and the base is not the model's", async () => {
    const base = gzipSync(await tar({ "bin/sh": "#!", "etc/passwd": "root" }));
    const car = await tar({ "models/m.gguf": weights, "models/sub/config.json": "{}" });
    const manifest = await put(
      { layers: [await layer(MEDIA_TYPES.layerTarGzip, base), await layer(MEDIA_TYPES.layerTar, car)] },
      { architecture: "amd64", os: "linux", config: {}, rootfs: { type: "layers", diff_ids: [] } },
      MEDIA_TYPES.imageConfig,
    );
    const model = await readModel(repository, manifest, "modelcar");
    expect(model.files.map(({ path, role }) => [path, role])).toEqual([
      ["m.gguf", "weight"],
      ["sub/config.json", "config"],
    ]);
    const packed = await convert(manifest, "docker");
    expect(packed.components.find(({ name }) => name === "m.gguf")?.hashes).toEqual({
      sha256: digestOf(weights).slice(7),
    });
  });

  it.each(["modelpack", "docker", "kitops", "modelcar"] as const)(
    "comes back from %s to Ollama with all that only Ollama says",
    async (format) => {
      const manifest = await ollamaModel();
      const before = await readModel(repository, manifest);
      await convert(manifest, format, "away");
      await convert((await repository.manifest("away"))!, "ollama", "back");
      const back = (await repository.manifest("back"))!;
      const after = await readModel(repository, back);
      expect(after.files.map(({ path, role, digest }) => [path, role, digest])).toEqual(
        before.files.map(({ path, role, digest }) => [path, role, digest]),
      );
      expect(after).toMatchObject({ metadata: before.metadata, foreign: before.foreign });
      const types = (text: Manifest): string[] =>
        (JSON.parse(Buffer.from(text.bytes).toString()) as { layers: Descriptor[] }).layers
          .map(({ mediaType }) => mediaType)
          .sort();
      expect(types(back)).toEqual(types(manifest));
    },
  );

  it("in a raw format keeps its blobs when it is converted to another raw format", async () => {
    const manifest = await dockerModel();
    await convert(manifest, "modelpack", "pack");
    const info = await readArtifact(repository, "pack");
    expect(info.layers.map(({ digest }) => digest)).toContain(digestOf(weights));
  });

  it("as an index has the layers that its members share", async () => {
    await convert(await dockerModel(), "modelcar", "car");
    const { layers } = await readArtifact(repository, "car");
    expect(layers.reduce((sum, { size }) => sum + size, 0)).toBeGreaterThan(weights.length);
  });

  it("is described without its weights", async () => {
    const manifest = await dockerModel();
    const description = await describeModel(repository, manifest);
    expect(description).toMatchObject({
      format: "docker",
      metadata: { quantization: "IQ2_XXS/Q4_K_M", embeddingLength: 96 },
      chatTemplate: expect.any(String),
      requests: 2,
    });
    expect(description.bytes).toBeLessThan(300_000);
  });

  it("in a tar that somebody else wrote is described without reading the tar", async () => {
    const manifest = await put(
      {
        artifactType: "application/vnd.cncf.model.manifest.v1+json",
        layers: [await layer("application/vnd.cncf.model.weight.v1.tar", await tar({ "m.gguf": weights }))],
      },
      {},
      "application/vnd.cncf.model.config.v1+json",
    );
    expect(await describeModel(repository, manifest)).toMatchObject({ isComplete: false, requests: 0 });
  });
});

describe("a hostile model", () => {
  it.each([
    ["leaves its directory", { "org.cncf.model.filepath": "../../etc/passwd" }, "archive.unsafe"],
    ["is absolute", { "org.opencontainers.image.title": "/etc/passwd" }, "archive.unsafe"],
  ])("whose file %s is refused", async (_name, annotations, code) => {
    const manifest = await put(
      { layers: [await layer("application/vnd.docker.ai.gguf.v3", weights, annotations)] },
      {},
      "application/vnd.docker.ai.model.config.v0.2+json",
    );
    await expect(readModel(repository, manifest)).rejects.toMatchObject({ code });
  });

  it("with two files of one name is refused", async () => {
    const title = { "org.opencontainers.image.title": "m.gguf" };
    const layers = [
      await layer("application/vnd.docker.ai.gguf.v3", weights, title),
      await layer("application/vnd.docker.ai.license", "x", title),
    ];
    const manifest = await put({ layers }, {}, "application/vnd.docker.ai.model.config.v0.1+json");
    await expect(readModel(repository, manifest)).rejects.toMatchObject({ code: "archive.unsafe" });
  });

  it("whose annotation puts a file elsewhere is refused", async () => {
    const digest = digestOf(weights);
    const residue = { "dev.pratique.canonical": JSON.stringify({ files: { [digest]: { path: "../x" } } }) };
    const manifest = await put(
      { layers: [await layer("application/vnd.docker.ai.gguf.v3", weights)], annotations: residue },
      {},
      "application/vnd.docker.ai.model.config.v0.1+json",
    );
    await expect(readModel(repository, manifest)).rejects.toMatchObject({ code: "archive.unsafe" });
  });

  it("whose manifest places a file where its tar has none is refused when it is read", async () => {
    const bytes = await tar({ "a.gguf": weights, "b.gguf": "other" });
    const place = { path: "b.gguf", offset: 512, size: weights.length, digest: digestOf(weights), mode: 0o644 };
    const places = { "dev.pratique.tar": JSON.stringify([place]) };
    const manifest = await put(
      { layers: [await layer("application/vnd.cncf.model.weight.v1.tar", bytes, places)] },
      {},
      "application/vnd.cncf.model.config.v1+json",
    );
    const [file] = (await readModel(repository, manifest)).files;
    const read = async (): Promise<void> => {
      for await (const chunk of file!.open()) void chunk;
    };
    await expect(read()).rejects.toMatchObject({ code: "archive.damaged" });
  });
});

async function convert(manifest: Manifest, format: Parameters<typeof convertModel>[0]["format"], tag = "1") {
  return convertModel(
    { from: { repository, manifest, reference: "localhost/x:x" }, format },
    { repository, tag, cacheDirectory: join(bench.home, "cache"), clock: bench.clock, log: silentLog },
  );
}
