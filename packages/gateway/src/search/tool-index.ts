// An index over the tools that one caller may see: BM25 over names, servers, descriptions and arguments.
import { isJsonObject, type Json, type JsonObject } from "@pratique/core";
import MiniSearch from "minisearch";
import { alike, isLossy, isVerb, wordsOf } from "./words.ts";

export interface ToolDocument {
  readonly name: string;
  readonly server: string;
  readonly title: string;
  readonly description: string;
  /** Names of the arguments and what is said of them. */
  readonly args: string;
}

const DESCRIPTION_LIMIT = 4000;
const ARGUMENTS_LIMIT = 2000;
const QUERY_WORDS = 40;
/** A word that stands for the one that was asked for counts less. */
const ALIKE_WEIGHT = 0.35;
/** Of a word that says only what is done, such as `get`. */
const VERB_WEIGHT = 0.5;
/** Of a tool that takes something away, when the question does not say so. */
const LOSSY_WEIGHT = 0.85;
const FIELDS = ["name", "server", "title", "description", "args"] as const;
const BOOST = { name: 4, server: 2, title: 3, description: 1.5, args: 0.5 };

export class ToolIndex {
  readonly documents: readonly ToolDocument[];
  readonly #lossy: readonly boolean[];
  readonly #search: MiniSearch<ToolDocument & { readonly id: number }>;

  constructor(documents: readonly ToolDocument[]) {
    this.documents = documents;
    this.#lossy = documents.map(({ name }) => wordsOf(name).some(isLossy));
    this.#search = new MiniSearch({
      fields: [...FIELDS],
      tokenize: wordsOf,
      processTerm: (term) => term,
      searchOptions: {
        tokenize: (word) => [word],
        boost: BOOST,
        bm25: { k: 1.2, b: 0.6, d: 0.5 },
        boostTerm: (word) => (isVerb(word) ? VERB_WEIGHT : 1),
      },
    });
    this.#search.addAll(documents.map((document, id) => ({ ...document, id })));
  }

  /** Positions in `documents`, best first. */
  rank(query: string, limit: number): number[] {
    const words = [...new Set(wordsOf(query))].slice(0, QUERY_WORDS);
    if (words.length === 0) return [];
    const asked = new Set(words);
    const wantsLoss = words.some(isLossy);
    const others = [...new Set(words.flatMap(alike))].filter((word) => !asked.has(word));
    const found = this.#search.search(
      {
        combineWith: "OR",
        queries: [
          {
            queries: words,
            prefix: (term: string) => term.length > 3,
            fuzzy: (term: string) => (term.length > 5 ? 0.15 : false),
            weights: { prefix: 0.3, fuzzy: 0.15 },
          },
          ...(others.length === 0
            ? []
            : [{ queries: others, boost: Object.fromEntries(FIELDS.map((f) => [f, BOOST[f] * ALIKE_WEIGHT])) }]),
        ],
      },
      { boostDocument: (id) => (!wantsLoss && this.#lossy[Number(id)] === true ? LOSSY_WEIGHT : 1) },
    );
    return found.slice(0, limit).map(({ id }) => Number(id));
  }
}

export function toolDocument(tool: JsonObject, server: string): ToolDocument {
  const { name, title, description, inputSchema, annotations } = tool;
  const named = isJsonObject(annotations) ? annotations["title"] : undefined;
  return {
    name: text(name),
    server,
    title: text(title ?? named),
    description: text(description).slice(0, DESCRIPTION_LIMIT),
    args: argumentsText(inputSchema).slice(0, ARGUMENTS_LIMIT),
  };
}

function argumentsText(schema: Json | undefined): string {
  const properties = isJsonObject(schema) ? schema["properties"] : undefined;
  if (!isJsonObject(properties)) return "";
  return Object.entries(properties)
    .map(([name, property]) => `${name} ${isJsonObject(property) ? text(property["description"]) : ""}`)
    .join(" ");
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
