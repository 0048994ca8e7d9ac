// Pickles in a packed model, found by looking into its files.
import { isPratiqueError } from "@pratique/core";
import { packagingErrors } from "../errors.ts";
import type { CanonicalModel } from "./canonical-model.ts";
import { sourceOf } from "./describe-model.ts";
import { findPickles, type FoundPickle } from "./headers/find-pickles.ts";
import { LOCAL_BUDGET } from "./headers/header-source.ts";

/** Looked for anew: what somebody else packed says nothing that we vouch for. */
export async function picklesIn(model: CanonicalModel): Promise<FoundPickle[]> {
  const found: FoundPickle[] = [];
  for (const file of model.files) {
    if (file.size === 0) continue;
    try {
      found.push(...(await findPickles(sourceOf(file, LOCAL_BUDGET), file.path)));
    } catch (error) {
      if (!isPratiqueError(error, "model.invalid")) throw error;
      throw packagingErrors("model.invalid", { path: file.path, reason: "it cannot be looked into" }, { cause: error });
    }
  }
  return found;
}
