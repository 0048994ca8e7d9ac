// What a model was made from: base models and data sets, by its card (Hugging Face) or its header (GGUF).
import type { JsonObject } from "@pratique/core";
import type { ModelOrigin } from "@pratique/sbom";
import { present, shortText, wholeNumber, type ModelFacts } from "./model-facts.ts";

type Origins = Pick<ModelFacts, "baseModels" | "datasets" | "languages" | "task">;

const LIMIT_ORIGINS = 64;
const HUB_NAME = /^[A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95}$/;

/** The YAML at the head of a model card (huggingface.co/docs/hub/model-cards). */
export function originsOfCard(card: JsonObject): Origins {
  const relation = shortText(card["base_model_relation"]);
  const baseModels = namesIn(card["base_model"]).map((name) => hubModel(name, relation));
  const datasets = namesIn(card["datasets"]).map(hubDataset);
  const languages = namesIn(card["language"]);
  return present({
    baseModels: someOf(baseModels),
    datasets: someOf(datasets),
    languages: someOf(languages),
    task: shortText(card["pipeline_tag"]),
  });
}

/** `general.base_model.*` and `general.dataset.*` (ggml, docs/gguf.md). */
export function originsOfGguf(keys: ReadonlyMap<string, unknown>): Origins {
  const listed = (kind: string): ModelOrigin[] => {
    const count = Math.min(wholeNumber(keys.get(`${kind}.count`)) ?? 0, LIMIT_ORIGINS);
    return Array.from({ length: count }, (_, at) => at).flatMap((at): ModelOrigin[] => {
      const text = (key: string): string | undefined => shortText(keys.get(`${kind}.${at}.${key}`));
      const url = text("repo_url") ?? text("url");
      const name = hubNameOf(url) ?? text("name");
      if (name === undefined) return [];
      const own = kind.endsWith("dataset") ? hubDataset(name) : hubModel(name, undefined);
      return [{ ...own, ...(url === undefined || kind.endsWith("base_model") ? {} : { url }) }];
    });
  };
  return present({
    baseModels: someOf(listed("general.base_model")),
    datasets: someOf(listed("general.dataset")),
  });
}

function hubModel(name: string, relation: string | undefined): ModelOrigin {
  const stated = relation === undefined ? {} : { relation };
  return HUB_NAME.test(name) ? { name, purl: `pkg:huggingface/${name}`, ...stated } : { name, ...stated };
}

function hubDataset(name: string): ModelOrigin {
  return /^[\w.-]+(?:\/[\w.-]+)?$/.test(name) ? { name, url: `https://huggingface.co/datasets/${name}` } : { name };
}

function hubNameOf(url: string | undefined): string | undefined {
  return /^https:\/\/huggingface\.co\/(?:datasets\/)?([\w.-]+\/[\w.-]+)\/?$/.exec(url ?? "")?.[1];
}

function namesIn(value: unknown): string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.flatMap((one) => shortText(one) ?? []).slice(0, LIMIT_ORIGINS);
}

function someOf<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}
