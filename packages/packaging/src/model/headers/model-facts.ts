// What the header of a weight file says, whatever its format.
import type { ModelOrigin } from "@pratique/sbom";
import type { ModelMetadata } from "../model-metadata.ts";

export interface ModelFacts extends ModelMetadata {
  readonly name?: string;
  readonly description?: string;
  readonly modelVersion?: string;
  readonly chatTemplate?: string;
  /** False when the header went on beyond what could be read: what is here is true, and something may be missing. */
  readonly isComplete: boolean;
  readonly tensors?: number;
  /** E.g. `text-generation`. */
  readonly task?: string;
  readonly baseModels?: readonly ModelOrigin[];
  readonly datasets?: readonly ModelOrigin[];
  readonly languages?: readonly string[];
}

const TEXT_LIMIT = 1024;

export function shortText(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.trim().slice(0, TEXT_LIMIT) : undefined;
}

export function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === "bigint" ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Members that are undefined are left out. */
export function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
}

/** `354048` → `354k`, `7000000000` → `7b`, as ModelPack writes sizes. */
export function paramSize(parameters: bigint): string {
  const units: readonly (readonly [bigint, string])[] = [
    [1_000_000_000_000n, "t"],
    [1_000_000_000n, "b"],
    [1_000_000n, "m"],
    [1000n, "k"],
  ];
  for (const [unit, letter] of units) {
    if (parameters < unit) continue;
    const value = Number((parameters * 10n) / unit) / 10;
    return `${value >= 100 ? Math.floor(value) : value}${letter}`;
  }
  return String(parameters);
}
