// What records hold of the arguments of a call.
import { canonicalJson, digestOf, type JsonObject } from "@pratique/core";
import type { Screen } from "../exchange/ports.ts";
import { RECORDED_ARGUMENTS_BYTES } from "../limits.ts";

export type RecordArguments = "digest" | "content";

/** Small arguments as they are (guard redacts what it records), where that is wanted; else by size and digest. */
export function recordedArguments(
  args: JsonObject,
  mode: RecordArguments,
  screen?: Screen,
): { readonly notes: JsonObject; digest(): string } {
  const text = canonicalJson(args);
  const argumentsDigest = digestOf(text);
  const argumentsBytes = Buffer.byteLength(text);
  const isShown = mode === "content" && argumentsBytes <= RECORDED_ARGUMENTS_BYTES;
  return {
    notes: { argumentsBytes, argumentsDigest, ...(isShown ? { arguments: screen?.forRecord?.(args) ?? args } : {}) },
    digest: () => argumentsDigest,
  };
}
