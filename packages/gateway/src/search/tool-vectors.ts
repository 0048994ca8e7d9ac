// Ranks tools by meaning, with an embedding model where one is there. Nobody waits for it.
import { describeError, digestOf, type Log } from "@pratique/core";
import type { ToolDocument } from "./tool-index.ts";

/** Vectors of these texts, all of one length; undefined when there is no model. */
export type Embed = (texts: readonly string[]) => Promise<readonly (readonly number[])[] | undefined>;

const BATCH = 32;
const TEXT_LIMIT = 1000;
const KEPT = 20_000;
/** Without an answer by then, words alone decide. */
const QUERY_WAIT_MS = 300;
/** Less alike than this is no hit. */
const LEAST = 0.25;

export class ToolVectors {
  readonly #embed: Embed;
  readonly #log: Log;
  readonly #byText = new Map<string, Float32Array>();
  #isFilling = false;
  #hasModel = true;

  constructor(embed: Embed, log: Log) {
    this.#embed = embed;
    this.#log = log;
  }

  /** Positions of documents, nearest first; none before their vectors are there, which this call sees to. */
  async rank(documents: readonly ToolDocument[], query: string, limit: number): Promise<number[]> {
    if (!this.#hasModel) return [];
    const keys = documents.map((document) => digestOf(textOf(document)));
    const missing = documents.filter((_, at) => !this.#byText.has(keys[at] ?? ""));
    if (missing.length > 0) {
      void this.#fill(missing);
      return [];
    }
    const wanted = await within(this.#vectorsOf([query]), QUERY_WAIT_MS);
    const vector = wanted?.[0];
    if (vector === undefined) return [];
    return keys
      .map((key, at) => ({ at, score: product(vector, this.#byText.get(key)) }))
      .filter(({ score }) => score >= LEAST)
      .toSorted((a, b) => b.score - a.score)
      .slice(0, limit)
      .map(({ at }) => at);
  }

  async #fill(documents: readonly ToolDocument[]): Promise<void> {
    if (this.#isFilling) return;
    this.#isFilling = true;
    try {
      for (let from = 0; from < documents.length; from += BATCH) {
        const texts = documents.slice(from, from + BATCH).map(textOf);
        const vectors = await this.#vectorsOf(texts);
        if (vectors === undefined) return;
        texts.forEach((text, at) => {
          const vector = vectors[at];
          if (vector !== undefined) this.#byText.set(digestOf(text), vector);
        });
      }
      for (const key of this.#byText.keys()) if (this.#byText.size > KEPT) this.#byText.delete(key);
    } finally {
      this.#isFilling = false;
    }
  }

  async #vectorsOf(texts: readonly string[]): Promise<Float32Array[] | undefined> {
    try {
      const vectors = await this.#embed(texts);
      if (vectors === undefined || vectors.length !== texts.length) {
        this.#hasModel = false;
        return undefined;
      }
      return vectors.map(unit);
    } catch (error) {
      this.#log.debug("tools cannot be embedded, so words alone decide", describeError(error));
      return undefined;
    }
  }
}

function textOf({ server, name, title, description }: ToolDocument): string {
  return `${server} ${name} ${title}: ${description}`.slice(0, TEXT_LIMIT);
}

function unit(vector: readonly number[]): Float32Array {
  const length = Math.hypot(...vector) || 1;
  return Float32Array.from(vector, (value) => value / length);
}

function product(a: Float32Array, b: Float32Array | undefined): number {
  if (b === undefined || a.length !== b.length) return 0;
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += a[at]! * b[at]!;
  return sum;
}

async function within<T>(task: Promise<T>, ms: number): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, ms, undefined);
  try {
    return await Promise.race([task, promise]);
  } finally {
    clearTimeout(timer);
  }
}
