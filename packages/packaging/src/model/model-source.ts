// The directory of a model: every weight file checked, and what they say of the model together.
import { basename, dirname, posix } from "node:path";
import { isJsonObject, isPratiqueError, parseJson, type JsonObject } from "@pratique/core";
import { pathProblem } from "../archive/entry-path.ts";
import { packagingErrors } from "../errors.ts";
import { listFiles, readSmallFile, type SourceFile } from "../source-files.ts";
import { readGguf, type GgufFacts } from "./gguf-file.ts";
import { readDduf } from "./headers/dduf-header.ts";
import { findPickles, type FoundPickle } from "./headers/find-pickles.ts";
import { SCATTERED_BUDGET, withFileSource } from "./headers/header-source.ts";
import { cardOf, configFacts } from "./headers/hugging-face-config.ts";
import { paramSize, type ModelFacts } from "./headers/model-facts.ts";
import { readOnnx } from "./headers/onnx-header.ts";
import { readSafetensors, type SafetensorsFacts } from "./headers/safetensors-header.ts";
import { roleOf } from "./model-files.ts";

const LIMITS = { kind: "model", maxFiles: 10_000, maxBytes: 2 ** 43 } as const;
const SHARD = /^(.*)-(\d{5})-of-(\d{5})\.(gguf|safetensors)$/i;
const LIMIT_JSON = 64 * 1024 * 1024;

export interface ModelSource {
  readonly name: string;
  readonly version: string | undefined;
  readonly files: readonly SourceFile[];
  /** The weight file that describes the model: the only one, or the first part. */
  readonly main: SourceFile;
  readonly facts: ModelFacts;
  readonly pickles: readonly FoundPickle[];
}

/**
 * Reads and checks the headers of a model's files; no weights are read.
 * @throws `model.invalid`, `model.truncated`, `model.shard-missing`, `model.file-missing`
 */
export async function readModelSource(directory: string): Promise<ModelSource> {
  const files = (await listFiles(directory, LIMITS)).filter(
    ({ path }) => !path.split("/").some((part) => part.startsWith(".")),
  );
  requireAllShards(files);
  const pickles: FoundPickle[] = [];
  for (const file of files) {
    pickles.push(...(await withFileSource(file.absolute, (source) => findPickles(source, file.path))));
  }
  const weights = await readWeights(files, pickles);
  const [main] = weights;
  if (main === undefined) throw packagingErrors("artifact.unknown-kind", { directory });
  const facts: ModelFacts = { ...(await factsBeside(files)), ...main.facts };
  const fallback = basename(main.file.path).replace(/(?:-\d{5}-of-\d{5})?\.[a-z]+$/i, "");
  // `model.safetensors` names nothing; its directory does.
  const name = facts.name ?? (/^(?:pytorch_)?model$/.test(fallback) ? basename(directory) : fallback);
  return { name, version: facts.modelVersion, files, main: main.file, facts, pickles };
}

interface Weight {
  readonly file: SourceFile;
  readonly facts: ModelFacts;
}

/** The facts of the files that describe the model, the best one first. */
async function readWeights(files: readonly SourceFile[], pickles: readonly FoundPickle[]): Promise<Weight[]> {
  const ending = (end: string) => files.filter(({ path }) => path.toLowerCase().endsWith(end));
  const found = [
    ...(await readGgufFiles(ending(".gguf"))),
    ...(await readSafetensorsFiles(files, ending(".safetensors"))),
    ...(await readOnnxFiles(files, ending(".onnx"))),
  ];
  for (const file of ending(".dduf")) {
    found.push({ file, facts: await withFileSource(file.absolute, (source) => readDduf(source, file.path)) });
  }
  for (const { path } of pickles) {
    const file = files.find((one) => one.path === path && roleOf(path) === "weight");
    if (file !== undefined) found.push({ file, facts: { format: "pickle", isComplete: false } });
  }
  return found;
}

async function readGgufFiles(files: readonly SourceFile[]): Promise<Weight[]> {
  const read: { file: SourceFile; facts: GgufFacts }[] = [];
  for (const file of files) read.push({ file, facts: await readGguf(file.absolute, file.path) });
  const firsts = read.filter(({ facts }) => (facts.split?.number ?? 0) === 0);
  const models = firsts.map(({ file, facts }) => ({ file, facts: withParts(file, facts, read) }));
  // A projector (mmproj) or an adapter beside the weights describes only itself.
  const rank = ({ file, facts }: Weight): number =>
    facts.architecture === "clip" || roleOf(file.path) !== "weight" ? 1 : 0;
  return models.toSorted((a, b) => rank(a) - rank(b));
}

/** The model of a first part with those that follow it. @throws `model.invalid` when they are not of one model */
function withParts(
  file: SourceFile,
  facts: GgufFacts,
  all: readonly { file: SourceFile; facts: GgufFacts }[],
): ModelFacts {
  const stem = SHARD.exec(file.path);
  if (stem === null || facts.split === undefined) return facts;
  const parts = all.filter((one) => SHARD.exec(one.file.path)?.[1] === stem[1]);
  const { count, tensors } = facts.split;
  const wrong = (path: string, reason: string) => packagingErrors("model.invalid", { path, reason });
  if (count !== Number(stem[3]))
    throw wrong(file.path, `it says it is one of ${count} parts, and its name of ${Number(stem[3])}`);
  for (const part of parts) {
    const number = Number(SHARD.exec(part.file.path)?.[2]);
    const own = part.facts.split;
    if (own?.count !== count || own.number !== number - 1)
      throw wrong(part.file.path, `it is not part ${number} of ${count}`);
  }
  const sum = parts.reduce((total, one) => total + (one.facts.tensors ?? 0), 0);
  if (tensors !== undefined && tensors !== sum)
    throw wrong(file.path, `it has ${sum} tensors in all parts and says ${tensors}`);
  const parameters = parts.reduce((total, one) => total + BigInt(one.facts.parameters), 0n);
  return { ...facts, parameters: String(parameters), tensors: sum, paramSize: paramSize(parameters) };
}

