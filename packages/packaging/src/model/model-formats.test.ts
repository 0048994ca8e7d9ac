// Every format of models, and every way between two of them: nothing is lost.
import { join } from "node:path";
import { digestOf } from "@pratique/core";
import { parseManifest, type LocalRepository, type Manifest } from "@pratique/oci";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publishPlan } from "../artifact-plan.ts";
import { openWorkbench, type Workbench } from "../workbench.fixture.ts";
import { MODEL_FORMATS, type CanonicalModel, type ModelFile, type ModelFormat } from "./canonical-model.ts";
import { modelFormatOf, readModel, writeModel } from "./model-formats.ts";
import { MODEL_ROLES } from "./model-metadata.ts";

let bench: Workbench;
let count = 0;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench.close());

const fresh = (): LocalRepository => bench.repository(`formats/${(count += 1)}`);

type Form = { readonly format: ModelFormat; readonly isDual?: boolean };
const FORMS: readonly Form[] = [...MODEL_FORMATS.map((format) => ({ format })), { format: "modelpack", isDual: true }];

async function write(model: CanonicalModel, form: Form, repository = fresh()): Promise<[LocalRepository, Manifest]> {
  const plan = await writeModel(model, form.format, {
    repository,
    version: "7",
    isDual: form.isDual ?? false,
    components: [],
    materials: [],
    buildType: "test",
  });
  const { descriptor } = await publishPlan(plan, { repository, tag: "1", createdAt: undefined });
  return [repository, (await repository.manifest(descriptor.digest))!];
}

async function contentOf(file: ModelFile): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of file.open()) parts.push(part);
  return Buffer.concat(parts).toString("hex");
}

/** A model as plain data, with the bytes of its files. */
async function plain(model: CanonicalModel): Promise<object> {
  const files = [];
  for (const { open: _open, blobIn: _blobIn, ...file } of model.files) {
    files.push({ ...file, content: await contentOf(model.files.find(({ path }) => path === file.path)!) });
  }
  return JSON.parse(JSON.stringify({ ...model, created: undefined, files })) as object;
}

function file(path: string, role: ModelFile["role"], bytes: Uint8Array, rest: Partial<ModelFile> = {}): ModelFile {
  const content = Buffer.from(bytes);
  async function* open(): AsyncGenerator<Uint8Array> {
    yield content;
  }
  return { path, role, mode: 0o644, size: content.length, digest: digestOf(content), open, ...rest };
}

const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,11}$/);
const text = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme" }).filter((one) => one.isWellFormed());
const path = fc
  .array(
    fc.stringMatching(/^[A-Za-z0-9_é][A-Za-z0-9_. -]{0,30}[A-Za-z0-9]$/).filter((one) => !one.includes("..")),
    { minLength: 1, maxLength: 3 },
  )
  .map((parts) => parts.join("/"));
const json = fc.dictionary(
  word,
  fc.oneof(text, fc.integer(), fc.boolean(), fc.dictionary(word, text, { maxKeys: 3 })),
  { maxKeys: 4 },
);

const anyFile = fc.record({
  path: fc.oneof(
    path,
    fc.tuple(word, fc.constantFrom("gguf", "safetensors", "json", "md", "jinja", "py")).map((parts) => parts.join(".")),
  ),
  role: fc.constantFrom(...MODEL_ROLES),
  bytes: fc.uint8Array({ maxLength: 2000 }),
  mode: fc.constantFrom(0o644, 0o755, 0o600, 0o444),
  rest: fc.record(
    {
      mediaType: fc.constant("text/plain"),
      modified: fc.constantFrom("2024-02-29T12:00:00Z", "1999-12-31T23:59:59Z"),
      annotations: fc.dictionary(
        word.map((one) => `com.example.${one}`),
        text,
        { minKeys: 1, maxKeys: 2 },
      ),
    },
    { requiredKeys: [] },
  ),
});

const anyModel: fc.Arbitrary<CanonicalModel> = fc
  .record({
    files: fc.uniqueArray(anyFile, { selector: (one) => one.path.toLowerCase(), minLength: 1, maxLength: 6 }),
    names: fc.record({ name: text, version: word, description: text }, { requiredKeys: [] }),
    metadata: fc.record(
      {
        format: fc.constantFrom("gguf", "safetensors", "onnx", "dduf", "pickle"),
        architecture: word,
        parameters: fc.bigInt({ min: 0n, max: 10n ** 29n }).map(String),
        paramSize: word,
        quantization: fc.constantFrom("Q4_K_M", "Q8_0", "awq-4bit"),
        precision: word,
        contextLength: fc.nat(),
        embeddingLength: fc.nat(),
        vocabularySize: fc.nat(),
        licences: fc.array(text, { maxLength: 3 }),
        authors: fc.array(text, { maxLength: 2 }),
      },
      { requiredKeys: [] },
    ),
    annotations: fc.dictionary(
      word.map((one) => `org.example.${one}`),
      text,
      { maxKeys: 3 },
    ),
    foreign: fc.record(
      { docker: json, modelpack: json, kitops: json, ollama: json, modelcar: json, other: json },
      { requiredKeys: [] },
    ),
  })
  .filter(({ files }) => !files.some((a) => files.some((b) => b.path.startsWith(`${a.path}/`))))
  .map(({ files, names, metadata, annotations, foreign }) => ({
    kind: "model" as const,
    ...names,
    files: files
      .map((one) => file(one.path, one.role, one.bytes, { mode: one.mode, ...one.rest }))
      .toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))),
    metadata,
    annotations,
    foreign,
  }));

