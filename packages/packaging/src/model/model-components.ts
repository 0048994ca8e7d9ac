// What a packed model consists of, in whatever format: its card, from its own files, and each file's digest.
import { hexOf, isPratiqueError, readBounded } from "@pratique/core";
import type { SbomComponent } from "@pratique/sbom";
import type { CanonicalModel } from "./canonical-model.ts";
import { weightFacts } from "./describe-model.ts";
import type { FoundPickle } from "./headers/find-pickles.ts";
import { LOCAL_BUDGET } from "./headers/header-source.ts";
import { cardOf } from "./headers/hugging-face-config.ts";
import type { ModelFacts } from "./headers/model-facts.ts";
import { originsOfCard } from "./headers/model-origins.ts";
import { modelComponent } from "./model-component.ts";
import { mainWeight } from "./model-weights.ts";
import { pickleProperties } from "./pickle-evidence.ts";

const LIMIT_CARD = 1024 * 1024;

export async function modelComponents(
  model: CanonicalModel,
  version: string | undefined,
  pickles: readonly FoundPickle[],
): Promise<SbomComponent[]> {
  const main = mainWeight(model);
  const facts: Partial<ModelFacts> =
    main === undefined ? {} : { ...(await originsBeside(model)), ...(await weightFacts(model, main, LOCAL_BUDGET)) };
  return model.files.map((file): SbomComponent => {
    const sha256 = hexOf(file.digest);
    const own = pickles.filter(({ path }) => path === file.path);
    const properties = own.length === 0 ? {} : pickleProperties(own);
    if (file !== main) return { type: "file", name: file.path, hashes: { sha256 }, properties };
    return modelComponent({
      name: model.name ?? file.path,
      version,
      facts: { ...facts, ...model.metadata },
      licences: model.metadata.licences ?? facts.licences ?? [],
      sha256,
      properties,
    });
  });
}

/** A model card that is no text says nothing; it is no reason to have no components. */
async function originsBeside({ files }: CanonicalModel): Promise<Partial<ModelFacts>> {
  const card = files.find(({ path, size }) => path === "README.md" && size <= LIMIT_CARD);
  if (card === undefined) return {};
  try {
    const head = cardOf((await readBounded(card.open(), LIMIT_CARD, card.path)).toString("utf8"));
    return head === undefined ? {} : originsOfCard(head);
  } catch (error) {
    if (isPratiqueError(error, "input.too-large")) return {};
    throw error;
  }
}
