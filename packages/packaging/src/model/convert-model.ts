// A model in another format: its files stay as they are, and blobs that both formats have alike are not even read.
import { hexOf, isPratiqueError } from "@pratique/core";
import type { SbomComponent } from "@pratique/evidence";
import type { Manifest, Repository } from "@pratique/oci";
import { packagingErrors } from "../errors.ts";
import { packSource, type Packed, type PackSourceOptions } from "../pack-source.ts";
import type { CanonicalModel, ModelFormat } from "./canonical-model.ts";
import { sourceOf } from "./describe-model.ts";
import { findPickles, type FoundPickle } from "./headers/find-pickles.ts";
import { LOCAL_BUDGET } from "./headers/header-source.ts";
import { modelFormatOf, readModel, writeModel } from "./model-formats.ts";
import { mainWeight } from "./model-weights.ts";
import { notesOf, pickleProperties } from "./pickle-evidence.ts";

export interface ConvertModelOptions {
  readonly from: { readonly repository: Repository; readonly manifest: Manifest; readonly reference: string };
  readonly format: ModelFormat;
  readonly isDual?: boolean | undefined;
}

/**
 * Writes a model that is packed already in another format. An image is taken for a ModelCar.
 * @throws `artifact.malformed`, `model.not-dual`, `model.already`
 */
export async function convertModel(
  { from, format, isDual = false }: ConvertModelOptions,
  options: PackSourceOptions,
): Promise<Packed & { readonly attached?: unknown }> {
  const known = modelFormatOf(from.manifest);
  const model = await readModel(from.repository, from.manifest, known ?? "modelcar");
  const pickles = await picklesIn(model);
  return packSource(
    {
      kind: "model",
      name: model.name ?? "model",
      parameters: { convertedFrom: from.reference, format, dual: isDual },
      async plan(repository, { tag }) {
        const version = model.version ?? tag ?? "0.1.0";
        const plan = await writeModel(model, format, {
          repository,
          version,
          isDual,
          components: componentsOf(model, version, pickles),
          materials: [
            {
              uri: `pratique:model/${from.reference}`,
              digest: { sha256: hexOf(from.manifest.descriptor.digest) },
              name: from.reference,
            },
          ],
          buildType: "https://pratique.dev/build-types/convert/model/v1",
        });
        return { ...plan, notes: notesOf(pickles) };
      },
    },
    options,
  );
}

/** Looked for anew: what somebody else packed says nothing that we vouch for. */
async function picklesIn(model: CanonicalModel): Promise<FoundPickle[]> {
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

function componentsOf(model: CanonicalModel, version: string, pickles: readonly FoundPickle[]): SbomComponent[] {
  const main = mainWeight(model);
  const { metadata } = model;
  return model.files.map((file): SbomComponent => {
    const hashes = { sha256: hexOf(file.digest) };
    const own = pickles.filter(({ path }) => path === file.path);
    const properties = own.length === 0 ? {} : pickleProperties(own);
    if (file !== main) return { type: "file", name: file.path, hashes, properties };
    const stated = {
      format: metadata.format,
      architecture: metadata.architecture,
      parameters: metadata.parameters,
      quantization: metadata.quantization,
    };
    const said = Object.entries(stated).flatMap(([key, value]) =>
      value === undefined ? [] : [[`model:${key}`, value]],
    );
    return {
      type: "machine-learning-model",
      name: model.name ?? file.path,
      version,
      licences: metadata.licences ?? [],
      hashes,
      properties: { ...Object.fromEntries(said), ...properties },
      modelCard: {
        modelParameters: metadata.architecture === undefined ? {} : { modelArchitecture: metadata.architecture },
      },
    };
  });
}