describe("a model", () => {
  it.each(FORMS)("comes back from $format (dual: $isDual) as it went in", async (form) => {
    await fc.assert(
      fc.asyncProperty(anyModel, async (model) => {
        const [repository, manifest] = await write(model, form);
        expect(modelFormatOf(manifest)).toBe(form.isDual === true ? "modelcar" : form.format);
        expect(await plain(await readModel(repository, manifest))).toEqual(
          await plain({ ...model, ...keptNames(model) }),
        );
      }),
      { numRuns: 25 },
    );
  });

  it("is the same manifest again after a way through every other format", async () => {
    await fc.assert(
      fc.asyncProperty(anyModel, fc.shuffledSubarray([...FORMS], { minLength: 2 }), async (model, forms) => {
        const [first = { format: "docker" as const }, ...others] = forms;
        const [startRepository, start] = await write(model, first);
        let now = await readModel(startRepository, start);
        for (const form of others) now = await readModel(...(await write(now, form)));
        const [, end] = await write(now, first);
        expect(end.bytes.toString()).toBe(start.bytes.toString());
        expect(end.descriptor.digest).toBe(start.descriptor.digest);
      }),
      { numRuns: 40 },
    );
  });

  it("has the same weight blob as an image layer and as a ModelPack layer when it is dual", async () => {
    const weights = new Uint8Array(20 * 2 ** 20).fill(7);
    const model: CanonicalModel = {
      kind: "model",
      name: "m",
      files: [file("README.md", "doc", Buffer.from("# m")), file("m.gguf", "weight", weights)],
      metadata: { format: "gguf" },
      annotations: {},
      foreign: {},
    };
    const [repository, manifest] = await write(model, { format: "modelpack", isDual: true });
    const parsed = parseManifest(manifest.bytes, manifest.mediaType);
    const members = parsed.type === "index" ? parsed.manifest.manifests : [];
    expect(members.map(({ platform }) => `${platform?.os}/${platform?.architecture}`)).toEqual([
      "linux/amd64",
      "linux/arm64",
      "unknown/unknown",
    ]);
    const layers = [];
    for (const { digest } of members) {
      const member = (await repository.manifest(digest))!;
      const image = parseManifest(member.bytes, member.mediaType);
      layers.push(image.type === "image" ? image.manifest.layers : []);
    }
    const member = (await repository.manifest(members[2]!.digest))!;
    expect(await plain(await readModel(repository, member))).toEqual(
      await plain(await readModel(repository, manifest)),
    );
    const [image = [], , pack = []] = layers;
    expect(pack.map(({ digest }) => digest)).toEqual(image.map(({ digest }) => digest));
    expect(image.every(({ mediaType }) => mediaType === "application/vnd.oci.image.layer.v1.tar")).toBe(true);
    expect(pack.map(({ mediaType }) => mediaType)).toEqual([
      "application/vnd.cncf.model.doc.v1.tar",
      "application/vnd.cncf.model.weight.v1.tar",
    ]);
    const places = JSON.parse(image[1]?.annotations?.["dev.pratique.tar"] ?? "[]") as { offset: number }[];
    expect(places[0]!.offset % 4096).toBe(0);
  });
});

/** Names that no manifest can leave out come from the plan; what a model states itself wins. */
function keptNames(model: CanonicalModel): Partial<CanonicalModel> {
  return { name: model.name, version: model.version ?? "7" };
}

describe("a packed directory", () => {
  it.each(FORMS)("of voyage is one digest in two homes as $format (dual: $isDual)", async (form) => {
    const directory = join(import.meta.dirname, "../../../../examples/voyage/model");
    const other = await openWorkbench();
    try {
      const model = { format: form.format, isDual: form.isDual };
      const one = await bench.pack(directory, { repository: fresh(), model });
      other.clock.advance(86_400_000);
      const two = await other.pack(directory, { model });
      expect(two.descriptor.digest).toBe(one.descriptor.digest);
    } finally {
      await other.close();
    }
  });
});
