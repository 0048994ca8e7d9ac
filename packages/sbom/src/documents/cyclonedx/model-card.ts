// A model's card and its ancestors, as CycloneDX has them (ML-BOM: modelCard, pedigree), written and read.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import { defined, listOrNone, objectAt, objectsAt, textAt, textsAt } from "../json-at.ts";
import type { ModelCard, ModelOrigin } from "../sbom-document.ts";

/** What modelCard has no word for. */
const PROPERTIES = ["format", "parameters", "quantization", "precision", "contextLength"] as const;
const PREFIX = "pratique:model:";

export function modelCardJson(model: ModelCard): JsonObject {
  const { task, family, architecture, datasets, inputs, outputs, useCases, limitations, languages } = model;
  const properties = PROPERTIES.flatMap((key) => {
    const value = model[key];
    return value === undefined ? [] : [{ name: `${PREFIX}${key}`, value: String(value) }];
  });
  const spoken = (languages ?? []).map((value) => ({ name: `${PREFIX}language`, value }));
  const all = [...properties, ...spoken];
  const considerations = {
    ...(useCases === undefined ? {} : { useCases }),
    ...(limitations === undefined ? {} : { technicalLimitations: limitations }),
  };
  return {
    modelParameters: {
      ...(task === undefined ? {} : { task }),
      ...(family === undefined ? {} : { architectureFamily: family }),
      ...(architecture === undefined ? {} : { modelArchitecture: architecture }),
      ...(datasets === undefined || datasets.length === 0 ? {} : { datasets: datasets.map(datasetJson) }),
      ...(inputs === undefined ? {} : { inputs: inputs.map((format) => ({ format })) }),
      ...(outputs === undefined ? {} : { outputs: outputs.map((format) => ({ format })) }),
    },
    ...(Object.keys(considerations).length === 0 ? {} : { considerations }),
    ...(all.length === 0 ? {} : { properties: all }),
  };
}

function datasetJson({ name, url, licences }: ModelOrigin): JsonObject {
  const contents = {
    ...(url === undefined ? {} : { url }),
    ...(licences === undefined || licences.length === 0
      ? {}
      : { properties: licences.map((value) => ({ name: `${PREFIX}licence`, value })) }),
  };
  return { type: "dataset", name, ...(Object.keys(contents).length === 0 ? {} : { contents }) };
}

/** What it was made from. */
export function pedigreeJson({ baseModels }: ModelCard): JsonObject {
  if (baseModels === undefined || baseModels.length === 0) return {};
  const ancestors = baseModels.map(({ name, purl, relation }) => ({
    type: "machine-learning-model",
    name,
    ...(purl === undefined ? {} : { purl }),
    ...(relation === undefined ? {} : { properties: [{ name: `${PREFIX}relation`, value: relation }] }),
  }));
  return { pedigree: { ancestors } };
}

/** What a component says of a model; undefined when it has neither card nor ancestors. */
export function readModelCard(component: JsonObject): ModelCard | undefined {
  const card = component["modelCard"];
  const pedigree = component["pedigree"];
  if (!isJsonObject(card) && !isJsonObject(pedigree)) return undefined;
  const parameters = objectAt(card, "modelParameters");
  const considerations = objectAt(card, "considerations");
  const properties = propertiesIn(card);
  const property = (name: string): string | undefined =>
    properties.find((one) => one.name === `${PREFIX}${name}`)?.value;
  const contextLength = Number(property("contextLength") ?? "");
  const languages = properties.filter(({ name }) => name === `${PREFIX}language`).map(({ value }) => value);
  const baseModels = objectsAt(pedigree, "ancestors").flatMap((one) => originOf(one) ?? []);
  const datasets = objectsAt(parameters, "datasets").flatMap((one) => datasetOf(one) ?? []);
  return defined({
    task: textAt(parameters, "task"),
    family: textAt(parameters, "architectureFamily"),
    architecture: textAt(parameters, "modelArchitecture"),
    format: property("format"),
    parameters: property("parameters"),
    quantization: property("quantization"),
    precision: property("precision"),
    contextLength: Number.isSafeInteger(contextLength) && contextLength > 0 ? contextLength : undefined,
    baseModels: listOrNone(baseModels),
    datasets: listOrNone(datasets),
    languages: listOrNone(languages),
    inputs: listOrNone(objectsAt(parameters, "inputs").flatMap((one) => textAt(one, "format") ?? [])),
    outputs: listOrNone(objectsAt(parameters, "outputs").flatMap((one) => textAt(one, "format") ?? [])),
    useCases: listOrNone(textsAt(considerations, "useCases")),
    limitations: listOrNone(textsAt(considerations, "technicalLimitations")),
  });
}

function originOf(ancestor: JsonObject): ModelOrigin | undefined {
  const name = textAt(ancestor, "name");
  if (name === undefined) return undefined;
  const purl = textAt(ancestor, "purl");
  const relation = propertiesIn(ancestor).find((one) => one.name === `${PREFIX}relation`)?.value;
  return { name, ...(purl === undefined ? {} : { purl }), ...(relation === undefined ? {} : { relation }) };
}

function datasetOf(dataset: JsonObject): ModelOrigin | undefined {
  const name = textAt(dataset, "name") ?? textAt(dataset, "ref");
  if (name === undefined) return undefined;
  const contents = objectAt(dataset, "contents");
  const url = textAt(contents, "url");
  const licences = propertiesIn(contents)
    .filter((one) => one.name === `${PREFIX}licence`)
    .map(({ value }) => value);
  return { name, ...(url === undefined ? {} : { url }), ...(licences.length === 0 ? {} : { licences }) };
}

function propertiesIn(value: Json | undefined): { readonly name: string; readonly value: string }[] {
  return objectsAt(value, "properties").flatMap((one) => {
    const name = textAt(one, "name");
    const text = textAt(one, "value");
    return name === undefined || text === undefined ? [] : [{ name, value: text }];
  });
}
