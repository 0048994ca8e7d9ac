// Weights that an engine can open, from layers of any form.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { digestOf, silentLog, systemClock } from "@pratique/core";
import { openContentStore, type ContentStore } from "@pratique/oci";
import { packDirectory, readArtifact, type CanonicalModel, type ModelFile } from "@pratique/packaging";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Found } from "../artifacts/find-artifact.ts";
import { ModelFiles } from "./model-files.ts";

const VOYAGE = join(import.meta.dirname, "../../../../examples/voyage/model");
let home = "";
let store: ContentStore;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "pratique-model-files-"));
  store = await openContentStore(join(home, "registry"), { clock: systemClock, log: silentLog });
});
afterEach(async () => {
  await store.close();
  await rm(home, { recursive: true, force: true });
});

async function packed(isDual: boolean): Promise<[Found, CanonicalModel]> {
  const repository = store.repository("m");
  const common = { cacheDirectory: join(home, "cache"), clock: systemClock, log: silentLog };
  const { descriptor } = await packDirectory({ directory: VOYAGE, repository, tag: "1", model: { isDual }, ...common });
  const info = await readArtifact(repository, "1");
  if (info.kind !== "model") throw new Error("it is no model");
  return [{ repository, reference: "m:1", descriptor, kind: "model" }, await info.model()];
}

/** Takes weights out of a layer that never ends. */
const ENDLESS = `
  const { ModelFiles } = await import(process.env.MODULE);
  const open = async function* () {
    for (let count = 0; ; count += 1) {
      yield Buffer.alloc(1000);
      if (count === 100) console.log("under way");
      await new Promise(setImmediate);
    }
  };
  const file = { path: "m.gguf", role: "weight", mode: 420, size: 1e12, digest: process.env.DIGEST, open };
  const model = { kind: "model", files: [file], metadata: {}, annotations: {}, foreign: {} };
  const found = { reference: "m:1", descriptor: { digest: process.env.DIGEST }, repository: {} };
  await new ModelFiles(process.env.DIRECTORY).weights(found, model);
`;

const weights = (): Promise<Buffer> => readFile(join(VOYAGE, "voyage-q8.gguf"));

it("opens a raw layer where it lies", async () => {
  const [found, model] = await packed(false);
  const { path } = await new ModelFiles(join(home, "models")).weights(found, model);
  expect(path.startsWith(join(home, "registry"))).toBe(true);
  expect(await readFile(path)).toEqual(await weights());
});

it("takes weights out of a tar once, however many ask, and removes what a killed daemon left", async () => {
  const [found, model] = await packed(true);
  const directory = join(home, "models");
  await mkdir(join(directory, "0123.partial"), { recursive: true });
  await writeFile(join(directory, "0123.partial", "half"), "x");
  const files = new ModelFiles(directory);
  const [one, two] = await Promise.all([files.weights(found, model), files.weights(found, model)]);
  expect(one).toEqual(two);
  expect(await readFile(one.path)).toEqual(await weights());
  expect(await readdir(directory)).toEqual([basename(dirname(one.path))]);
  const { ino } = await stat(one.path);
  const again = await new ModelFiles(directory).weights(found, model);
  expect((await stat(again.path)).ino).toBe(ino);
});

it("keeps nothing of weights that are not what the manifest says", async () => {
  const [found, model] = await packed(true);
  const broken = model.files.map((file): ModelFile =>
    file.role === "weight"
      ? {
          ...file,
          async *open() {
            yield* file.open({ start: 0, end: 1000 });
            throw new Error("the disk is gone");
          },
        }
      : file,
  );
  const directory = join(home, "models");
  await expect(new ModelFiles(directory).weights(found, { ...model, files: broken })).rejects.toThrow(
    "the disk is gone",
  );
  expect(await readdir(directory)).toEqual([]);
});

it("shows nothing of what a killed daemon had half taken out, and the next one does it anew", async () => {
  const [found, model] = await packed(true);
  const directory = join(home, "models");
  const child = spawn(process.execPath, ["--input-type=module", "-e", ENDLESS], {
    env: {
      ...process.env,
      MODULE: join(import.meta.dirname, "model-files.ts"),
      DIRECTORY: directory,
      DIGEST: found.descriptor.digest,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "close");
  expect(await readdir(directory)).toEqual([expect.stringMatching(/\.partial$/)]);
  const { path } = await new ModelFiles(directory).weights(found, model);
  expect(await readFile(path)).toEqual(await weights());
  expect(await readdir(directory)).toEqual([basename(dirname(path))]);
});

it("puts the parts of a model beside each other under their names", async () => {
  const repository = store.repository("parts");
  const parts: ModelFile[] = [];
  for (const name of ["m-00001-of-00002.gguf", "m-00002-of-00002.gguf"]) {
    const bytes = Buffer.from(name);
    await repository.putBlob(bytes);
    const file = {
      path: name,
      role: "weight",
      mode: 0o644,
      size: bytes.length,
      digest: digestOf(bytes),
      blobIn: "parts",
    } as const;
    parts.push({ ...file, open: async function* () {} });
  }
  const descriptor = { mediaType: "x", digest: digestOf("manifest"), size: 1 };
  const found: Found = { repository, reference: "parts:1", descriptor, kind: "model" };
  const model: CanonicalModel = { kind: "model", files: parts, metadata: {}, annotations: {}, foreign: {} };
  const { path, sizeBytes } = await new ModelFiles(join(home, "models")).weights(found, model);
  expect(basename(path)).toBe("m-00001-of-00002.gguf");
  expect(sizeBytes).toBe(42);
  expect(await readFile(join(dirname(path), "m-00002-of-00002.gguf"), "utf8")).toBe("m-00002-of-00002.gguf");
});

it("says of weights in another format that no engine here can open them", async () => {
  const [found, model] = await packed(false);
  const files = model.files.map((file) => (file.role === "weight" ? { ...file, path: "m.safetensors" } : file));
  const other: CanonicalModel = { ...model, files, metadata: { format: "safetensors" } };
  await expect(new ModelFiles(join(home, "models")).weights(found, other)).rejects.toMatchObject({
    code: "model.not-runnable",
  });
});
