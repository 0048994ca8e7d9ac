// A model card as names and values, for formats that have no card.
import { isJsonObject, type JsonObject } from "@pratique/core";
import { defined, listOrNone, textAt } from "./json-at.ts";
import type { ModelCard, ModelOrigin, SbomProperty } from "./sbom-document.ts";

const PREFIX = "pratique:model:";
const TEXTS = ["task", "family", "architecture", "format", "parameters", "quantization", "precision"] as const;
const LISTS = ["languages", "inputs", "outputs", "useCases", "limitations"] as const;
const ORIGINS = ["baseModels", "datasets"] as const;

export function propertiesOfModel(model: ModelCard): SbomProperty[] {
  const list: SbomProperty[] = [];
  for (const key of TEXTS) {
    const value = model[key];
    if (value !== undefined) list.push({ name: PREFIX + key, value });
  }
  if (model.contextLength !== undefined) {
    list.push({ name: `${PREFIX}contextLength`, value: String(model.contextLength) });
  }
  for (const key of LISTS) for (const value of model[key] ?? []) list.push({ name: PREFIX + key, value });
  for (const key of ORIGINS) {
    for (const origin of model[key] ?? []) list.push({ name: PREFIX + key, value: JSON.stringify(originJson(origin)) });
  }
  return list;
}

/** Undefined when no property speaks of a model. */
export function modelOfProperties(properties: readonly SbomProperty[]): ModelCard | undefined {
  const own = properties.filter(({ name }) => name.startsWith(PREFIX));
  if (own.length === 0) return undefined;
  const all = (key: string): string[] => own.filter(({ name }) => name === PREFIX + key).map(({ value }) => value);
  const length = Number(all("contextLength")[0] ?? "");
  const texts = Object.fromEntries(TEXTS.map((key) => [key, all(key)[0]]));
  const lists = Object.fromEntries(LISTS.map((key) => [key, listOrNone(all(key))]));
  const origins = Object.fromEntries(
    ORIGINS.map((key) => [key, listOrNone(all(key).flatMap((one) => readOrigin(one)))]),
  );
  const contextLength = Number.isSafeInteger(length) && length > 0 ? length : undefined;
  return defined({ ...texts, contextLength, ...lists, ...origins });
}

export function isModelProperty({ name }: SbomProperty): boolean {
  return name.startsWith(PREFIX);
}

function originJson({ name, purl, url, relation, licences }: ModelOrigin): JsonObject {
  return defined({ name, purl, url, relation, licences: licences === undefined ? undefined : [...licences] });
}

function readOrigin(text: string): ModelOrigin[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Somebody else's words under our name: a model is called so.
    return [{ name: text }];
  }
  if (!isJsonObject(json)) return [];
  const name = textAt(json, "name");
  if (name === undefined) return [];
  const { licences } = json;
  const own = Array.isArray(licences) ? licences.filter((one): one is string => typeof one === "string") : [];
  return [
    {
      name,
      ...defined({
        purl: textAt(json, "purl"),
        url: textAt(json, "url"),
        relation: textAt(json, "relation"),
        licences: listOrNone(own),
      }),
    },
  ];
}