async function readSafetensorsFiles(files: readonly SourceFile[], weights: readonly SourceFile[]): Promise<Weight[]> {
  const read = new Map<string, SafetensorsFacts>();
  for (const file of weights) {
    read.set(file.path, await withFileSource(file.absolute, (source) => readSafetensors(source, file.path)));
  }
  for (const index of files.filter(({ path }) => path.endsWith(".safetensors.index.json")))
    await checkIndex(index, read);
  const models = weights.filter(({ path }) => roleOf(path) === "weight");
  const [first] = models;
  if (first === undefined) return [];
  const facts = models.flatMap(({ path }) => read.get(path) ?? []);
  const parameters = facts.reduce((total, one) => total + BigInt(one.parameters ?? 0), 0n);
  const { names: _names, ...own } = read.get(first.path)!;
  const tensors = facts.reduce((total, one) => total + (one.tensors ?? 0), 0);
  return [
    { file: first, facts: { ...own, parameters: String(parameters), paramSize: paramSize(parameters), tensors } },
  ];
}

/** Every tensor of an index must be in the file that it names. @throws `model.file-missing`, `model.invalid` */
async function checkIndex(index: SourceFile, read: ReadonlyMap<string, SafetensorsFacts>): Promise<void> {
  const json = await readJson(index);
  const map = json?.["weight_map"];
  if (!isJsonObject(map)) throw packagingErrors("model.invalid", { path: index.path, reason: "it has no weight_map" });
  for (const [tensor, name] of Object.entries(map)) {
    const path = beside(index, typeof name === "string" ? name : "");
    const facts = path === undefined ? undefined : read.get(path);
    if (facts === undefined)
      throw packagingErrors("model.file-missing", { path: index.path, missing: String(name).slice(0, 200) });
    if (facts.names.has(tensor)) continue;
    throw packagingErrors("model.invalid", {
      path: path!,
      reason: `it lacks the tensor ${tensor.slice(0, 80)} that its index names`,
    });
  }
}

/** ONNX names files for its tensors: they must lie below it, as every reader expects. */
async function readOnnxFiles(files: readonly SourceFile[], models: readonly SourceFile[]): Promise<Weight[]> {
  const read: Weight[] = [];
  for (const file of models) {
    const facts = await withFileSource(file.absolute, (source) => readOnnx(source, file.path), SCATTERED_BUDGET);
    for (const name of facts.externalFiles) {
      const path = beside(file, name);
      if (path === undefined) {
        throw packagingErrors("model.invalid", {
          path: file.path,
          reason: `it keeps tensors in ${name.slice(0, 80)}, which is not beside it`,
        });
      }
      if (!files.some((one) => one.path === path))
        throw packagingErrors("model.file-missing", { path: file.path, missing: path });
    }
    const { externalFiles: _files, producer: _producer, ...own } = facts;
    read.push({ file, facts: own });
  }
  return read;
}

function beside(file: SourceFile, name: string): string | undefined {
  const path = posix.join(dirname(file.path), name);
  return pathProblem(name) === undefined && pathProblem(path) === undefined ? path : undefined;
}

function requireAllShards(files: readonly SourceFile[]): void {
  const present = new Set(files.map(({ path }) => path));
  for (const { path } of files) {
    const shard = SHARD.exec(path);
    if (shard === null) continue;
    const [, stem = "", , total = "0", extension = ""] = shard;
    for (let part = 1; part <= Number(total); part += 1) {
      const missing = `${stem}-${String(part).padStart(5, "0")}-of-${total}.${extension}`;
      if (!present.has(missing)) throw packagingErrors("model.shard-missing", { path, total: Number(total), missing });
    }
  }
}

/** What files beside the weights say: Hugging Face's configs, and the head of a model card. */
async function factsBeside(files: readonly SourceFile[]): Promise<Partial<ModelFacts>> {
  const at = (path: string): SourceFile | undefined => files.find((one) => one.path === path);
  const [config, tokenizer, card] = [at("config.json"), at("tokenizer_config.json"), at("README.md")];
  const read = async (file: SourceFile | undefined) => (file === undefined ? undefined : await readJson(file));
  return configFacts({
    config: await read(config),
    tokenizer: await read(tokenizer),
    card: card === undefined ? undefined : await readCard(card),
  });
}

async function readJson(file: SourceFile): Promise<JsonObject | undefined> {
  try {
    const json = parseJson((await readSmallFile(file, LIMIT_JSON)).toString("utf8"), file.path);
    return isJsonObject(json) ? json : undefined;
  } catch (error) {
    if (isPratiqueError(error)) return undefined;
    throw error;
  }
}

/** The YAML at the head of a model card (huggingface.co/docs/hub/model-cards). */
async function readCard(file: SourceFile): Promise<JsonObject | undefined> {
  if (file.size > 1024 * 1024) return undefined;
  return cardOf((await readSmallFile(file, 1024 * 1024)).toString("utf8"));
}
